/** What the ledger recorded of a feed, written event by event, and its hash. */
import { addOutput, openOutputHash, outputDigest } from '#domain/market/output-hash.ts';
import type { ToldRun, UnfinishedRun } from '#cli/feed/output-pages.ts';
import type { WriteLine } from '#cli/files/line-file.ts';

/** How many events there were, and their hash. */
export interface WrittenOutputs {
  readonly events: number;
  readonly outputHash: string;
  /** The first run without an outcome yet, behind which nothing is told. */
  readonly unfinished?: UnfinishedRun;
}

/** Writes the events of every run that has ended. */
export const writeOutputs = async (
  runs: AsyncIterable<ToldRun>,
  write: WriteLine,
): Promise<WrittenOutputs> => {
  const hash = openOutputHash('once');
  let events = 0;
  let unfinished: UnfinishedRun | undefined;
  for await (const told of runs) {
    if (told.kind === 'unfinished') {
      unfinished ??= told.run;
      continue;
    }
    for (const event of told.events) {
      addOutput(hash, event);
      events += 1;
      await write(event);
    }
  }
  return { events, outputHash: outputDigest(hash), ...(unfinished ? { unfinished } : {}) };
};
