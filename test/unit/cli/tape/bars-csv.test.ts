import { gzipSync } from 'node:zlib';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { barRecords } from '#cli/tape/bars-csv.ts';
import { findTape, linesOf, tapeLines } from '#cli/tape/open-tape.ts';
import { TapeError } from '#cli/tape/tape-record.ts';
import type { TapeRecord } from '#cli/tape/tape-record.ts';
import { decodeRecord } from '#domain/market/ingest.ts';

const folder = mkdtempSync(join(tmpdir(), 'tape-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function* bytesOf(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield typeof part === 'string' ? new TextEncoder().encode(part) : part;
}
const collect = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
};
const read = (text: string): Promise<TapeRecord[]> =>
  collect(barRecords(linesOf(bytesOf(text)), { symbol: 'BTC-PERP', tapeId: 'tape1' }));
const eventOf = (record: TapeRecord | undefined) =>
  JSON.parse(new TextDecoder().decode(record?.data)) as Readonly<Record<string, unknown>>;
const HEADER = 'timestamp,open,high,low,close,volume\n';
const bar = (minute: number, close = 10) =>
  `2022-01-01 00:${String(minute).padStart(2, '0')}:00.000000,9,${close + 2},${close - 3},${close},1.5\n`;
const failure = async (text: string) => {
  const error: unknown = await read(text).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof TapeError ? [error.code, error.line, error.message] : error;
};

