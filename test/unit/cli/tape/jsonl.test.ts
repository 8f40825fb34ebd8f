import { expect, it } from 'vitest';
import { jsonlRecords } from '#cli/tape/jsonl.ts';
import type { TapeLine } from '#cli/tape/open-tape.ts';
import { countPlayed } from '#cli/tape/place.ts';
import type { TapeRecord } from '#cli/tape/tape-record.ts';

async function* linesOf(texts: readonly string[]): AsyncGenerator<TapeLine> {
  for (const [index, text] of texts.entries()) yield { line: index + 1, text };
}
const read = async (...texts: readonly string[]): Promise<TapeRecord[]> => {
  const records: TapeRecord[] = [];
  for await (const record of jsonlRecords(linesOf(texts))) records.push(record);
  return records;
};
const textOf = (record: TapeRecord | undefined) => new TextDecoder().decode(record?.data);

it('puts each line on the stream exactly as written', async () => {
  const line = '{ "source_id": "venue", "symbol":"ÅRE€","recv_ts_ms":5,  "channel":"trades" }';

  const [record] = await read(line);

  expect(record).toMatchObject({ position: 1, partitionKey: 'venue|ÅRE€|trades', recvTsMs: 5 });
  expect(textOf(record)).toBe(line);
});

it('leaves it to the ingest to judge an event', async () => {
  const records = await read('{}', '', '{"symbol":7,"recv_ts_ms":"x"}');

  expect(records.map((record) => [record.position, record.partitionKey, record.recvTsMs])).toEqual([
    [1, '||', undefined],
    [2, '||', undefined],
  ]);
});

it('bounds partition keys as the stream does', async () => {
  const [record] = await read(JSON.stringify({ symbol: 'x'.repeat(500) }));

  expect(record?.partitionKey).toHaveLength(256);
});

it('stands in for bytes that are no JSON', async () => {
  const records = await read(
    '{"raw":"{oops","partition_key":"k"}',
    '{"raw_base64":"//79","partition_key":"k"}',
  );

  expect(textOf(records[0])).toBe('{oops');
  expect([...(records[1]?.data ?? [])]).toEqual([255, 254, 253]);
  expect(records.map((record) => record.partitionKey)).toEqual(['k', 'k']);
});

it.each([
  ['no JSON', '{oops', 'this is no JSON ('],
  ['a list', '[]', 'this is no JSON object'],
  ['null', 'null', 'this is no JSON object'],
  ['a raw line without a key', '{"raw":"x"}', 'a raw line has'],
  ['a raw line with bad base64', '{"raw_base64":"?","partition_key":"k"}', 'a raw line has'],
])('refuses %s and names the line', async (_name, text, message) => {
  await expect(read('{}', text)).rejects.toMatchObject({
    code: 'malformed_tape_line',
    line: 2,
    message: expect.stringContaining(`line 2: ${message}`),
  });
});

const bytes = (text: string) => new TextEncoder().encode(text);
async function* tape(...texts: readonly string[]): AsyncGenerator<TapeRecord> {
  for (const [index, text] of texts.entries())
    yield { position: index + 1, data: bytes(text), partitionKey: 'k' };
}
async function* stream(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytes(text);
}

it.each([
  ['nothing was played', [], 0],
  ['some was played', ['a', 'b'], 2],
  ['another producer wrote in between', ['x', 'a', 'yy', 'b', 'z'], 2],
  ['a put was repeated after a lost answer', ['a', 'b', 'a', 'b', 'b'], 3],
  ['all was played and more came after', ['a', 'b', 'b', 'c', 'a'], 4],
])('finds its place when %s', async (_name, streamed, played) => {
  expect(await countPlayed(tape('a', 'b', 'b', 'c'), stream(...streamed))).toBe(played);
});
