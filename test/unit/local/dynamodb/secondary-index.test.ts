import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench, plainTable, refusalOf } from './support.ts';
import type { Answer, Bench } from './support.ts';

let bench: Bench;

const index = (IndexName: string, Projection: Json, range = 'sk'): Json => ({
  IndexName,
  KeySchema: [
    { AttributeName: 'due', KeyType: 'HASH' },
    { AttributeName: range, KeyType: 'RANGE' },
  ],
  Projection,
});

beforeEach(() => {
  bench = openBench();
  createTable(bench, {
    AttributeDefinitions: [
      ...plainTable.AttributeDefinitions,
      { AttributeName: 'due', AttributeType: 'S' },
      { AttributeName: 'grade', AttributeType: 'N' },
    ],
    GlobalSecondaryIndexes: [
      index('keys', { ProjectionType: 'KEYS_ONLY' }),
      index('some', { ProjectionType: 'INCLUDE', NonKeyAttributes: ['note'] }),
      index('whole', { ProjectionType: 'ALL' }, 'grade'),
    ],
  });
});

const put = (item: Json): void => {
  bench.call('PutItem', { TableName: 'things', Item: item });
};
const query = (IndexName: string, due: string, extra: Json = {}): Answer =>
  bench.call('Query', {
    TableName: 'things',
    IndexName,
    KeyConditionExpression: 'due = :d',
    ExpressionAttributeValues: { ':d': { S: due } },
    ...extra,
  });

const full = { ...key('p'), due: { S: 'd1' }, grade: { N: '1' }, note: { S: 'n' }, spare: { S: 'o' } };

