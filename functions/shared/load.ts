/** Loads a stream: one consistent reverse query, more only when no usable state is among the newest commits. */
import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import { foldCommits, foldTail } from '#domain/kernel/stream.ts';
import type { StreamState } from '#domain/kernel/stream.ts';
import type { LedgerReader, Tail } from '#domain/ports/ledger.ts';

/** Newest items one request reads: a state stands at the latest every 8th commit, and may be an item of its own. */
const TAIL_LIMIT = 9;
const DEEP_LIMIT = 200;

type Foldable<State> = Pick<
  Aggregate<State, { readonly type: string }, ProposedEvent>,
  | 'foldVersion'
  | 'eventTypes'
  | 'initialState'
  | 'evolve'
  | 'encodeState'
  | 'decodeState'
  | 'restatement'
  | 'origin'
>;

/** The stream as the ledger has it now; an unknown stream is empty, never an error. */
export const loadStream = async <State>(
  ledger: LedgerReader,
  aggregate: Foldable<State>,
  stream: string,
): Promise<StreamState<State>> => {
  const behind: Tail[] = [];
  let tail = await ledger.tail(stream, TAIL_LIMIT);
  let folded = foldTail(aggregate, tail);
  while (folded.kind === 'needs-more') {
    behind.push(tail);
    tail = await ledger.tail(stream, DEEP_LIMIT, folded.before);
    folded = foldTail(aggregate, tail);
  }
  // The pages before the one a fold can begin with are folded once, however many they are.
  const loaded = behind.reduceRight(
    (older, { commits }) => foldCommits(aggregate, older, commits),
    folded.stream,
  );
  return withOrigin(ledger, aggregate, { stream, loaded, tail });
};

/**
 * Puts back what an embedded state leaves out by design; the first commit of a stream never changes, and while the
 * stream is short it has just been read.
 */
const withOrigin = async <State>(
  ledger: LedgerReader,
  { origin }: Foldable<State>,
  {
    stream,
    loaded,
    tail,
  }: { readonly stream: string; readonly loaded: StreamState<State>; readonly tail: Tail },
): Promise<StreamState<State>> => {
  if (!origin?.isMissing(loaded.state)) return loaded;
  const oldest = tail.commits.at(-1);
  const first = oldest?.sequence === 1 ? oldest : (await ledger.read(stream, 1, 1))[0];
  return { ...loaded, state: origin.attach(loaded.state, first?.events ?? []) };
};
