import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench, refusalOf } from './support.ts';
import type { Answer, Bench } from './support.ts';

let bench: Bench;

beforeEach(() => {
  bench = openBench();
  createTable(bench);
});

const put = (item: Json, extra: Json = {}): Answer =>
  bench.call('PutItem', { TableName: 'things', Item: item, ...extra });
const get = (given: Json, extra: Json = {}): Answer =>
  bench.call('GetItem', { TableName: 'things', Key: given, ...extra });
const remove = (given: Json, extra: Json = {}): Answer =>
  bench.call('DeleteItem', { TableName: 'things', Key: given, ...extra });

describe('putting, getting and deleting', () => {
  it('gives back what was put, and nothing for another key', () => {
    put({ ...key('p'), n: { N: '1.0' } });

    expect(get(key('p'))).toEqual({ Item: { ...key('p'), n: { N: '1' } } });
    expect(get(key('p', 'b'))).toEqual({});
  });

  it('keeps keys apart whose parts run together', () => {
    put({ ...key('ab', 'c'), n: { N: '1' } });
    put({ ...key('a', 'bc'), n: { N: '2' } });
    put({ ...key('a\u0000b', 'c'), n: { N: '3' } });

    expect(get(key('ab', 'c')).Item.n).toEqual({ N: '1' });
    expect(get(key('a', 'bc')).Item.n).toEqual({ N: '2' });
    expect(get(key('a\u0000b', 'c')).Item.n).toEqual({ N: '3' });
  });

  it('replaces the whole item', () => {
    put({ ...key('p'), a: { S: '1' } });
    put({ ...key('p'), b: { S: '2' } });
    expect(get(key('p')).Item).toEqual({ ...key('p'), b: { S: '2' } });
  });

  it('returns the old item when asked', () => {
    expect(put({ ...key('p'), a: { S: '1' } }, { ReturnValues: 'ALL_OLD' })).toEqual({});
    expect(put({ ...key('p'), a: { S: '2' } }, { ReturnValues: 'ALL_OLD' })).toEqual({
      Attributes: { ...key('p'), a: { S: '1' } },
    });
    expect(remove(key('p'), { ReturnValues: 'ALL_OLD' })).toEqual({
      Attributes: { ...key('p'), a: { S: '2' } },
    });
    expect(remove(key('p'), { ReturnValues: 'ALL_OLD' })).toEqual({});
  });

  it('accepts a table by its ARN', () => {
    const TableName = 'arn:aws:dynamodb:us-east-1:000000000000:table/things';
    bench.call('PutItem', { TableName, Item: key('p') });
    expect(bench.call('GetItem', { TableName, Key: key('p') }).Item).toEqual(key('p'));
  });

  it('projects names, nested members and list elements in order', () => {
    put({
      ...key('p'),
      m: { M: { a: { S: '1' }, b: { S: '2' } } },
      l: { L: [{ N: '0' }, { M: { x: { S: 'y' }, z: { S: 'w' } } }, { N: '2' }] },
    });
    const answer = get(key('p'), {
      ProjectionExpression: '#p, m.a, l[2], l[1].x, absent, m.q, l[7]',
      ExpressionAttributeNames: { '#p': 'pk' },
    });
    expect(answer.Item).toEqual({
      pk: { S: 'p' },
      m: { M: { a: { S: '1' } } },
      l: { L: [{ M: { x: { S: 'y' } } }, { N: '2' }] },
    });
  });

  it('refuses projections that overlap or do not parse', () => {
    expect(invalidity(() => get(key('p'), { ProjectionExpression: 'a, a.b' }))).toBe(
      'Invalid ProjectionExpression: Two document paths overlap with each other; ' +
        'must remove or rewrite one of these paths; path one: [a], path two: [a, b]',
    );
    expect(invalidity(() => get(key('p'), { ProjectionExpression: 'a b' }))).toContain('Syntax error');
    expect(invalidity(() => get(key('p'), { ProjectionExpression: 'a,' }))).toContain('<EOF>');
  });
});

describe('failed conditions', () => {
  it('show the old item only when asked, and only when there is one', () => {
    put({ ...key('p'), a: { S: '1' } });
    const extra = { ConditionExpression: 'attribute_not_exists(pk)' };
    const shown = { ...extra, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };

    expect(refusalOf(() => put(key('p'), extra))).toEqual({
      code: 'ConditionalCheckFailedException',
      message: 'The conditional request failed',
      details: {},
    });
    expect(refusalOf(() => put(key('p'), shown)).details).toEqual({ Item: { ...key('p'), a: { S: '1' } } });
    expect(
      refusalOf(() => remove(key('q'), { ...shown, ConditionExpression: 'attribute_exists(pk)' })).details,
    ).toEqual({});
  });

  it('leave no trace', () => {
    put(key('p'));
    const written = bench.entries.length;
    refusalOf(() => put({ ...key('p'), b: { S: '2' } }, { ConditionExpression: 'attribute_not_exists(pk)' }));
    expect(bench.entries).toHaveLength(written);
    expect(get(key('p')).Item).toEqual(key('p'));
  });
});

