/** What the ledger recorded of a feed, written event by event, and its hash. */
import { addOutput, openOutputHash, outputDigest } from '#domain/market/output-hash.ts';
import type { ToldRun } from '#cli/feed/output-pages.ts';
import type { WriteLine } from '#cli/files/line-file.ts';

/** How many events there were, and their hash. */
export interface WrittenOutputs {
  readonly events: number;
  readonly outputHash: string;
}

/** Writes the events of every run that has ended. */
export const writeOutputs = async (
  runs: AsyncIterable<ToldRun>,
  write: WriteLine,
): Promise<WrittenOutputs> => {
  const hash = openOutputHash('once');
  let events = 0;
  for await (const told of runs) {
    if (told.kind === 'unfinished') continue;
    for (const event of told.events) {
      addOutput(hash, event);
      events += 1;
      await write(event);
    }
  }
  return { events, outputHash: outputDigest(hash) };
};