describe('secondary indexes', () => {
  it('hold what their projection says', () => {
    put(full);
    expect(query('keys', 'd1').Items).toEqual([{ ...key('p'), due: { S: 'd1' } }]);
    expect(query('some', 'd1').Items).toEqual([{ ...key('p'), due: { S: 'd1' }, note: { S: 'n' } }]);
    expect(query('whole', 'd1').Items).toEqual([full]);
  });

  it('leave out items that lack one of their keys', () => {
    put({ ...key('p'), due: { S: 'd1' } });
    put({ ...key('q'), grade: { N: '1' } });
    expect(query('keys', 'd1').Count).toBe(1);
    expect(query('whole', 'd1').Count).toBe(0);
  });

  it('follow the item: it moves, leaves and goes', () => {
    put(full);
    put({ ...full, due: { S: 'd2' } });
    expect([query('whole', 'd1').Count, query('whole', 'd2').Count]).toEqual([0, 1]);
    bench.call('UpdateItem', { TableName: 'things', Key: key('p'), UpdateExpression: 'REMOVE grade' });
    expect([query('whole', 'd2').Count, query('keys', 'd2').Count]).toEqual([0, 1]);
    bench.call('DeleteItem', { TableName: 'things', Key: key('p') });
    expect(query('keys', 'd2').Count).toBe(0);
  });

  it('page with the keys of the index and of the table, through items of one sort value', () => {
    const pks = Array.from({ length: 12 }, (_, place) => `p${place}`);
    for (const pk of pks) put({ ...key(pk), due: { S: 'd' }, grade: { N: '5' } });
    for (const ScanIndexForward of [true, false]) {
      const seen: string[] = [];
      let start: Json | undefined;
      do {
        const answer = query('whole', 'd', {
          Limit: 5,
          ScanIndexForward,
          ...(start ? { ExclusiveStartKey: start } : {}),
        });
        seen.push(...answer.Items.map((item) => item.pk.S));
        start = answer.LastEvaluatedKey;
        if (start) expect(Object.keys(start).sort()).toEqual(['due', 'grade', 'pk', 'sk']);
      } while (start);
      expect([...seen].sort()).toEqual([...pks].sort());
    }
  });

  it('can be scanned, page by page', () => {
    for (let place = 0; place < 20; place += 1) {
      put({ ...key(`p${place}`), ...(place % 2 ? { due: { S: `d${place % 3}` } } : {}) });
    }
    const seen: string[] = [];
    let start: Json | undefined;
    do {
      const answer: Answer = bench.call('Scan', {
        TableName: 'things',
        IndexName: 'keys',
        Limit: 3,
        ...(start ? { ExclusiveStartKey: start } : {}),
      });
      seen.push(...answer.Items.map((item) => item.pk.S));
      start = answer.LastEvaluatedKey;
    } while (start);
    expect(new Set(seen).size).toBe(10);
    expect(seen).toHaveLength(10);
  });

  it('filter and project only what they hold', () => {
    put(full);
    const filtered = query('keys', 'd1', {
      FilterExpression: 'attribute_exists(spare)',
    });
    expect(filtered).toMatchObject({ Count: 0, ScannedCount: 1 });
    expect(invalidity(() => query('some', 'd1', { ProjectionExpression: 'note, spare' }))).toBe(
      'One or more parameter values were invalid: Global secondary index some does not project [spare]',
    );
    expect(invalidity(() => query('keys', 'd1', { Select: 'ALL_ATTRIBUTES' }))).toBe(
      'One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global ' +
        'secondary index keys because its projection type is not ALL',
    );
    expect(query('some', 'd1', { Select: 'ALL_PROJECTED_ATTRIBUTES' }).Count).toBe(1);
  });

  it('refuse consistent reads', () => {
    const message = 'Consistent reads are not supported on global secondary indexes';
    expect(invalidity(() => query('keys', 'd1', { ConsistentRead: true }))).toBe(message);
    expect(
      invalidity(() => bench.call('Scan', { TableName: 'things', IndexName: 'keys', ConsistentRead: true })),
    ).toBe(message);
  });

  it.each([
    [
      { due: { N: '1' } },
      'One or more parameter values were invalid: Type mismatch for Index Key due Expected: S Actual: N IndexName: keys',
    ],
    [
      { due: { S: '' } },
      'One or more parameter values are not valid. A value specified for a secondary index key is not supported. ' +
        'The AttributeValue for a key attribute cannot contain an empty string value. IndexName: keys, IndexKey: due',
    ],
    [
      { due: { S: 'x'.repeat(2049) } },
      'One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes',
    ],
  ])('refuse the key %j', (attributes, message) => {
    expect(invalidity(() => put({ ...key('p'), ...attributes }))).toBe(message);
  });

  it('can be added to a table with items, and removed', () => {
    put({ ...key('p'), colour: { S: 'red' } });
    const create = {
      IndexName: 'by-colour',
      KeySchema: [{ AttributeName: 'colour', KeyType: 'HASH' }],
      Projection: { ProjectionType: 'ALL' },
    };
    bench.call('UpdateTable', {
      TableName: 'things',
      AttributeDefinitions: [{ AttributeName: 'colour', AttributeType: 'S' }],
      GlobalSecondaryIndexUpdates: [{ Create: create }],
    });
    const byColour = (): Answer =>
      bench.call('Query', {
        TableName: 'things',
        IndexName: 'by-colour',
        KeyConditionExpression: 'colour = :c',
        ExpressionAttributeValues: { ':c': { S: 'red' } },
      });
    expect(byColour().Count).toBe(1);

    const drop = (): Answer =>
      bench.call('UpdateTable', {
        TableName: 'things',
        GlobalSecondaryIndexUpdates: [{ Delete: { IndexName: 'by-colour' } }],
      });
    drop();
    expect(invalidity(byColour)).toBe('The table does not have the specified index: by-colour');
    expect(refusalOf(drop).code).toBe('ResourceNotFoundException');
  });

  it('always hold exactly the items a scan of the table would pick', () => {
    const write = fc.record({
      pk: fc.constantFrom('a', 'b', 'c', 'd'),
      due: fc.constantFrom('x', 'y', undefined),
      grade: fc.constantFrom(1, 2, undefined),
      isDelete: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(write, { maxLength: 40 }), (writes) => {
        for (const pk of ['a', 'b', 'c', 'd'])
          bench.call('DeleteItem', { TableName: 'things', Key: key(pk) });
        for (const { pk, due, grade, isDelete } of writes) {
          if (isDelete) bench.call('DeleteItem', { TableName: 'things', Key: key(pk) });
          else {
            put({
              ...key(pk),
              ...(due ? { due: { S: due } } : {}),
              ...(grade ? { grade: { N: String(grade) } } : {}),
            });
          }
        }
        const items = bench.call('Scan', { TableName: 'things' }).Items;
        for (const due of ['x', 'y']) {
          const expected = items
            .filter((item) => item.due?.S === due && item.grade !== undefined)
            .sort(
              (one, other) =>
                Number(one.grade?.N) - Number(other.grade?.N) || (one.pk.S < other.pk.S ? -1 : 1),
            );
          expect(query('whole', due).Items).toEqual(expected);
        }
      }),
      { numRuns: 60 },
    );
  });
});
