/** Market chunks in the ledger's table: stored once under their content hash, read by symbol and range. */
import type { ChunkRef } from '#contracts/market/engine-run.ts';
import { recordsOf } from '#domain/market/chunk.ts';
import type { BufferedRecord, Chunk } from '#domain/market/chunk.ts';
import type { Ledger, LedgerReader } from '#domain/ports/ledger.ts';

const chunkStream = (feedStream: string, hash: string): string =>
  `chunk#${feedStream.slice(feedStream.indexOf('#') + 1)}#${hash}`;

/** Stores a chunk before the commit that refers to it; an orphan of a lost commit is harmless. */
export const storeChunk = (ledger: Ledger, feedStream: string, chunk: Chunk): Promise<'item' | 'blob'> =>
  ledger.putDocument(chunkStream(feedStream, chunk.hash), new TextDecoder().decode(chunk.content));

/** Reads a symbol's records between two ingest sequences, both included. */
export type ReadRecords = (
  place: { readonly feedStream: string; readonly symbol: string },
  refs: readonly ChunkRef[],
  range: readonly [firstSeq: number, lastSeq: number],
) => Promise<readonly BufferedRecord[]>;

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
    const text = await ledger.document(chunkStream(feedStream, ref.hash));
    if (text === undefined) throw new Error(`market chunk ${ref.hash} of ${feedStream} is missing`);
    const records = recordsOf(new TextEncoder().encode(text), symbol, [1, Number.MAX_SAFE_INTEGER]);
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
