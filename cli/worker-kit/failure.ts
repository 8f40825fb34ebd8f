/** How an attempt ends otherwise than well, and what is reported of it. */
import type { CompletedRequest } from '#contracts/runs/callbacks.ts';
import type { ErrorCategory } from '#contracts/runs/task-output.ts';
import { messageOf } from '#cli/worker-kit/request.ts';

/** A failure with a category of the contract, thrown by the work; any other error counts as `USER_CODE`. */
export class TaskFailure extends Error {
  readonly category: ErrorCategory;
  /** Overrides whether the category is worth another attempt. */
  readonly retryable: boolean | undefined;
  constructor(category: ErrorCategory, message: string, options: { readonly retryable?: boolean } = {}) {
    super(message);
    this.name = 'TaskFailure';
    this.category = category;
    this.retryable = options.retryable;
  }
}

/** Why work should stop: the run is being cancelled, the attempt is another's or over, or the worker ends. */
export type StopReason = 'user_requested' | 'run_timed_out' | 'unwanted' | 'worker_stopping';

/** The reason of the signal the work is given, so `signal.throwIfAborted()` throws it. */
export class TaskStopped extends Error {
  readonly reason: StopReason;
  constructor(reason: StopReason) {
    super(`the work is to stop: ${reason}`);
    this.name = 'TaskStopped';
    this.reason = reason;
  }
}

/** Why the work of a signal is to stop; undefined while it is to go on. */
export const stopReasonOf = (signal: AbortSignal): StopReason | undefined => {
  const reason: unknown = signal.reason;
  return reason instanceof TaskStopped ? reason.reason : undefined;
};

/** A completion without the members that say whose it is. */
export type Completion = Pick<CompletedRequest, 'outcome' | 'error' | 'metrics'> & {
  readonly output?: object;
};

const MESSAGE_LENGTH_MAX = 8_192;

/** The report on what the work threw; undefined when the attempt is unwanted and nothing is to be reported. */
export const failureReport = (error: unknown, signal: AbortSignal): Completion | undefined => {
  if (error instanceof TaskFailure) {
    const { category, message, retryable } = error;
    return failed(category, message, retryable);
  }
  const reason = error instanceof TaskStopped ? error.reason : stopReasonOf(signal);
  if (reason === undefined) return failed('USER_CODE', messageOf(error));
  switch (reason) {
    case 'unwanted':
      return undefined;
    case 'worker_stopping':
      // Not the fault of the work: another worker may take the next attempt.
      return failed('INFRASTRUCTURE', 'the worker was stopped before the work had ended');
    case 'user_requested':
    case 'run_timed_out':
      return { outcome: 'CANCELLED' };
  }
};

/** A failed completion; its message is cut at 8,192 characters. */
export const failed = (category: ErrorCategory, message: string, retryable?: boolean): Completion => ({
  outcome: 'FAILED',
  error: {
    category,
    message: message.slice(0, MESSAGE_LENGTH_MAX),
    ...(retryable === undefined ? {} : { retryable }),
  },
});
