/** When a failed attempt is followed by another (asset reference, section 11). */
import type { RetryPolicy } from '#contracts/runs/plan.ts';
import { isRetryableCategory } from '#contracts/runs/task-output.ts';
import type { ErrorCategory, TaskError } from '#contracts/runs/task-output.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { spreadMs } from '#domain/kernel/backoff.ts';
import { dispatchId } from '#domain/kernel/ids.ts';
import type { AttemptRef } from '#domain/kernel/ids.ts';

/**
 * Whether this failure is worth another attempt: one of the categories of the policy, or, when it names none, by the
 * table of categories, which the worker's own word overrides. A worker's no is a no; a report without an error counts as
 * `USER_CODE`.
 */
export const isRetryable = (
  { category, retryable }: Partial<TaskError> & Pick<TaskError, 'category'> = { category: 'USER_CODE' },
  retryOn?: readonly ErrorCategory[],
): boolean => {
  if (retryable === false) return false;
  return retryOn === undefined ? (retryable ?? isRetryableCategory[category]) : retryOn.includes(category);
};

/** The wait after an attempt without its jitter: base, growing by the factor, at most `maxMs`. */
export const backoffMs = ({ baseMs, factor, maxMs }: RetryPolicy, attempt: number): number =>
  Math.min(maxMs, Math.floor(baseMs * factor ** (attempt - 1)));

/** In [0, jitterMs) and always the same for an attempt. */
export const jitterOf = (jitterMs: number, ref: AttemptRef): number =>
  spreadMs(jitterMs, `jitter:${dispatchId(ref)}`);

/** The instant of the next attempt, or undefined when none follows. */
export const retryAtMs = (
  policy: RetryPolicy,
  failure: { readonly ref: AttemptRef; readonly error: TaskError | undefined; readonly nowMs: number },
): number | undefined => {
  const { ref, error, nowMs } = failure;
  if (ref.attempt >= policy.maxAttempts || !isRetryable(error, policy.retryOn)) return undefined;
  return nowMs + backoffMs(policy, ref.attempt) + jitterOf(policy.jitterMs, ref);
};

/** The refusal of a retry before its instant: the clock that asks for it is ahead. */
export const retryNotDue = (taskKey: string, dueAtMs: number, nowMs: number): Rejection => ({
  code: 'retry_not_due',
  message: `the retry of ${taskKey} is due in ${dueAtMs - nowMs} ms`,
  details: { retryAt: new Date(dueAtMs).toISOString() },
});
