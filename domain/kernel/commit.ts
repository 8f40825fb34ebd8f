/**
 * Turns commands into one commit, purely: decide each on the state the ones before it left, number and stamp
 * the events, fold them, and choose what the commit carries (state, armed deadline, outputs).
 */
import type { Actor, RecordedEvent } from '#contracts/event.ts';
import type { EventId, StreamId } from '#contracts/ids.ts';
import type { Aggregate, ProposedEvent, Rejection } from '#domain/kernel/aggregate.ts';
import { blaming } from '#domain/kernel/command-fault.ts';
import { dueBucket } from '#domain/kernel/due.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import { COMMAND_REFUSED, commitBytes, encodeStream, foldEvents, remember } from '#domain/kernel/stream.ts';
import type { StreamState } from '#domain/kernel/stream.ts';

export interface CommandRequest<Command> {
  readonly stream: string;
  readonly command: Command;
  /** Unique per act; an act that is repeated after a lost answer keeps it. */
  readonly commandId: string;
  readonly actor: Actor;
  readonly correlationId: string;
  readonly causationId?: string;
  /** Set when the caller gave an Idempotency-Key: the hash tells a repeat from a different request. */
  readonly requestHash?: string;
  /** The caller was already told 200: a refusal becomes an event instead of an answer. */
  readonly isAnswered?: boolean;
}

export type CommandOutcome<State> =
  | {
      readonly kind: 'committed';
      readonly state: State;
      readonly version: number;
      readonly events: readonly RecordedEvent[];
    }
  /** Nothing to append: the command was satisfied already. */
  | { readonly kind: 'unchanged'; readonly state: State; readonly version: number }
  /** The idempotency key was answered before, for the same request. */
  | { readonly kind: 'repeated'; readonly state: State; readonly version: number; readonly sequence: number }
  | {
      readonly kind: 'rejected';
      readonly rejection: Rejection;
      readonly state: State;
      readonly version: number;
    };

export interface PreparedCommit<State> {
  readonly outcomes: readonly CommandOutcome<State>[];
  /** Absent when no command had anything to append. */
  readonly commit?: StoredCommit;
  readonly next: StreamState<State>;
  /** A state too large to embed, to be kept as an item of its own. */
  readonly looseState?: string;
}

export interface CommitSetting {
  readonly nowMs: number;
  readonly mintEventId: (nowMs: number) => string;
  /** Size in bytes of a state as stored, after compression. */
  readonly storedBytes: (text: string) => number;
}

const WRITE_UNIT_BYTES = 1024;
const EMBED_AT_LATEST_COMMITS = 8;
const EMBED_TAIL_BYTES = 4096;
const EMBEDDED_STATE_MAX_BYTES = 16_384;

interface Step<State> {
  readonly stream: StreamState<State>;
  readonly events: readonly RecordedEvent[];
  readonly outcome: CommandOutcome<State>;
}

const stamp = <Command>(
  request: CommandRequest<Command>,
  stream: StreamState<unknown>,
  setting: CommitSetting,
): ((proposed: ProposedEvent, index: number) => RecordedEvent) => {
  const occurredAtMs = Math.max(setting.nowMs, stream.lastOccurredAtMs);
  return (proposed, index) => ({
    stream: request.stream as StreamId,
    sequence: stream.version + 1 + index,
    id: setting.mintEventId(occurredAtMs) as EventId,
    type: proposed.type,
    schemaVersion: proposed.schemaVersion ?? 1,
    idempotencyKey: proposed.idempotencyKey,
    data: proposed.data as Record<string, unknown>,
    occurredAtMs,
    actor: request.actor,
  });
};

const refusal = <Command extends { readonly type: string }>(
  request: CommandRequest<Command>,
  rejection: Rejection,
): readonly ProposedEvent[] =>
  request.isAnswered
    ? [
        {
          type: COMMAND_REFUSED,
          idempotencyKey: `refused:${request.commandId}`,
          data: { commandType: request.command.type, code: rejection.code, message: rejection.message },
        },
      ]
    : [];