describe('bars', () => {
  it('become one-minute candles, and at a boundary a three-minute candle and snapshot inputs', async () => {
    const records = await read(HEADER + bar(1, 10) + bar(2, 20) + bar(3, 15) + bar(4));

    expect(records.map((record) => eventOf(record)['channel'])).toEqual([
      'candle_1m',
      'candle_1m',
      'candle_1m',
      'candle_3m',
      'snapshot_inputs',
      'candle_1m',
    ]);
    const boundaryMs = Date.UTC(2022, 0, 1, 0, 3);
    expect(eventOf(records[3])).toMatchObject({
      event_type: 'Candle',
      recv_ts_ms: boundaryMs,
      normalized: { open: 9, high: 22, low: 7, close: 15, volume: 4.5, interval_ms: 180_000, is_final: true },
    });
    expect(eventOf(records[4])).toMatchObject({
      event_type: 'SnapshotInputs',
      source_id: 'tape',
      symbol: 'BTC-PERP',
      recv_ts_ms: boundaryMs,
      source_seq: 5,
      source_event_id: 'tape1:5',
      normalized: { timestamp_ms: boundaryMs, market: { price: 15 } },
    });
    expect(records.map((record) => record.position)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(records[4]).toMatchObject({ partitionKey: 'tape|BTC-PERP|snapshot_inputs', recvTsMs: boundaryMs });
  });

  it('keep the line they were read from, and are valid market events', async () => {
    const [first] = await read(bar(1));
    const record = {
      data: first?.data ?? new Uint8Array(),
      partitionKey: 'k',
      arrivalMs: Date.parse('2030-01-01T00:00:00Z'),
    };

    expect(eventOf(first)['raw_payload']).toBe(bar(1).trim());
    expect(decodeRecord(record).kind).toBe('event');
  });

  it.each([
    ['starts in the middle', bar(2) + bar(3)],
    ['has a gap', bar(1) + bar(3)],
    ['has only its last minute', bar(3)],
  ])('give no three-minute candle when it %s, but snapshot inputs', async (_name, text) => {
    const channels = (await read(text)).map((record) => eventOf(record)['channel']);

    expect(channels).not.toContain('candle_3m');
    expect(channels).toContain('snapshot_inputs');
  });

  it('give no snapshot inputs when the bar at the boundary is missing', async () => {
    expect((await read(bar(1) + bar(2) + bar(4))).map((record) => eventOf(record)['channel'])).toEqual([
      'candle_1m',
      'candle_1m',
      'candle_1m',
    ]);
  });

  it('may have no header, blank lines, CRLF, ISO times and no last line end', async () => {
    const records = await read(
      '\uFEFF' +
        HEADER.replace('\n', '\r\n') +
        '\r\n2022-01-01T00:01:00Z,1,1,1,1e0,.5\r\n2022-01-01 00:02:00+00:00,1,1,1,+1.,0',
    );

    expect(records.map((record) => record.recvTsMs)).toEqual([
      Date.UTC(2022, 0, 1, 0, 1),
      Date.UTC(2022, 0, 1, 0, 2),
    ]);
  });

  it.each([
    ['too few fields', HEADER + '2022-01-01 00:01:00,1,1,1,1\n', 2, 'expected 6 fields'],
    ['a time that is none', HEADER + bar(1) + 'yesterday,1,1,1,1,1\n', 3, 'is no UTC time'],
    ['a day that does not exist', '2022-02-30 00:01:00,1,1,1,1,1\n', 1, 'is no UTC time'],
    ['an hour that does not exist', '2022-02-01 25:01:00,1,1,1,1,1\n', 1, 'is no UTC time'],
    ['a time between minutes', '2022-01-01 00:01:30,1,1,1,1,1\n', 1, 'not on a whole minute'],
    ['a fraction of a second', '2022-01-01 00:01:00.000001,1,1,1,1,1\n', 1, 'not on a whole minute'],
    ['a price that is no number', '2022-01-01 00:01:00,1,x,1,1,1\n', 1, 'high "x" is no number'],
    ['an empty field', '2022-01-01 00:01:00,1,1,1,1,\n', 1, 'volume "" is no number'],
    ['a number too large', '2022-01-01 00:01:00,1e999,1,1,1,1\n', 1, 'open "1e999" is no number'],
    ['the same time twice', bar(1) + bar(1), 2, 'does not end after'],
    ['a time before the last one', bar(1) + bar(3) + bar(2), 3, 'does not end after'],
    ['the header again', bar(1) + HEADER, 2, 'is no UTC time'],
  ])('are refused with %s, naming the line', async (_name, text, line, message) => {
    expect(await failure(text)).toEqual(['malformed_tape_line', line, expect.stringContaining(message)]);
    expect(String(((await failure(text)) as unknown[])[2])).toContain(`line ${line}: `);
  });
});

describe('tape files', () => {
  const write = (name: string, content: string | Uint8Array) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  it('are read plain or compressed, whatever they are called', async () => {
    const plain = await findTape(write('plain.csv', HEADER + bar(1)));
    const packed = await findTape(write('packed.csv', gzipSync(HEADER + bar(1))));

    expect([plain.isGzip, packed.isGzip]).toEqual([false, true]);
    expect(await collect(tapeLines(packed))).toEqual(await collect(tapeLines(plain)));
  });

  it('have the same name when renamed and another when longer', async () => {
    const one = await findTape(write('one.csv', bar(1)));
    const same = await findTape(write('two.csv', bar(1)));
    const longer = await findTape(write('three.csv', bar(1) + bar(2)));

    expect(same.tapeId).toBe(one.tapeId);
    expect(longer.tapeId).not.toBe(one.tapeId);
  });

  it('say when they are missing, no files, or broken', async () => {
    await expect(findTape(join(folder, 'nowhere.csv'))).rejects.toMatchObject({ code: 'tape_missing' });
    await expect(findTape(folder)).rejects.toMatchObject({ code: 'tape_unreadable' });
    const cut = await findTape(write('cut.csv.gz', gzipSync(bar(1).repeat(500)).subarray(0, 40)));
    await expect(collect(tapeLines(cut))).rejects.toMatchObject({ code: 'tape_unreadable' });
    const gone = await findTape(write('gone.csv.gz', gzipSync(bar(1))));
    rmSync(gone.path);
    await expect(collect(tapeLines(gone))).rejects.toMatchObject({ code: 'tape_missing' });
  });

  it('are cut into lines wherever their bytes are split', async () => {
    const bytes = new TextEncoder().encode('å\r\n\n€x');
    const parts = Array.from(bytes, (byte) => Uint8Array.of(byte));

    expect(await collect(linesOf(bytesOf(...parts)))).toEqual([
      { line: 1, text: 'å' },
      { line: 2, text: '' },
      { line: 3, text: '€x' },
    ]);
  });
});
