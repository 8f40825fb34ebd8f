/** When something that failed is tried again (market reference, section 6.2). There is no jitter. */
import type { RetryPolicy } from '#contracts/market/operation.ts';

/**
 * The delays of a policy: the first is the least, each further one twice the one before, at most the most; as many as
 * attempts, and none that would take them all together beyond the bound.
 */
export const retryDelays = (policy: RetryPolicy): readonly number[] => {
  const { min_delay_ms: least, max_delay_ms: most, max_attempts: attempts, max_elapsed_ms: bound } = policy;
  const delays: number[] = [];
  let elapsed = 0;
  for (let delay = least; delays.length < attempts; delay = Math.min(2 * delay, most)) {
    elapsed += delay;
    if (bound !== null && elapsed > bound) break;
    delays.push(delay);
  }
  return delays;
};

/** What follows an attempt that failed. */
export type AfterFailure =
  { readonly kind: 'wait'; readonly delayMs: number } | { readonly kind: 'exhausted' };

/**
 * What follows the given number of failed attempts, 1 or more. There are as many attempts as delays, one at least, and
 * nobody waits after the last.
 */
export const afterFailure = (attempts: number, policy: RetryPolicy): AfterFailure => {
  const delays = retryDelays(policy);
  const delayMs = delays[attempts - 1];
  return delayMs === undefined || attempts >= delays.length
    ? { kind: 'exhausted' }
    : { kind: 'wait', delayMs };
};
