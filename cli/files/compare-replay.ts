/** A replay beside what was recorded, run by run: both hashes, and the first event that is not the same. */
import { differenceOf } from '#domain/market/output-difference.ts';
import type { OutputDifference } from '#domain/market/output-difference.ts';
import { addOutput, openOutputHash, outputDigest } from '#domain/market/output-hash.ts';
import type { ToldEvent, ToldRun, UnfinishedRun } from '#cli/feed/output-pages.ts';

/** How a replay and the record compare, over the runs of the replay. */
export interface ReplayComparison {
  readonly runs: number;
  readonly events: number;
  readonly outputHash: string;
  readonly recordedHash: string;
  readonly isEqual: boolean;
  /** The first event that differs: `first` is the replay, `second` the record. */
  readonly difference?: OutputDifference;
  /** The run before which the replay stopped, because it has no outcome yet. */
  readonly unfinished?: UnfinishedRun;
}

/** Compares as it reads; what was recorded behind the end of the replay is later, and not compared. */
export const compareReplay = async (
  replayed: AsyncIterable<ToldRun>,
  recorded: AsyncIterator<ToldRun, unknown>,
  onRun: (events: readonly ToldEvent[]) => Promise<void>,
): Promise<ReplayComparison> => {
  const hash = openOutputHash('once');
  const recordedHash = openOutputHash('once');
  let runs = 0;
  let events = 0;
  let difference: OutputDifference | undefined;
  let unfinished: UnfinishedRun | undefined;
  for await (const told of replayed) {
    if (told.kind === 'unfinished') {
      unfinished = told.run;
      continue;
    }
    const other = await nextRun(recorded);
    for (const event of told.events) addOutput(hash, event);
    for (const event of other) addOutput(recordedHash, event);
    difference ??= firstOf(told.events, other);
    runs += 1;
    events += told.events.length;
    await onRun(told.events);
  }
  const hashes = { outputHash: outputDigest(hash), recordedHash: outputDigest(recordedHash) };
  return {
    runs,
    events,
    ...hashes,
    isEqual: difference === undefined && hashes.outputHash === hashes.recordedHash,
    ...(difference ? { difference } : {}),
    ...(unfinished ? { unfinished } : {}),
  };
};

const nextRun = async (runs: AsyncIterator<ToldRun, unknown>): Promise<readonly ToldEvent[]> => {
  const { done, value } = await runs.next();
  return done !== true && value.kind === 'run' ? value.events : [];
};

const firstOf = (one: readonly ToldEvent[], other: readonly ToldEvent[]): OutputDifference | undefined => {
  for (let index = 0; index < Math.max(one.length, other.length); index++) {
    const found = differenceOf(one[index], other[index]);
    if (found) return found;
  }
  return undefined;
};
