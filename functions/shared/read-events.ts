/** Reads a stream's events in order, page by page. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';

const COMMITS_PER_READ = 200;

/** Every event from a sequence on, or up to and with the first that is enough. */
export const readEvents = async (
  ledger: LedgerReader,
  stream: string,
  fromSequence: number,
  isEnough: (event: RecordedEvent) => boolean = () => false,
): Promise<readonly RecordedEvent[]> => {
  const events: RecordedEvent[] = [];
  let next = fromSequence;
  for (;;) {
    const commits = await ledger.read(stream, next, COMMITS_PER_READ);
    for (const commit of commits) events.push(...commit.events);
    const last = events.at(-1);
    if (!last || commits.length < COMMITS_PER_READ || events.some(isEnough)) return events;
    next = last.sequence + 1;
  }
};
