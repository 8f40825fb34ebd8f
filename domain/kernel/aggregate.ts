/**
 * What an aggregate promises to the command handler, the sweeper and the compactor. All of it is pure: time,
 * ids and chance arrive in the command or the context (law 2).
 */
import type { CommitOutput, RecordedEvent } from '#contracts/event.ts';
import type { ErrorCode } from '#contracts/errors.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import type { Effect } from '#domain/kernel/effect.ts';

/** A fact as a decider proposes it; the command handler adds id, time, actor and position. */
export interface ProposedEvent<Type extends string = string, Data extends object = object> {
  readonly type: Type;
  /** Shape version of `data`, 1 when absent. */
  readonly schemaVersion?: number;
  readonly idempotencyKey: string;
  readonly data: Data;
}

/** A refusal by value: a code of the error catalogue and the facts its message and details need. */
export interface Rejection {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What a decider may know besides its command: server time and the stream it decides for. */
export interface DecideContext {
  readonly nowMs: number;
  readonly stream: string;
}

/** Why an aggregate in a non-terminal state waits, and until when it may stay silent. */
export interface Waiting {
  /** A word of the aggregate's closed list, for example `worker`, `retry`, `upstream`. */
  readonly reason: string;
  /** The instant by which something must have happened; the sweeper looks then. */
  readonly deadlineMs: number;
  /** What exactly is waited for, for people. */
  readonly subject?: string;
}

/** A consistency boundary: one stream of the ledger and the rules for what may be appended to it. */
export interface Aggregate<State, Command extends { readonly type: string }, Event extends ProposedEvent> {
  /** First part of the stream id, before `#`. */
  readonly kind: string;
  /** Raised whenever the shape or meaning of the folded state changes; older embedded states are refolded. */
  readonly foldVersion: number;
  /** Types this fold knows; others fold to a no-op and keep the state from being embedded. */
  readonly eventTypes: ReadonlySet<string>;
  readonly initialState: () => State;
  readonly decide: (command: Command, state: State, context: DecideContext) => Decision<Event, Rejection>;
  /** Folds one event. It may mutate the state it was given, which the caller alone owns. */
  readonly evolve: (state: State, event: RecordedEvent) => State;
  /** Effects still owed in this state, each with a deterministic name; pure and total. */
  readonly outstanding: (state: State, nowMs: number) => readonly Effect[];
  /** Everything that is waited for now; empty exactly when the aggregate is terminal or at rest. */
  readonly waiting: (state: State) => readonly Waiting[];
  /** The command the sweeper issues when a deadline has passed. */
  readonly sweepCommand: (nowMs: number) => Command;
  readonly isTerminal: (state: State) => boolean;
  /** Messages that leave the system in order because of these events; they travel in the commit. */
  readonly outputs?: (events: readonly RecordedEvent[], state: State) => readonly CommitOutput[];
  /**
   * For aggregates whose embedded state leaves out what the first commit fixed for good (the plan of a run): whether
   * a decoded state still lacks it, and the state with it put back. The loader then also reads the first commit.
   */
  readonly origin?: {
    readonly isMissing: (state: State) => boolean;
    readonly attach: (state: State, firstCommit: readonly RecordedEvent[]) => State;
  };
  /**
   * For aggregates whose streams never end: the event that says all there is to know, and whose fold forgets what was
   * before. One is written in a thousand events, so that a load which finds no state it understands need not fold the
   * whole stream (docs/adr/0021). Nothing is said of a state that knows nothing yet.
   */
  readonly restatement?: {
    readonly type: string;
    readonly of: (state: State, sequence: number) => Event | undefined;
  };
  /** Compact JSON of the minimal decision state, and back. */
  readonly encodeState: (state: State) => string;
  readonly decodeState: (text: string) => State;
}
