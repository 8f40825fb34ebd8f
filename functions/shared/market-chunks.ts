/** Market chunks in the ledger's table: stored once under their content hash, read by symbol and range. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { ChunkRef } from '#contracts/market/engine-run.ts';
import type { CutChunks } from '#contracts/market/feed.ts';
import { everyRecordOf, recordsOf } from '#domain/market/chunk.ts';
import type { BufferedRecord, Chunk } from '#domain/market/chunk.ts';
import { chunksOfCut } from '#domain/market/feed/resend.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import type { Ledger, LedgerReader } from '#domain/ports/ledger.ts';
import { readEvents } from '#functions/shared/read-events.ts';

/** The stream a chunk is stored under. */
export const chunkStream = (feedStream: string, hash: string): string =>
  `chunk#${feedStream.slice(feedStream.indexOf('#') + 1)}#${hash}`;

/** Stores a chunk before the commit that refers to it; an orphan of a lost commit is harmless. */
export const storeChunk = (
  ledger: Ledger,
  { stream, config }: Pick<ExistingFeed, 'stream' | 'config'>,
  chunk: Chunk,
): Promise<'item' | 'blob'> =>
  ledger.putDocument(chunkStream(stream, chunk.hash), new TextDecoder().decode(chunk.content), {
    isDeletable: config.buffer_retention.delete_pruned,
  });

/** Reads a symbol's records between two ingest sequences, both included. */
export type ReadRecords = (
  place: { readonly feedStream: string; readonly symbol: string },
  refs: readonly ChunkRef[],
  range: readonly [firstSeq: number, lastSeq: number],
) => Promise<readonly BufferedRecord[]>;

/** The chunks of a cut as they were planned; where they were too many to list, the feed's ledger has them. */
export const chunksToRead = async (
  ledger: LedgerReader,
  { feedStream, chunks }: { readonly feedStream: string; readonly chunks: CutChunks },
  { cutStart, cutEnd }: { readonly cutStart: number; readonly cutEnd: number },
): Promise<readonly ChunkRef[]> => {
  if (chunks.isComplete) return chunks.refs;
  const isEnough = (event: RecordedEvent): boolean =>
    event.type === 'RecordsIngested' && lastSeqOf(event) >= cutEnd;
  const events = await readEvents(ledger, feedStream, chunks.fromSequence, isEnough);
  return chunksOfCut(events, [cutStart, cutEnd]);
};

const lastSeqOf = (event: RecordedEvent): number => (event.data['chunk'] as ChunkRef).lastSeq;

/** Every record of a chunk, in ingest order. */
export const chunkRecords = async (
  ledger: LedgerReader,
  feedStream: string,
  chunk: Pick<ChunkRef, 'hash' | 'location'>,
): Promise<readonly BufferedRecord[]> => everyRecordOf(await contentOf(ledger, feedStream, chunk));

const contentOf = async (
  ledger: LedgerReader,
  feedStream: string,
  { hash, location }: Pick<ChunkRef, 'hash' | 'location'>,
): Promise<Uint8Array> => {
  const text = await ledger.document(chunkStream(feedStream, hash), location);
  if (text === undefined) throw new Error(`market chunk ${hash} of ${feedStream} is missing`);
  return new TextEncoder().encode(text);
};

const DOCUMENTS_MAX = 4;

/** The ledger, answering the last documents it read from memory: the symbols of a tick share their chunks. */
export const keepDocuments = (ledger: LedgerReader): LedgerReader => {
  const kept = new Map<string, Promise<string | undefined>>();
  return {
    ...ledger,
    document: (stream, location) => {
      const text = kept.get(stream) ?? ledger.document(stream, location);
      kept.delete(stream);
      kept.set(stream, text);
      const [oldest] = kept.keys();
      if (kept.size > DOCUMENTS_MAX && oldest !== undefined) kept.delete(oldest);
      return text;
    },
  };
};

const KEPT_MAX = 64;

/** A reader that keeps the last chunks it decoded: consecutive runs of a symbol mostly share them. */
export const chunkReader = (ledger: LedgerReader): ReadRecords => {
  const kept = new Map<string, readonly BufferedRecord[]>();
  const whole = async (
    feedStream: string,
    symbol: string,
    ref: ChunkRef,
  ): Promise<readonly BufferedRecord[]> => {
    const key = `${feedStream}\u0000${symbol}\u0000${ref.hash}`;
    const known = kept.get(key);
    if (known) return known;
    const content = await contentOf(ledger, feedStream, ref);
    const records = recordsOf(content, symbol, [1, Number.MAX_SAFE_INTEGER]);
    kept.set(key, records);
    const [oldest] = kept.keys();
    if (kept.size > KEPT_MAX && oldest !== undefined) kept.delete(oldest);
    return records;
  };
  return async ({ feedStream, symbol }, refs, [firstSeq, lastSeq]) => {
    const records: BufferedRecord[] = [];
    for (const ref of refs) {
      if (ref.lastSeq < firstSeq || ref.firstSeq > lastSeq) continue;
      for (const record of await whole(feedStream, symbol, ref)) {
        if (record.ingestSeq >= firstSeq && record.ingestSeq <= lastSeq) records.push(record);
      }
    }
    return records;
  };
};
