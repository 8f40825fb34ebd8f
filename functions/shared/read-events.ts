/** Reads a stream's events in order, page by page. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';

const COMMITS_PER_READ = 200;

/** Every event from a sequence on, which may lie inside a commit, or up to and with the first that is enough. */
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
    if (events.length === 0 && next > 1 && commits[0]?.sequence !== next)
      events.push(...(await restOfCommit(ledger, stream, next)));
    for (const commit of commits) events.push(...commit.events);
    const last = events.at(-1);
    if (!last || commits.length < COMMITS_PER_READ || events.some(isEnough)) return events;
    next = last.sequence + 1;
  }
};

/** The ledger's key is the first event of a commit, so one that begins before the sequence is found from behind. */
const restOfCommit = async (
  ledger: LedgerReader,
  stream: string,
  fromSequence: number,
): Promise<readonly RecordedEvent[]> => {
  const { commits } = await ledger.tail(stream, 1, fromSequence);
  return (commits[0]?.events ?? []).filter(({ sequence }) => sequence >= fromSequence);
};

/** The events of a stream from a sequence on, one by one: no more commits are read than are asked for, some at a time. */
export async function* eachEvent(
  ledger: LedgerReader,
  stream: string,
  fromSequence: number,
  commitsPerRead: number,
): AsyncGenerator<RecordedEvent> {
  let next = fromSequence;
  let commits = await ledger.read(stream, next, commitsPerRead);
  if (next > 1 && commits[0]?.sequence !== next) yield* await restOfCommit(ledger, stream, next);
  for (;;) {
    for (const commit of commits) yield* commit.events;
    const last = commits.at(-1)?.events.at(-1);
    if (!last || commits.length < commitsPerRead) return;
    next = last.sequence + 1;
    commits = await ledger.read(stream, next, commitsPerRead);
  }
}
