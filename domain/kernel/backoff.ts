/** Bounded exponential backoff without chance (market reference, section 6.2). */

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
