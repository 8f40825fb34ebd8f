/**
 * A stream as a command handler holds it: the folded state, its version, and what the ledger must remember
 * besides (times, armed deadline, answered idempotency keys). Loading is a fold from the newest state this code
 * understands; the text form of that state travels inside commits (docs/guide/design.md §3).
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import { bucketStartMs } from '#domain/kernel/due.ts';
import type { AnsweredKey, EmbeddedState, StoredCommit, Tail } from '#domain/ports/ledger.ts';

/** The kernel's own fact on any stream: a queued command was refused after its caller had been answered. */
export const COMMAND_REFUSED = 'CommandRefused';

/** How many answered idempotency keys a stream remembers. */
const REMEMBERED_MAX = 64;

export interface StreamState<State> {
  readonly version: number;
  readonly state: State;
  readonly lastOccurredAtMs: number;
  /** The deadline the sweeper will look at, at the latest; absent when none is armed. */
  readonly armedDeadlineMs?: number;
  readonly remembered: readonly AnsweredKey[];
  /** Commits and bytes since the newest embedded state. */
  readonly tailCommits: number;
  readonly tailBytes: number;
  /** Whether the stream holds a type this code does not know; its state is then not embedded. */
  readonly sawUnknownType: boolean;
  /** A type this code must understand and does not: commands are refused. */
  readonly mustUnderstand?: string;
}

type AnyAggregate<State> = Pick<
  Aggregate<State, { readonly type: string }, ProposedEvent>,
  'foldVersion' | 'eventTypes' | 'initialState' | 'evolve' | 'encodeState' | 'decodeState' | 'restatement'
>;

/** A stream nobody has written to. */
export const emptyStream = <State>(aggregate: AnyAggregate<State>): StreamState<State> => ({
  version: 0,
  state: aggregate.initialState(),
  lastOccurredAtMs: 0,
  remembered: [],
  tailCommits: 0,
  tailBytes: 0,
  sawUnknownType: false,
});

/** Folds the events of one commit into a stream; the given stream's state may be consumed. */
export const foldEvents = <State>(
  aggregate: AnyAggregate<State>,
  stream: StreamState<State>,
  events: readonly RecordedEvent[],
): StreamState<State> => {
  let { state, version, lastOccurredAtMs, sawUnknownType } = stream;
  let mustUnderstand = stream.mustUnderstand;
  for (const event of events) {
    if (aggregate.eventTypes.has(event.type)) state = aggregate.evolve(state, event);
    else if (event.type !== COMMAND_REFUSED) {
      sawUnknownType = true;
      if (event.mustUnderstand) mustUnderstand = event.type;
    }
    version = event.sequence;
    lastOccurredAtMs = event.occurredAtMs;
  }
  return {
    ...stream,
    state,
    version,
    lastOccurredAtMs,
    sawUnknownType,
    ...(mustUnderstand === undefined ? {} : { mustUnderstand }),
  };
};

interface StateText {
  readonly v: number;
  readonly t: number;
  readonly d?: number;
  readonly r?: readonly (readonly [string, string, number])[];
  readonly s: string;
}

/** The text a commit embeds; undefined when the stream holds a type this code does not know. */
export const encodeStream = <State>(
  aggregate: AnyAggregate<State>,
  stream: StreamState<State>,
): EmbeddedState | undefined => {
  if (stream.sawUnknownType) return undefined;
  const text: StateText = {
    v: stream.version,
    t: stream.lastOccurredAtMs,
    ...(stream.armedDeadlineMs === undefined ? {} : { d: stream.armedDeadlineMs }),
    ...(stream.remembered.length === 0
      ? {}
      : {
          r: stream.remembered.map((entry) => [entry.commandId, entry.requestHash, entry.sequence] as const),
        }),
    s: aggregate.encodeState(stream.state),
  };
  return { foldVersion: aggregate.foldVersion, text: JSON.stringify(text) };
};

