import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench } from './support.ts';
import type { Answer, Bench } from './support.ts';

let bench: Bench;

const sorts = ['a', 'ab', 'abc', 'b', 'ba', 'c', '\uFF5E', '\u{1F600}'];

beforeEach(() => {
  bench = openBench();
  createTable(bench);
  for (const [place, sk] of [...sorts].reverse().entries()) {
    bench.call('PutItem', { TableName: 'things', Item: { ...key('p', sk), n: { N: String(place) } } });
  }
  bench.call('PutItem', { TableName: 'things', Item: key('q', 'a') });
});

const query = (condition: string, values: Json, extra: Json = {}): Answer =>
  bench.call('Query', {
    TableName: 'things',
    KeyConditionExpression: condition,
    ExpressionAttributeValues: values,
    ...extra,
  });

const found = (answer: Answer): string[] => answer.Items.map((item) => item.sk.S);
const p = { ':p': { S: 'p' } };

describe('key conditions', () => {
  it.each([
    ['pk = :p', {}, sorts],
    [':p = pk', {}, sorts],
    ['(pk = :p) AND (sk = :a)', { ':a': { S: 'ab' } }, ['ab']],
    ['sk = :a and pk = :p', { ':a': { S: 'nothing' } }, []],
    ['pk = :p AND sk < :a', { ':a': { S: 'b' } }, ['a', 'ab', 'abc']],
    ['pk = :p AND sk <= :a', { ':a': { S: 'b' } }, ['a', 'ab', 'abc', 'b']],
    ['pk = :p AND sk > :a', { ':a': { S: 'b' } }, ['ba', 'c', '\uFF5E', '\u{1F600}']],
    ['pk = :p AND sk >= :a', { ':a': { S: 'c' } }, ['c', '\uFF5E', '\u{1F600}']],
    ['pk = :p AND :a <= sk', { ':a': { S: 'c' } }, ['c', '\uFF5E', '\u{1F600}']],
    ['pk = :p AND sk BETWEEN :a AND :b', { ':a': { S: 'ab' }, ':b': { S: 'b' } }, ['ab', 'abc', 'b']],
    ['pk = :p AND begins_with(sk, :a)', { ':a': { S: 'a' } }, ['a', 'ab', 'abc']],
    ['pk = :p AND begins_with(sk, :a)', { ':a': { S: 'x' } }, []],
    ['pk = :p AND begins_with(sk, :a)', { ':a': { S: '' } }, sorts],
  ])('%s with %j', (condition, values, expected) => {
    expect(found(query(condition, { ...p, ...values }))).toEqual(expected);
    expect(found(query(condition, { ...p, ...values }, { ScanIndexForward: false }))).toEqual(
      [...expected].reverse(),
    );
  });

  it('find nothing in a partition that does not exist', () => {
    expect(query('pk = :p', { ':p': { S: 'nothing' } })).toEqual({ Count: 0, ScannedCount: 0, Items: [] });
  });

  it.each([
    ['sk = :p', 'Query condition missed key schema element: pk'],
    ['pk > :p', 'Query key condition not supported'],
    ['pk = :p AND n = :p', 'Query condition missed key schema element: sk'],
    ['pk = :p OR sk = :p', 'Invalid operator used in KeyConditionExpression: OR'],
    ['NOT pk = :p', 'Invalid operator used in KeyConditionExpression: NOT'],
    ['pk <> :p', 'Invalid operator used in KeyConditionExpression: <>'],
    ['pk IN (:p)', 'Invalid operator used in KeyConditionExpression: IN'],
    ['pk = :p AND contains(sk, :p)', 'Invalid operator used in KeyConditionExpression: contains'],
    ['pk = :p AND size(sk) = :p', 'Invalid operator used in KeyConditionExpression: size'],
    [
      'pk = :p AND sk > :p AND sk < :p',
      'Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key',
    ],
    [
      'pk.a = :p',
      'Invalid KeyConditionExpression: KeyConditionExpressions cannot have conditions on nested attributes',
    ],
    [
      'pk = sk AND sk = :p',
      'Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition',
    ],
    ['', 'Invalid KeyConditionExpression: The expression can not be empty;'],
  ])('refuse %s', (condition, message) => {
    expect(invalidity(() => query(condition, p))).toBe(message);
  });

  it('refuse values of another type and empty keys', () => {
    expect(invalidity(() => query('pk = :p', { ':p': { N: '1' } }))).toBe(
      'One or more parameter values were invalid: Condition parameter type does not match schema type',
    );
    expect(invalidity(() => query('pk = :p', { ':p': { S: '' } }))).toContain('empty string value. Key: pk');
    expect(invalidity(() => bench.call('Query', { TableName: 'things' }))).toBe(
      'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
    );
  });
});

