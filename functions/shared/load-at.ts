/** A stream as it was: folded from what the ledger holds before a sequence, which may lie inside a commit. */
import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import { foldTail } from '#domain/kernel/stream.ts';
import type { StoredCommit, LedgerReader, Tail } from '#domain/ports/ledger.ts';

const COMMITS_PER_READ = 9;

type Foldable<State> = Pick<
  Aggregate<State, { readonly type: string }, ProposedEvent>,
  'foldVersion' | 'eventTypes' | 'initialState' | 'evolve' | 'encodeState' | 'decodeState'
>;

/** The state before the event at `sequence`; for aggregates whose embedded state is all of it. */
export const stateBefore = async <State>(
  ledger: LedgerReader,
  aggregate: Foldable<State>,
  { stream, sequence }: { readonly stream: string; readonly sequence: number },
): Promise<State> => {
  let tail = cutTail(await ledger.tail(stream, COMMITS_PER_READ, sequence), sequence);
  for (;;) {
    const folded = foldTail(aggregate, tail);
    if (folded.kind === 'folded') return folded.stream.state;
    const older = await ledger.tail(stream, COMMITS_PER_READ, folded.before);
    tail = {
      commits: [...tail.commits, ...older.commits],
      states: [...tail.states, ...older.states],
      isWhole: older.isWhole,
    };
  }
};

/** The newest commit may reach over the sequence: what it holds behind it, and its state, are of later. */
const cutTail = ({ commits, states, isWhole }: Tail, sequence: number): Tail => ({
  commits: commits.map((commit) => before(commit, sequence)),
  states: states.filter(({ version }) => version < sequence),
  isWhole,
});

const before = (commit: StoredCommit, sequence: number): StoredCommit => {
  const events = commit.events.filter((event) => event.sequence < sequence);
  if (events.length === commit.events.length) return commit;
  const { state: _state, ...rest } = commit;
  return { ...rest, events };
};
