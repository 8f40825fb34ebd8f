/**
 * The buffer of a feed, page by page in ingest order, with the text of each event as it was received: parsed and written
 * again its numbers would lose digits. It ends with the last cut there was when the first page was asked
 * for, so that pages read while records come in are one whole, and a simulation of them ends where the feed stood.
 */
import { FeedBufferQuery } from '#contracts/market/feed-replay.ts';
import type { FeedBufferPage, PageBounds } from '#contracts/market/feed-replay.ts';
import type { RecordsIngested } from '#contracts/market/feed.ts';
import type { BufferedRecord } from '#domain/market/chunk.ts';
import { captureHeader } from '#domain/market/feed/capture.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { feedStream } from '#domain/market/streams.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { feedNotFound, feedOf } from '#functions/api-feeds/feed-path.ts';
import { rangePruned } from '#functions/api-feeds/range-pruned.ts';
import { parseQuery } from '#functions/shared/http.ts';
import type { Operation } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import { chunkRecords } from '#functions/shared/market-chunks.ts';
import { cursorOf, numbersAt, numbersText } from '#functions/shared/paging.ts';
import { eachEvent } from '#functions/shared/read-events.ts';

export interface BufferPorts {
  readonly ledger: LedgerReader;
  readonly bounds: Pick<PageBounds, 'pageCharactersMax'>;
}

const COMMITS_PER_READ = 50;

/** One page of the records; the first says how to simulate them. */
export const listFeedBuffer =
  ({ ledger, bounds }: BufferPorts): Operation =>
  async (request) => {
    const feed = feedOf(request);
    const { limit, cursor } = parseQuery(FeedBufferQuery, request.query);
    const stream = feedStream(feed);
    const listKey = `feed-buffer#${stream}`;
    const numbers = numbersAt(listKey, cursor, 3);
    const { state } = await loadStream(ledger, feedAggregate, stream);
    if (state.status === 'none') throw feedNotFound(feed.feedId);
    const [sequence = 1, lastSeq = 0, endSeq = state.lastCutEnd] = numbers ?? [];
    if (lastSeq < state.gone.seq) throw await rangePruned(ledger, state);
    const read = await readPage(ledger, stream, { sequence, lastSeq, endSeq, limit, ...bounds });
    const capture = numbers ? undefined : captureHeader(state, read.firstSequence);
    const next = read.next && numbersText(read.next.sequence, read.next.lastSeq, endSeq);
    const page: Omit<FeedBufferPage, 'records'> = {
      ...(capture ? { capture } : {}),
      ...cursorOf(listKey, next === undefined ? {} : { next }),
    };
    return { status: 200, contentType: 'application/json', body: pageText(page, read.records) };
  };

/** Where a page begins: at an event of the feed, behind a record of its chunk. */
interface BufferPlace {
  readonly sequence: number;
  readonly lastSeq: number;
}

interface BufferRange extends BufferPlace {
  /** The last record of all pages. */
  readonly endSeq: number;
  readonly limit: number;
  readonly pageCharactersMax: number;
}

interface ReadPage {
  /** The records as JSON. */
  readonly records: readonly string[];
  /** The first event with records that was met. */
  readonly firstSequence: number | undefined;
  readonly next?: BufferPlace;
}

/** At least one chunk is looked at; a page that is full goes on inside its chunk. */
const readPage = async (
  ledger: LedgerReader,
  stream: string,
  { sequence: from, lastSeq: after, endSeq, limit, pageCharactersMax }: BufferRange,
): Promise<ReadPage> => {
  const records: string[] = [];
  let firstSequence: number | undefined;
  let lastSeq = after;
  let characters = 0;
  for await (const { type, sequence, data } of eachEvent(ledger, stream, from, COMMITS_PER_READ)) {
    if (type !== 'RecordsIngested') continue;
    firstSequence ??= sequence;
    if (lastSeq >= endSeq) break;
    for (const record of await chunkRecords(ledger, stream, (data as RecordsIngested).chunk)) {
      if (record.ingestSeq <= lastSeq || record.ingestSeq > endSeq) continue;
      if (records.length === limit || characters >= pageCharactersMax)
        return { records, firstSequence, next: { sequence, lastSeq } };
      records.push(recordText(record));
      characters += record.text.length;
      lastSeq = record.ingestSeq;
    }
  }
  return { records, firstSequence };
};

/** A RawInputBufferRecord; its event is JSON, as it was checked when it was ingested. */
const recordText = ({ ingestSeq, ingestTsMs, text }: BufferedRecord): string =>
  `{"ingest_seq":${ingestSeq},"ingest_ts_ms":${ingestTsMs},"event":${text}}`;

/** A FeedBufferPage. */
const pageText = (page: Omit<FeedBufferPage, 'records'>, records: readonly string[]): string => {
  const members = JSON.stringify(page).slice(1, -1);
  return `{${members}${members === '' ? '' : ','}"records":[${records.join(',')}]}`;
};
