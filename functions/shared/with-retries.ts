/** Tries an act again after bounded delays. */
import { waitsBetweenTries } from '#domain/kernel/backoff.ts';
import type { RetryBounds } from '#domain/kernel/backoff.ts';

export interface Retrying {
  readonly bounds: RetryBounds;
  readonly sleep: (waitMs: number) => Promise<void>;
  /** Whether a failure may be over at the next try; default every one. */
  readonly isTransient?: (error: unknown) => boolean;
  /** Whether there is time for a wait and a try after it; default for each. The first that does not fit is the end. */
  readonly hasTimeFor?: (waitMs: number) => boolean;
}

/** The result of the first try that succeeds; throws what the last one threw. */
export const withRetries = async <Result>(
  { bounds, sleep, isTransient = () => true, hasTimeFor = () => true }: Retrying,
  act: () => Promise<Result>,
): Promise<Result> => {
  for (const waitMs of waitsBetweenTries(bounds)) {
    try {
      return await act();
    } catch (error) {
      if (!isTransient(error) || !hasTimeFor(waitMs)) throw error;
      await sleep(waitMs);
    }
  }
  return act();
};