describe('writes that change nothing', () => {
  it('are not journaled', () => {
    put({ ...key('p'), s: { SS: ['a', 'b'] }, n: { N: '10' } });
    const written = bench.entries.length;
    put({ n: { N: '1e1' }, ...key('p'), s: { SS: ['b', 'a'] } });
    remove(key('absent'));
    expect(bench.entries).toHaveLength(written);
  });
});

describe('keys', () => {
  it.each([
    [{ sk: { S: 'a' } }, 'One or more parameter values were invalid: Missing the key pk in the item'],
    [{ pk: { S: 'a' } }, 'One or more parameter values were invalid: Missing the key sk in the item'],
    [
      { pk: { N: '1' }, sk: { S: 'a' } },
      'One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N',
    ],
    [
      { pk: { S: '' }, sk: { S: 'a' } },
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain ' +
        'an empty string value. Key: pk',
    ],
    [
      { pk: { S: 'p'.repeat(2049) }, sk: { S: 'a' } },
      'One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes',
    ],
    [
      { pk: { S: 'p' }, sk: { S: 's'.repeat(1025) } },
      'One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size ' +
        'limit of 1024 bytes',
    ],
  ])('refuses the item %j', (item, message) => {
    expect(invalidity(() => put(item))).toBe(message);
  });

  it('takes the longest keys', () => {
    expect(() => put(key('p'.repeat(2048), 's'.repeat(1024)))).not.toThrow();
  });

  it.each([
    [{}],
    [{ pk: { S: 'p' } }],
    [{ ...key('p'), more: { S: 'x' } }],
    [{ pk: { S: 'p' }, sk: { N: '1' } }],
  ])('refuses the key %j', (given) => {
    const message = 'The provided key element does not match the schema';
    expect(invalidity(() => get(given))).toBe(message);
    expect(invalidity(() => remove(given))).toBe(message);
  });

  it('finds a number key in any spelling', () => {
    bench.call('CreateTable', {
      TableName: 'numbers',
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'N' }],
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    });
    bench.call('PutItem', { TableName: 'numbers', Item: { id: { N: '10' } } });
    expect(bench.call('GetItem', { TableName: 'numbers', Key: { id: { N: '1e1' } } }).Item).toEqual({
      id: { N: '10' },
    });
  });
});

describe('item size', () => {
  const fillerBytes = 400 * 1024 - 'pk'.length - 'sk'.length - 'p'.length - 'a'.length - 'f'.length;

  it('takes 400 KB and refuses a byte more', () => {
    expect(() => put({ ...key('p'), f: { S: 'x'.repeat(fillerBytes) } })).not.toThrow();
    expect(invalidity(() => put({ ...key('p'), f: { S: 'x'.repeat(fillerBytes + 1) } }))).toBe(
      'Item size has exceeded the maximum allowed size',
    );
  });

  it('holds for updates', () => {
    put(key('p'));
    const update = (bytes: number): Answer =>
      bench.call('UpdateItem', {
        TableName: 'things',
        Key: key('p'),
        UpdateExpression: 'SET f = :f',
        ExpressionAttributeValues: { ':f': { S: 'x'.repeat(bytes) } },
      });
    expect(invalidity(() => update(fillerBytes + 1))).toBe(
      'Item size to update has exceeded the maximum allowed size',
    );
    expect(() => update(fillerBytes)).not.toThrow();
  });
});

describe('requests that are refused', () => {
  it('name a table that does not exist', () => {
    for (const operation of ['PutItem', 'GetItem', 'UpdateItem', 'DeleteItem']) {
      const refusal = refusalOf(() =>
        bench.call(operation, {
          TableName: 'nowhere',
          Key: key('p'),
          Item: key('p'),
          ...(operation === 'PutItem' ? { Key: undefined } : { Item: undefined }),
        }),
      );
      expect(refusal.code).toBe('ResourceNotFoundException');
    }
  });

  it('lack the table name or the item', () => {
    expect(invalidity(() => bench.call('PutItem', { Item: key('p') }))).toBe(
      "1 validation error detected: Value null at 'tableName' failed to satisfy constraint: Member must not be null",
    );
    expect(invalidity(() => bench.call('PutItem', { TableName: 'things' }))).toContain("'item'");
  });

  it('use a choice the operation does not have', () => {
    expect(invalidity(() => put(key('p'), { ReturnValues: 'ALL_NEW' }))).toBe(
      'ReturnValues can only be ALL_OLD or NONE',
    );
    expect(invalidity(() => put(key('p'), { ReturnValues: 'hi' }))).toBe(
      "1 validation error detected: Value 'hi' at 'returnValues' failed to satisfy constraint: " +
        'Member must satisfy enum value set: [ALL_NEW, UPDATED_OLD, ALL_OLD, NONE, UPDATED_NEW]',
    );
  });

  it('use the parameters older than expressions, by name', () => {
    expect(invalidity(() => put(key('p'), { Expected: {} }))).toContain('Expected');
    expect(invalidity(() => get(key('p'), { AttributesToGet: ['pk'] }))).toContain('AttributesToGet');
  });
});
