/**
 * A chunk: the records of one ingested batch, stored once under the hash of its content. Line one is a JSON
 * directory; after it come the records, grouped by symbol, so that a run reads the range of its symbol alone.
 * A record is `SEQ TS BYTES\n`, the event exactly as received, and `\n`. Offsets count bytes after line one.
 */
import { ChunkDirectory } from '#contracts/market/chunk.ts';
import type { SymbolRange } from '#contracts/market/chunk.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';

/** A record of the buffer. */
export interface BufferedRecord {
  readonly ingestSeq: number;
  readonly ingestTsMs: number;
  readonly symbol: string;
  /** The event's JSON as received. */
  readonly text: string;
}

/** A chunk ready to be stored. */
export interface Chunk {
  readonly hash: string;
  readonly content: Uint8Array;
  readonly symbols: readonly SymbolRange[];
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const NEWLINE = 10;

const frame = ({ ingestSeq, ingestTsMs, text }: BufferedRecord): string =>
  `${ingestSeq} ${ingestTsMs} ${encoder.encode(text).length}\n${text}\n`;

const bySymbol = (records: readonly BufferedRecord[]): readonly (readonly [string, BufferedRecord[]])[] => {
  const groups = new Map<string, BufferedRecord[]>();
  for (const record of records) {
    const group = groups.get(record.symbol);
    if (group) group.push(record);
    else groups.set(record.symbol, [record]);
  }
  return [...groups].sort(([left], [right]) => (left < right ? -1 : 1));
};

const concat = (parts: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
};

/** Encodes records, which must be in ingest order. */
export const encodeChunk = (records: readonly BufferedRecord[]): Chunk => {
  const symbols: SymbolRange[] = [];
  const bodies: Uint8Array[] = [];
  let offset = 0;
  for (const [symbol, group] of bySymbol(records)) {
    const body = encoder.encode(group.map(frame).join(''));
    const seqs = group.map((record) => record.ingestSeq);
    symbols.push({
      symbol,
      offset,
      length: body.length,
      firstSeq: Math.min(...seqs.slice(0, 1)),
      lastSeq: Math.max(...seqs.slice(-1)),
      count: group.length,
    });
    bodies.push(body);
    offset += body.length;
  }
  const directory = `${JSON.stringify({ format: 'sluice-chunk', version: 1, symbols })}\n`;
  const content = concat([encoder.encode(directory), ...bodies]);
  return { hash: sha256Hex(content), content, symbols };
};

/** The directory of a chunk and where its records begin. Throws when the content is no chunk. */
export const readDirectory = (
  content: Uint8Array,
): { readonly symbols: readonly SymbolRange[]; readonly bodyStart: number } => {
  const end = content.indexOf(NEWLINE);
  const directory = ChunkDirectory.parse(JSON.parse(decoder.decode(content.subarray(0, Math.max(end, 0)))));
  return { symbols: directory.symbols, bodyStart: end + 1 };
};

/** The records in one symbol's range of bytes, in ingest order. */
export const decodeRange = (symbol: string, range: Uint8Array): readonly BufferedRecord[] => {
  const records: BufferedRecord[] = [];
  let position = 0;
  while (position < range.length) {
    const headEnd = range.indexOf(NEWLINE, position);
    const head = decoder.decode(range.subarray(position, Math.max(headEnd, position)));
    const [, seq, ts, length] = /^(\d+) (\d+) (\d+)$/.exec(head) ?? [];
    if (seq === undefined || ts === undefined || length === undefined)
      throw new Error(`chunk is corrupt: no record head at byte ${position} of the range of ${symbol}`);
    const textEnd = headEnd + 1 + Number(length);
    const text = decoder.decode(range.subarray(headEnd + 1, textEnd));
    records.push({ ingestSeq: Number(seq), ingestTsMs: Number(ts), symbol, text });
    position = textEnd + 1;
  }
  return records;
};

/** The records of a symbol in a whole chunk whose sequences lie in [firstSeq, lastSeq]. */
export const recordsOf = (
  content: Uint8Array,
  symbol: string,
  [firstSeq, lastSeq]: readonly [number, number],
): readonly BufferedRecord[] => {
  const { symbols, bodyStart } = readDirectory(content);
  const range = symbols.find((entry) => entry.symbol === symbol);
  if (!range || range.lastSeq < firstSeq || range.firstSeq > lastSeq) return [];
  const start = bodyStart + range.offset;
  return decodeRange(symbol, content.subarray(start, start + range.length)).filter(
    (record) => record.ingestSeq >= firstSeq && record.ingestSeq <= lastSeq,
  );
};

/** Every record of a whole chunk, in ingest order. */
export const everyRecordOf = (content: Uint8Array): readonly BufferedRecord[] => {
  const { symbols, bodyStart } = readDirectory(content);
  return symbols
    .flatMap(({ symbol, offset, length }) =>
      decodeRange(symbol, content.subarray(bodyStart + offset, bodyStart + offset + length)),
    )
    .sort((left, right) => left.ingestSeq - right.ingestSeq);
};