const decodeStream = <State>(aggregate: AnyAggregate<State>, embedded: EmbeddedState): StreamState<State> => {
  const text = JSON.parse(embedded.text) as StateText;
  return {
    ...emptyStream(aggregate),
    version: text.v,
    state: aggregate.decodeState(text.s),
    lastOccurredAtMs: text.t,
    ...(text.d === undefined ? {} : { armedDeadlineMs: text.d }),
    remembered: (text.r ?? []).map(([commandId, requestHash, sequence]) => ({
      commandId,
      requestHash,
      sequence,
    })),
  };
};

/** Adds answered keys, forgetting the oldest beyond the bound. */
export const remember = (
  known: readonly AnsweredKey[],
  ...entries: readonly AnsweredKey[]
): readonly AnsweredKey[] => [...known, ...entries].slice(-REMEMBERED_MAX);

/** Rough stored size of a commit, for deciding when the tail outweighs a state. */
export const commitBytes = (commit: StoredCommit): number =>
  commit.events.reduce((bytes, event) => bytes + 60 + JSON.stringify(event.data).length, 100);

/** What a tail yields: a folded stream, or the sequence below which more must be read. */
export type FoldedTail<State> =
  | { readonly kind: 'folded'; readonly stream: StreamState<State> }
  | { readonly kind: 'needs-more'; readonly before: number };

const newestState = <State>(
  aggregate: AnyAggregate<State>,
  tail: Tail,
): { readonly version: number; readonly embedded: EmbeddedState } | undefined => {
  let best: { version: number; embedded: EmbeddedState } | undefined;
  const consider = (version: number, embedded: EmbeddedState | undefined): void => {
    if (embedded?.foldVersion !== aggregate.foldVersion) return;
    if (!best || version > best.version) best = { version, embedded };
  };
  for (const commit of tail.commits) consider(commit.sequence + commit.events.length - 1, commit.state);
  for (const item of tail.states) consider(item.version, item.state);
  return best;
};

/** Where a fold may begin that no state helps: before the newest restatement, as if nothing had been. */
const newestRestatement = <State>(
  aggregate: AnyAggregate<State>,
  { commits }: Tail,
): StreamState<State> | undefined => {
  const type = aggregate.restatement?.type;
  if (type === undefined) return undefined;
  for (const { events } of commits) {
    const restated = events.findLast((event) => event.type === type);
    if (restated) return { ...emptyStream(aggregate), version: restated.sequence - 1 };
  }
  return undefined;
};

/**
 * Folds the newest commits onto the newest state among them that this fold version wrote, or from the newest
 * restatement on.
 */
export const foldTail = <State>(aggregate: AnyAggregate<State>, tail: Tail): FoldedTail<State> => {
  const known = newestState(aggregate, tail);
  const start = known ? decodeStream(aggregate, known.embedded) : newestRestatement(aggregate, tail);
  const oldest = tail.commits.at(-1);
  if (!start && !tail.isWhole && oldest) return { kind: 'needs-more', before: oldest.sequence };
  return { kind: 'folded', stream: foldCommits(aggregate, start ?? emptyStream(aggregate), tail.commits) };
};

/** Folds what a stream lacks of these commits, which are given newest first. */
export const foldCommits = <State>(
  aggregate: AnyAggregate<State>,
  start: StreamState<State>,
  commits: readonly StoredCommit[],
): StreamState<State> =>
  commits.reduceRight((stream, commit) => {
    const events = commit.events.filter(({ sequence }) => sequence > stream.version);
    return events.length === 0 ? stream : foldCommit(aggregate, stream, { ...commit, events });
  }, start);

/** A commit of the tail: its events, and what the stream must remember of it. */
const foldCommit = <State>(
  aggregate: AnyAggregate<State>,
  stream: StreamState<State>,
  commit: StoredCommit,
): StreamState<State> => {
  const { answered = [], due } = commit;
  return {
    ...foldEvents(aggregate, stream, commit.events),
    remembered: remember(stream.remembered, ...answered),
    ...(due === undefined ? {} : { armedDeadlineMs: bucketStartMs(due) }),
    tailCommits: stream.tailCommits + 1,
    tailBytes: stream.tailBytes + commitBytes(commit),
  };
};