const decideOne = <State, Command extends { readonly type: string }, Event extends ProposedEvent>(
  aggregate: Aggregate<State, Command, Event>,
  request: CommandRequest<Command>,
  { stream, setting }: { readonly stream: StreamState<State>; readonly setting: CommitSetting },
): Step<State> => {
  const known = stream.remembered.find((entry) => entry.commandId === request.commandId);
  if (known) return { stream, events: [], outcome: answerKnown(known, request.requestHash, stream) };
  if (stream.mustUnderstand !== undefined) {
    const rejection: Rejection = {
      code: 'unknown_event',
      message: `stream holds ${stream.mustUnderstand}, which this version does not know`,
    };
    return {
      stream,
      events: [],
      outcome: { kind: 'rejected', rejection, state: stream.state, version: stream.version },
    };
  }
  const context = { nowMs: Math.max(setting.nowMs, stream.lastOccurredAtMs), stream: request.stream };
  const decision = aggregate.decide(request.command, stream.state, context);
  const proposed = decision.kind === 'accepted' ? decision.events : refusal(request, decision.rejection);
  const events = proposed.map(stamp(request, stream, setting));
  let next = events.length === 0 ? stream : foldEvents(aggregate, stream, events);
  if (request.requestHash !== undefined && decision.kind === 'accepted' && events.length > 0) {
    const entry = {
      commandId: request.commandId,
      requestHash: request.requestHash,
      sequence: stream.version + 1,
    };
    next = { ...next, remembered: remember(next.remembered, entry) };
  }
  const { state, version } = next;
  if (decision.kind === 'rejected')
    return {
      stream: next,
      events,
      outcome: { kind: 'rejected', rejection: decision.rejection, state, version },
    };
  const kind = events.length === 0 ? 'unchanged' : 'committed';
  return {
    stream: next,
    events,
    outcome: kind === 'unchanged' ? { kind, state, version } : { kind, state, version, events },
  };
};

const answerKnown = <State>(
  known: { readonly requestHash: string; readonly sequence: number },
  requestHash: string | undefined,
  { state, version }: StreamState<State>,
): CommandOutcome<State> =>
  known.requestHash === requestHash
    ? { kind: 'repeated', state, version, sequence: known.sequence }
    : {
        kind: 'rejected',
        state,
        version,
        rejection: {
          code: 'idempotency_key_reused',
          message: 'this idempotency key was used for a different request; use a new key',
        },
      };

/** The earliest deadline of everything the aggregate waits for, absent when it waits for nothing. */
export const earliestDeadline = <State>(
  aggregate: Pick<Aggregate<State, { readonly type: string }, ProposedEvent>, 'waiting'>,
  state: State,
): number | undefined => {
  let earliest: number | undefined;
  for (const { deadlineMs } of aggregate.waiting(state)) {
    if (earliest === undefined || deadlineMs < earliest) earliest = deadlineMs;
  }
  return earliest;
};

/**
 * How long after the last word of a stream somebody looks whether readers and consumers have got it all, whatever the
 * stream waits for (docs/guide/design.md §4).
 */
export const CHECK_AFTER_MS = 15 * 60_000;

/** The deadline to arm now: only when it is earlier than the armed one, or that one has passed. */
const deadlineToArm = (earliestMs: number, armedMs: number | undefined, nowMs: number): number | undefined =>
  armedMs === undefined || armedMs <= nowMs || earliestMs < armedMs ? earliestMs : undefined;

const shouldEmbed = (stream: StreamState<unknown>, bodyBytes: number, stateBytes: number): boolean =>
  Math.ceil((bodyBytes + stateBytes) / WRITE_UNIT_BYTES) === Math.ceil(bodyBytes / WRITE_UNIT_BYTES) ||
  stream.tailCommits + 1 >= EMBED_AT_LATEST_COMMITS ||
  stream.tailBytes + bodyBytes > Math.max(EMBED_TAIL_BYTES, stateBytes);

/**
 * Decides all requests of one stream in order and prepares the single commit that records what they did. A fault while
 * deciding throws `CommandFaultError`; the loaded state is spent then.
 */
