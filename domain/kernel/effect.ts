/**
 * The outside acts a state may owe (docs/guide/design.md §5). Each has a name derived from ids alone, so that doing it
 * twice is harmless and finding it done is success.
 */

/** Work an HTTP worker can claim: one item in `control`. */
export interface OfferTask {
  readonly kind: 'offer-task';
  readonly name: string;
  readonly tenantId: string;
  readonly workspaceId: string;
  readonly queue: string;
  /** 0 is the most urgent, 9 the least; default 5. */
  readonly priority: number;
  readonly runId: string;
  readonly taskKey: string;
  readonly attempt: number;
  readonly attemptId: string;
  readonly readyAtMs: number;
}

/** Takes an offer back because its task was cancelled. */
export interface WithdrawTask {
  readonly kind: 'withdraw-task';
  readonly name: string;
  readonly tenantId: string;
  readonly workspaceId: string;
  readonly queue: string;
  readonly priority: number;
  readonly runId: string;
  readonly taskKey: string;
  readonly attempt: number;
  readonly readyAtMs: number;
}

/** Starts a Step Functions execution; a running or closed execution of the same name counts as started. */
export interface StartExecution {
  readonly kind: 'start-execution';
  readonly name: string;
  readonly machine: 'retry-task' | 'feed-recovery';
  readonly input: Readonly<Record<string, unknown>>;
}

/** Sends one SQS message. `groupId` and `deduplicationId` for FIFO queues only. */
export interface SendMessage {
  readonly kind: 'send-message';
  readonly name: string;
  readonly queue:
    | 'engine-runs'
    | 'commands'
    | 'sweep'
    | 'timers'
    | 'compactions'
    | 'publications'
    | 'inline-runs'
    | 'function-tasks';
  readonly body: Readonly<Record<string, unknown>>;
  readonly groupId?: string;
  readonly deduplicationId?: string;
  /** Seconds, 0 to 900, standard queues only. */
  readonly delaySeconds?: number;
}

/** A command for a stream, as JSON. */
export interface Addressed {
  readonly stream: string;
  readonly command: Readonly<Record<string, unknown>> & { readonly type: string };
}

/**
 * Has a command decided by another stream, at least once and in the order in which it was sent; what came of it is told
 * by another command, as a rule to the stream that asked.
 */
export interface IssueCommand extends Addressed {
  readonly kind: 'issue-command';
  readonly name: string;
  /** Issued once the command was accepted, also when there was nothing to record. */
  readonly ifDone?: Addressed;
  /** Issued when the command was refused for good; without it the refusal is an event of the stream. */
  readonly ifRefused?: Addressed;
}

export type Effect = OfferTask | WithdrawTask | StartExecution | SendMessage | IssueCommand;
