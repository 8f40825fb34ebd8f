import { beforeEach, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench, plainTable } from './support.ts';
import type { Answer, Bench } from './support.ts';

let bench: Bench;

beforeEach(() => {
  bench = openBench();
  createTable(bench, {
    AttributeDefinitions: [...plainTable.AttributeDefinitions, { AttributeName: 'due', AttributeType: 'S' }],
    GlobalSecondaryIndexes: [
      {
        IndexName: 'by-due',
        KeySchema: [{ AttributeName: 'due', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'KEYS_ONLY' },
      },
    ],
  });
});

const consumed = (operation: string, input: Json, detail = 'TOTAL'): Answer['ConsumedCapacity'] =>
  bench.call(operation, { TableName: 'things', ReturnConsumedCapacity: detail, ...input }).ConsumedCapacity;
const large = { f: { S: 'x'.repeat(5_000) } };

it('is told only when asked', () => {
  expect(bench.call('PutItem', { TableName: 'things', Item: key('p') })).toEqual({});
  expect(consumed('PutItem', { Item: key('p') }, 'NONE')).toBeUndefined();
  expect(consumed('PutItem', { Item: key('p') })).toEqual({ TableName: 'things', CapacityUnits: 1 });
  expect(invalidity(() => consumed('PutItem', { Item: key('p') }, 'SOME'))).toContain(
    'Member must satisfy enum value set: [INDEXES, TOTAL, NONE]',
  );
});

it('counts a write by the larger of the item before and after', () => {
  expect(consumed('PutItem', { Item: { ...key('p'), ...large } }).CapacityUnits).toBe(5);
  expect(consumed('PutItem', { Item: key('p') }).CapacityUnits).toBe(5);
  expect(consumed('DeleteItem', { Key: key('p') }).CapacityUnits).toBe(1);
});

it('counts indexes where the item moves in them', () => {
  const write = (item: Json): Answer['ConsumedCapacity'] =>
    consumed('PutItem', { Item: { ...key('p'), ...item } }, 'INDEXES');
  const inIndex = (units: number): Json => ({
    TableName: 'things',
    CapacityUnits: 1 + units,
    Table: { CapacityUnits: 1 },
    ...(units > 0 ? { GlobalSecondaryIndexes: { 'by-due': { CapacityUnits: units } } } : {}),
  });
  expect(write({})).toEqual(inIndex(0));
  expect(write({ due: { S: 'a' } })).toEqual(inIndex(1));
  expect(write({ due: { S: 'a' }, n: { N: '1' } })).toEqual(inIndex(0));
  expect(write({ due: { S: 'b' } })).toEqual(inIndex(2));
  expect(write({})).toEqual(inIndex(1));
});

it('counts reads by 4 KB, half when eventually consistent', () => {
  bench.call('PutItem', { TableName: 'things', Item: { ...key('p'), ...large } });
  expect(consumed('GetItem', { Key: key('p') }).CapacityUnits).toBe(1);
  expect(consumed('GetItem', { Key: key('p'), ConsistentRead: true }).CapacityUnits).toBe(2);
  expect(consumed('GetItem', { Key: key('absent') }).CapacityUnits).toBe(0.5);
  expect(consumed('Scan', {}).CapacityUnits).toBe(1);
});

it('attributes the read of an index to the index', () => {
  const input = {
    IndexName: 'by-due',
    KeyConditionExpression: 'due = :d',
    ExpressionAttributeValues: { ':d': { S: 'x' } },
  };
  expect(consumed('Query', input, 'INDEXES')).toEqual({
    TableName: 'things',
    CapacityUnits: 0.5,
    Table: { CapacityUnits: 0 },
    GlobalSecondaryIndexes: { 'by-due': { CapacityUnits: 0.5 } },
  });
});

it('counts transactions twice and batches by table', () => {
  const Put = { TableName: 'things', Item: key('p') };
  const transact = { TableName: undefined, TransactItems: [{ Put }, { Put: { ...Put, Item: key('q') } }] };
  expect(consumed('TransactWriteItems', transact)).toEqual([{ TableName: 'things', CapacityUnits: 4 }]);
  const RequestItems = { things: { Keys: [key('p'), key('q')] } };
  expect(consumed('BatchGetItem', { TableName: undefined, RequestItems })).toEqual([
    { TableName: 'things', CapacityUnits: 1 },
  ]);
});
