import { expect, it } from 'vitest';
import { decodeRange, encodeChunk, everyRecordOf, readDirectory, recordsOf } from '#domain/market/chunk.ts';
import type { BufferedRecord } from '#domain/market/chunk.ts';

const record = (ingestSeq: number, symbol: string, text = `{"n":${ingestSeq}}`): BufferedRecord => ({
  ingestSeq,
  ingestTsMs: ingestSeq * 10,
  symbol,
  text,
});

const records = [
  record(5, 'B'),
  record(6, 'Å€', '{\n  "pretty": "€"\r\n}'),
  record(7, 'B', ''),
  record(8, 'A'),
];

it('groups records by symbol and keeps each text exactly, whatever it contains', () => {
  const { content } = encodeChunk(records);

  expect(recordsOf(content, 'B', [1, 99])).toEqual([records[0], records[2]]);
  expect(recordsOf(content, 'Å€', [1, 99])).toEqual([records[1]]);
});

it('gives every record in ingest order', () => {
  expect(everyRecordOf(encodeChunk(records).content)).toEqual(records);
  expect(everyRecordOf(encodeChunk([]).content)).toEqual([]);
});

it('lists in its directory where each symbol is', () => {
  const { content, symbols } = encodeChunk(records);

  const { symbols: read, bodyStart } = readDirectory(content);

  expect(read).toEqual(symbols);
  expect(read.map(({ symbol, firstSeq, lastSeq, count }) => [symbol, firstSeq, lastSeq, count])).toEqual([
    ['A', 8, 8, 1],
    ['B', 5, 7, 2],
    ['Å€', 6, 6, 1],
  ]);
  const last = read.at(-1);
  expect(bodyStart + (last?.offset ?? 0) + (last?.length ?? 0)).toBe(content.length);
});

it('reads the records of a cut, both ends included', () => {
  const { content } = encodeChunk(records);

  expect(recordsOf(content, 'B', [6, 7]).map((each) => each.ingestSeq)).toEqual([7]);
  expect(recordsOf(content, 'B', [5, 6]).map((each) => each.ingestSeq)).toEqual([5]);
  expect(recordsOf(content, 'B', [8, 9])).toEqual([]);
  expect(recordsOf(content, 'B', [1, 4])).toEqual([]);
  expect(recordsOf(content, 'C', [1, 99])).toEqual([]);
});

it('has the same hash for the same records only', () => {
  expect(encodeChunk(records).hash).toBe(encodeChunk(records).hash);
  expect(encodeChunk(records).hash).not.toBe(encodeChunk(records.slice(1)).hash);
});

it('refuses content that is no chunk, and a range that is cut in the wrong place', () => {
  const { content, symbols } = encodeChunk(records);
  const { bodyStart } = readDirectory(content);

  expect(() => readDirectory(new TextEncoder().encode('no newline'))).toThrow();
  expect(() => readDirectory(new TextEncoder().encode('{}\n'))).toThrow();
  expect(() =>
    decodeRange('B', content.subarray(bodyStart + 1, bodyStart + (symbols[0]?.length ?? 0))),
  ).toThrow('chunk is corrupt');
});
