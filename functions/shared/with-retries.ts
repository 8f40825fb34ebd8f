/** Tries an act again after bounded delays. */
import { waitsBetweenTries } from '#domain/kernel/backoff.ts';
import type { RetryBounds } from '#domain/kernel/backoff.ts';

export interface Retrying {
  readonly bounds: RetryBounds;
  readonly sleep: (waitMs: number) => Promise<void>;
  /** Whether a failure may be over at the next try; default every one. */
  readonly isTransient?: (error: unknown) => boolean;
}

/** The result of the first try that succeeds; throws what the last one threw. */
export const withRetries = async <Result>(
  { bounds, sleep, isTransient = () => true }: Retrying,
  act: () => Promise<Result>,
): Promise<Result> => {
  for (const waitMs of waitsBetweenTries(bounds)) {
    try {
      return await act();
    } catch (error) {
      if (!isTransient(error)) throw error;
      await sleep(waitMs);
    }
  }
  return act();
};
