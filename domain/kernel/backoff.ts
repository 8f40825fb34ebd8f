/** Bounded exponential backoff without chance (market reference, section 6.2). */
import { sha256Hex } from '#domain/kernel/hash.ts';

/** Bounds of a series of tries. */
export interface RetryBounds {
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Tries at most, the first one included. */
  readonly attemptsMax: number;
  /** The delays together take at most this long; absent for no such bound. */
  readonly elapsedMaxMs?: number;
}

/**
 * The delays of the reference: the first is the least one, each next is doubled up to the most, as many as there may be
 * tries, ending before one that would take their sum over the bound.
 */
export const backoffDelays = ({
  minDelayMs,
  maxDelayMs,
  attemptsMax,
  elapsedMaxMs = Number.POSITIVE_INFINITY,
}: RetryBounds): readonly number[] => {
  const delays: number[] = [];
  let sumMs = 0;
  for (let delayMs = minDelayMs; delays.length < attemptsMax; delayMs = Math.min(2 * delayMs, maxDelayMs)) {
    sumMs += delayMs;
    if (sumMs > elapsedMaxMs) break;
    delays.push(delayMs);
  }
  return delays;
};

/** The waits between tries: there is always a first try, and nobody waits after the last one. */
export const waitsBetweenTries = (bounds: RetryBounds): readonly number[] =>
  backoffDelays(bounds).slice(0, -1);

const UNIT_DIGITS = 12;

/** In [0, rangeMs) and always the same for an id: what is to be spread is spread by its name, not by chance. */
export const spreadMs = (rangeMs: number, id: string): number => {
  const unit = Number.parseInt(sha256Hex(id).slice(0, UNIT_DIGITS), 16);
  return Math.floor((unit / 16 ** UNIT_DIGITS) * rangeMs);
};