describe('pages', () => {
  it('go on after the last key, in both directions, and end with an empty page on an exact fit', () => {
    for (const ScanIndexForward of [true, false]) {
      const seen: string[] = [];
      let start: Json | undefined;
      do {
        const answer = query('pk = :p', p, {
          Limit: 4,
          ScanIndexForward,
          ...(start ? { ExclusiveStartKey: start } : {}),
        });
        seen.push(...found(answer));
        start = answer.LastEvaluatedKey;
      } while (start);
      expect(seen).toEqual(ScanIndexForward ? sorts : [...sorts].reverse());
    }
    expect(query('pk = :p', p, { Limit: sorts.length }).LastEvaluatedKey).toBeDefined();
    expect(query('pk = :p', p, { Limit: sorts.length + 1 }).LastEvaluatedKey).toBeUndefined();
  });

  it('go on after a key that has been deleted', () => {
    const first = query('pk = :p', p, { Limit: 3 });
    bench.call('DeleteItem', { TableName: 'things', Key: first.LastEvaluatedKey });
    const next = query('pk = :p', p, { ExclusiveStartKey: first.LastEvaluatedKey });
    expect(found(next)).toEqual(sorts.slice(3));
  });

  it('count what was read before the filter and what passed it', () => {
    const answer = query('pk = :p', { ...p, ':n': { N: '5' } }, { FilterExpression: 'n > :n', Limit: 4 });
    expect(answer).toMatchObject({ Count: 2, ScannedCount: 4 });
    expect(answer.LastEvaluatedKey).toEqual(key('p', 'b'));
    expect(found(answer)).toEqual(['a', 'ab']);
  });

  it('only count on demand', () => {
    expect(query('pk = :p', p, { Select: 'COUNT' })).toEqual({ Count: 8, ScannedCount: 8 });
  });

  it('end before the item that passes 1 MB', () => {
    const filler = 'x'.repeat(300_000);
    for (let place = 0; place < 5; place += 1) {
      bench.call('PutItem', {
        TableName: 'things',
        Item: { ...key('large', String(place)), f: { S: filler } },
      });
    }
    const answer = query('pk = :p', { ':p': { S: 'large' } });
    expect(found(answer)).toEqual(['0', '1', '2']);
    expect(answer.LastEvaluatedKey).toEqual(key('large', '2'));
  });

  it.each([
    [{ pk: { S: 'p' } }, 'The provided starting key is invalid'],
    [{ ...key('p'), n: { N: '1' } }, 'The provided starting key is invalid'],
    [{ pk: { S: 'p' }, sk: { N: '1' } }, 'The provided starting key is invalid'],
    [key('q'), 'The provided starting key is outside query boundaries based on provided conditions'],
  ])('refuse to start at %j', (start, message) => {
    expect(invalidity(() => query('pk = :p', p, { ExclusiveStartKey: start }))).toBe(message);
  });

  it('refuse a limit of zero', () => {
    expect(invalidity(() => query('pk = :p', p, { Limit: 0 }))).toBe(
      "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: " +
        'Member must have value greater than or equal to 1',
    );
  });
});

describe('selections', () => {
  it.each([
    [
      { FilterExpression: 'sk = :p' },
      'Filter Expression can only contain non-primary key attributes: Primary key attribute: sk',
    ],
    [
      { Select: 'SPECIFIC_ATTRIBUTES' },
      'Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES',
    ],
    [
      { Select: 'COUNT', ProjectionExpression: 'n' },
      'Cannot specify the ProjectionExpression when choosing to get only the Count',
    ],
    [
      { Select: 'ALL_PROJECTED_ATTRIBUTES' },
      'ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName',
    ],
    [{ IndexName: 'none' }, 'The table does not have the specified index: none'],
  ])('refuse %j', (extra, message) => {
    expect(invalidity(() => query('pk = :p', p, extra))).toBe(message);
  });

  it('project what is asked for', () => {
    const answer = query('pk = :p', p, { ProjectionExpression: 'n', Limit: 1 });
    expect(answer.Items).toEqual([{ n: { N: '7' } }]);
    expect(answer.LastEvaluatedKey).toEqual(key('p', 'a'));
  });
});

describe('number sort keys', () => {
  it('are ordered by value, and a range gives what filtering gives', () => {
    const numbers = fc.uniqueArray(
      fc.integer({ min: -400, max: 400 }).map((eighths) => eighths / 8),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(numbers, fc.integer({ min: -60, max: 60 }), fc.nat(60), (all, low, width) => {
        const own = openBench();
        own.call('CreateTable', {
          TableName: 'ordered',
          AttributeDefinitions: [
            { AttributeName: 'pk', AttributeType: 'S' },
            { AttributeName: 'at', AttributeType: 'N' },
          ],
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'at', KeyType: 'RANGE' },
          ],
        });
        for (const number of all) {
          own.call('PutItem', { TableName: 'ordered', Item: { pk: { S: 'p' }, at: { N: String(number) } } });
        }
        const answer = own.call('Query', {
          TableName: 'ordered',
          KeyConditionExpression: 'pk = :p AND #at BETWEEN :l AND :h',
          ExpressionAttributeNames: { '#at': 'at' },
          ExpressionAttributeValues: {
            ':p': { S: 'p' },
            ':l': { N: String(low) },
            ':h': { N: String(low + width) },
          },
        });
        const expected = all.filter((n) => n >= low && n <= low + width).sort((one, other) => one - other);
        expect(answer.Items.map((item) => Number(item.at.N))).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });
});