export const prepareCommit = <State, Command extends { readonly type: string }, Event extends ProposedEvent>(
  aggregate: Aggregate<State, Command, Event>,
  requests: readonly CommandRequest<Command>[],
  { loaded, setting }: { readonly loaded: StreamState<State>; readonly setting: CommitSetting },
): PreparedCommit<State> => {
  const outcomes: CommandOutcome<State>[] = [];
  const events: RecordedEvent[] = [];
  const authors: number[] = [];
  let stream = loaded;
  for (const [index, request] of requests.entries()) {
    const step = blaming(index, () => decideOne(aggregate, request, { stream, setting }));
    stream = step.stream;
    if (step.events.length > 0) authors.push(index);
    events.push(...step.events);
    outcomes.push(step.outcome);
  }
  const [first] = requests;
  if (events.length === 0 || !first) return { outcomes, next: stream };
  if (isRestatementDue(loaded.version, stream.version)) {
    const restated = restate(aggregate, first, { stream, setting });
    events.push(...restated);
    stream = foldEvents(aggregate, stream, restated);
  }
  const onlyAuthor = authors.length === 1 ? authors[0] : undefined;
  const closed = blaming(onlyAuthor, () => closeCommit(aggregate, { first, events, stream }, setting));
  return { outcomes, ...closed };
};

/** Events between one restatement and the next: what a load folds at most, five requests, where no state helps. */
const RESTATED_EVERY_EVENTS = 1_000;

/** A larger restatement is left to the next thousand: it would leave too little room for the events it comes with. */
const RESTATED_MAX_BYTES = 98_304;

const isRestatementDue = (before: number, after: number): boolean =>
  Math.floor(after / RESTATED_EVERY_EVENTS) > Math.floor(before / RESTATED_EVERY_EVENTS);

/** What the aggregate says of all it knows; nothing where there may be more than this version knows. */
const restate = <State, Command extends { readonly type: string }, Event extends ProposedEvent>(
  { restatement }: Aggregate<State, Command, Event>,
  request: CommandRequest<Command>,
  { stream, setting }: { readonly stream: StreamState<State>; readonly setting: CommitSetting },
): readonly RecordedEvent[] => {
  const event = stream.sawUnknownType ? undefined : restatement?.of(stream.state, stream.version + 1);
  return event && setting.storedBytes(JSON.stringify(event.data)) <= RESTATED_MAX_BYTES
    ? [event].map(stamp(request, stream, setting))
    : [];
};

const closeCommit = <State, Command extends { readonly type: string }, Event extends ProposedEvent>(
  aggregate: Aggregate<State, Command, Event>,
  done: {
    readonly first: CommandRequest<Command>;
    readonly events: readonly RecordedEvent[];
    readonly stream: StreamState<State>;
  },
  setting: CommitSetting,
): { readonly commit: StoredCommit; readonly next: StreamState<State>; readonly looseState?: string } => {
  const { first, events } = done;
  const deadlineMs = deadlineToArm(
    Math.min(earliestDeadline(aggregate, done.stream.state) ?? Infinity, setting.nowMs + CHECK_AFTER_MS),
    done.stream.armedDeadlineMs,
    setting.nowMs,
  );
  const stream = deadlineMs === undefined ? done.stream : { ...done.stream, armedDeadlineMs: deadlineMs };
  const outputs = aggregate.outputs?.(events, stream.state) ?? [];
  const answered = stream.remembered.filter(({ sequence }) => sequence > stream.version - events.length);
  const bare: StoredCommit = {
    stream: first.stream as StreamId,
    sequence: stream.version - events.length + 1,
    events,
    committedAtMs: setting.nowMs,
    commandId: first.commandId,
    correlationId: first.correlationId,
    ...(first.causationId === undefined ? {} : { causationId: first.causationId }),
    ...(answered.length === 0 ? {} : { answered }),
    ...(deadlineMs === undefined
      ? {}
      : { due: dueBucket(first.stream, Math.max(deadlineMs, setting.nowMs)) }),
    ...(outputs.length === 0 ? {} : { outputs }),
  };
  const bodyBytes = commitBytes(bare);
  const longer = { ...stream, tailCommits: stream.tailCommits + 1, tailBytes: stream.tailBytes + bodyBytes };
  const state = encodeStream(aggregate, stream);
  if (!state) return { commit: bare, next: longer };
  const stateBytes = setting.storedBytes(state.text);
  if (!shouldEmbed(stream, bodyBytes, stateBytes)) return { commit: bare, next: longer };
  const fresh = { ...stream, tailCommits: 0, tailBytes: 0 };
  return stateBytes > EMBEDDED_STATE_MAX_BYTES
    ? { commit: bare, next: fresh, looseState: state.text }
    : { commit: { ...bare, state }, next: fresh };
};
