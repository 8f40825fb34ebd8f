/**
 * One execution as data. Everything that happens to it is a `Change`: applied to memory and appended to the
 * journal in one act, and applied again at boot, so the restored execution equals the one that was lost.
 *
 * An execution is a set of strands. The root strand walks the machine; each branch of a Parallel and each
 * iteration of a Map is a strand of its own, whose path extends its parent's (`0`, `0.2`, `0.2.1`).
 */
import type { Json } from '#local/kernel/engine.ts';

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

export interface HistoryEvent {
  readonly id: number;
  readonly previousEventId: number;
  readonly atMs: number;
  readonly type: string;
  readonly details?: Json;
}

/** How a task ended, once that is known. */
export type TaskOutcome =
  | { readonly kind: 'succeeded'; readonly output: unknown }
  | {
      readonly kind: 'failed';
      readonly error: string;
      readonly reason?: string;
      readonly alias?: string;
    };

/** What the current state of a strand is doing; enough to go on with it after a restart. */
export type Progress =
  | { readonly kind: 'entered' }
  | { readonly kind: 'waiting'; readonly untilMs: number }
  | { readonly kind: 'backing-off'; readonly untilMs: number }
  | TaskProgress
  | { readonly kind: 'answered'; readonly outcome: TaskOutcome; readonly token?: string }
  | { readonly kind: 'fanned-out'; readonly inputs: readonly unknown[]; readonly limits: FanOutLimits }
  | { readonly kind: 'ended'; readonly output: unknown }
  | { readonly kind: 'tolerated' };

export interface TaskProgress {
  readonly kind: 'task';
  /** The event that holds the arguments of the call; also names this attempt among its repetitions. */
  readonly scheduledEventId: number;
  /** Set when the task is answered by its token instead of by its call. */
  readonly token?: string;
  /** Whether the call that hands out the token has been answered and need not be repeated. */
  readonly isSubmitted: boolean;
  readonly timeoutAtMs?: number;
  readonly heartbeatMs?: number;
  readonly beatAtMs?: number;
}

export interface FanOutLimits {
  readonly concurrencyMax: number;
  /** Failed iterations that are borne; undefined when the first failure fails the state. */
  readonly toleratedMax?: number;
}

export interface Strand {
  readonly path: string;
  readonly state: string;
  /** Type of that state. */
  readonly type: string;
  readonly input: unknown;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly enteredAtMs: number;
  readonly enteredEventId: number;
  readonly lastEventId: number;
  /** Attempts used of each retrier, by its index. */
  readonly tries: Readonly<Record<string, number>>;
  readonly retryCount: number;
  readonly progress: Progress;
  /** The item of the Map iteration this strand belongs to. */
  readonly item?: { readonly Index: number; readonly Value: unknown };
}

export interface Execution {
  readonly arn: string;
  readonly name: string;
  readonly machineArn: string;
  readonly revisionId: string;
  readonly inputText: string;
  readonly startedAtMs: number;
  /** Counts the starts of this engine; orders lists. */
  readonly number: number;
  status: ExecutionStatus;
  closing: Closing | undefined;
  readonly events: HistoryEvent[];
  readonly strands: Map<string, Strand>;
}

export interface Closing {
  readonly status: Exclude<ExecutionStatus, 'RUNNING'>;
  readonly atMs: number;
  readonly outputText?: string;
  readonly error?: string;
  readonly cause?: string;
}

/** One step of an execution. */
export interface Change {
  readonly events: readonly HistoryEvent[];
  /** The strand as it is now; a known strand keeps what is not named. */
  readonly strand?: Partial<Strand> & { readonly path: string };
  /** Strands below this path are over. */
  readonly forget?: string;
  readonly closing?: Closing;
}

/** Root of all strands. */
export const rootPath = '0';

/** Most events one execution may have, the closing one included. */
export const historyEventsMax = 25_000;

/** Applies a change to an execution in memory. */
export const applyChange = (execution: Execution, change: Change): void => {
  execution.events.push(...change.events);
  if (change.forget !== undefined) forgetBelow(execution, change.forget);
  if (change.strand) {
    const known = execution.strands.get(change.strand.path);
    const lastEventId = change.events.at(-1)?.id ?? known?.lastEventId ?? 0;
    // A strand that is not known yet comes complete, because only entering its first state creates it.
    execution.strands.set(change.strand.path, { ...known, ...change.strand, lastEventId } as Strand);
  }
  if (change.closing) {
    execution.status = change.closing.status;
    execution.closing = change.closing;
    execution.strands.clear();
  }
};

const forgetBelow = (execution: Execution, path: string): void => {
  for (const other of execution.strands.keys())
    if (other.startsWith(`${path}.`)) execution.strands.delete(other);
};

/** An execution as the journal carries it. */
export interface StoredExecution extends Omit<Execution, 'strands'> {
  readonly strands: readonly Strand[];
}

/** A copy: what happens to the execution later must not reach an entry already appended. */
export const storeExecution = (execution: Execution): StoredExecution => ({
  ...execution,
  events: [...execution.events],
  strands: [...execution.strands.values()],
});

/** The execution an entry holds. */
export const loadExecution = (stored: StoredExecution): Execution => ({
  ...stored,
  closing: stored.closing,
  events: [...stored.events],
  strands: new Map(stored.strands.map((strand) => [strand.path, strand])),
});
