import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench, refusalOf } from './support.ts';
import type { Answer, Bench } from './support.ts';

let bench: Bench;

beforeEach(() => {
  bench = openBench();
  createTable(bench);
  createTable(bench, { TableName: 'others' });
});

const write = (requests: Json): Answer => bench.call('BatchWriteItem', { RequestItems: requests });
const get = (requests: Json): Answer => bench.call('BatchGetItem', { RequestItems: requests });
const puts = (count: number, from = 0): Json[] =>
  Array.from({ length: count }, (_, place) => ({ PutRequest: { Item: key(`p${from + place}`) } }));
const keys = (count: number): Json[] => Array.from({ length: count }, (_, place) => key(`p${place}`));

describe('batch writes', () => {
  it('put and delete in several tables', () => {
    write({ things: puts(3) });
    const answer = write({ things: [{ DeleteRequest: { Key: key('p0') } }, ...puts(1, 9)], others: puts(1) });
    expect(answer).toEqual({ UnprocessedItems: {} });
    expect(get({ things: { Keys: keys(10) }, others: { Keys: keys(1) } }).Responses).toEqual({
      things: [key('p1'), key('p2'), key('p9')],
      others: [key('p0')],
    });
  });

  it('take 25 and refuse 26, over all tables', () => {
    expect(() => write({ things: puts(20), others: puts(5) })).not.toThrow();
    expect(invalidity(() => write({ things: puts(20), others: puts(6) }))).toBe(
      'Too many items requested for the BatchWriteItem call',
    );
  });

  it('write nothing when one of them is refused', () => {
    expect(invalidity(() => write({ things: [...puts(1), { PutRequest: { Item: {} } }] }))).toContain(
      'Missing the key',
    );
    expect(get({ things: { Keys: keys(1) } }).Responses).toEqual({ things: [] });
  });

  it('refuse one item twice, an empty request and an unknown table', () => {
    expect(invalidity(() => write({ things: [...puts(1), { DeleteRequest: { Key: key('p0') } }] }))).toBe(
      'Provided list of item keys contains duplicates',
    );
    expect(invalidity(() => write({}))).toContain('greater than or equal to 1');
    expect(invalidity(() => write({ things: [] }))).toContain('greater than or equal to 1');
    expect(refusalOf(() => write({ nowhere: puts(1) })).code).toBe('ResourceNotFoundException');
  });
});

describe('batch reads', () => {
  it('take 100 keys and refuse 101', () => {
    expect(get({ things: { Keys: keys(100) } })).toEqual({ Responses: { things: [] }, UnprocessedKeys: {} });
    const message = 'Too many items requested for the BatchGetItem call';
    expect(invalidity(() => get({ things: { Keys: keys(101) } }))).toBe(message);
    expect(invalidity(() => get({ things: { Keys: keys(60) }, others: { Keys: keys(41) } }))).toBe(message);
  });

  it('project, and refuse duplicates', () => {
    bench.call('PutItem', { TableName: 'things', Item: { ...key('p0'), n: { N: '1' } } });
    const asked = { Keys: keys(1), ProjectionExpression: '#n', ExpressionAttributeNames: { '#n': 'n' } };
    expect(get({ things: asked }).Responses).toEqual({ things: [{ n: { N: '1' } }] });
    expect(invalidity(() => get({ things: { Keys: [key('p0'), key('p0')] } }))).toBe(
      'Provided list of item keys contains duplicates',
    );
  });

  it('answer 16 MB and give back the keys that are left', () => {
    const filler = { f: { S: 'x'.repeat(400_000) } };
    for (let place = 0; place < 45; place += 1) {
      bench.call('PutItem', { TableName: 'things', Item: { ...key(`p${place}`), ...filler } });
    }
    const asked = { Keys: keys(45), ProjectionExpression: 'pk', ConsistentRead: true };
    const first = get({ things: asked });
    expect(first.Responses.things).toHaveLength(41);
    expect(first.UnprocessedKeys).toEqual({ things: { ...asked, Keys: keys(45).slice(41) } });
    const second = get(first.UnprocessedKeys);
    expect(second.Responses.things).toHaveLength(4);
    expect(second.UnprocessedKeys).toEqual({});
  });
});
