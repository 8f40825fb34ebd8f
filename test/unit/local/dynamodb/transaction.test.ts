import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench, refusalOf } from './support.ts';
import type { Answer, Bench } from './support.ts';

let bench: Bench;

beforeEach(() => {
  bench = openBench();
  createTable(bench);
});

const write = (items: readonly Json[], extra: Json = {}): Answer =>
  bench.call('TransactWriteItems', { TransactItems: items, ...extra });
const put = (pk: string, extra: Json = {}, attributes: Json = {}): Json => ({
  Put: { TableName: 'things', Item: { ...key(pk), ...attributes }, ...extra },
});
const get = (pk: string) => bench.call('GetItem', { TableName: 'things', Key: key(pk) }).Item;
const isNew = { ConditionExpression: 'attribute_not_exists(pk)' };

describe('transactional writes', () => {
  it('put, update, delete and check together', () => {
    write([put('a'), put('b')]);
    const answer = write([
      put('c'),
      { Delete: { TableName: 'things', Key: key('a') } },
      {
        Update: {
          TableName: 'things',
          Key: key('b'),
          UpdateExpression: 'SET n = :n',
          ExpressionAttributeValues: { ':n': { N: '1' } },
        },
      },
      { ConditionCheck: { TableName: 'things', Key: key('d'), ...isNew } },
    ]);
    expect(answer).toEqual({});
    expect([get('a'), get('b'), get('c'), get('d')]).toEqual([
      undefined,
      { ...key('b'), n: { N: '1' } },
      key('c'),
      undefined,
    ]);
  });

  it('happen together or not at all, and say why, item by item', () => {
    write([put('a', {}, { old: { S: 'x' } })]);
    const refusal = refusalOf(() =>
      write([
        put('new'),
        put('a', { ...isNew, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
        {
          ConditionCheck: { TableName: 'things', Key: key('q'), ConditionExpression: 'attribute_exists(pk)' },
        },
        {
          Update: {
            TableName: 'things',
            Key: key('r'),
            UpdateExpression: 'SET n = n + :n',
            ExpressionAttributeValues: { ':n': { N: '1' } },
          },
        },
      ]),
    );
    expect(refusal).toEqual({
      code: 'TransactionCanceledException',
      message:
        'Transaction cancelled, please refer cancellation reasons for specific reasons ' +
        '[None, ConditionalCheckFailed, ConditionalCheckFailed, ValidationError]',
      details: {
        CancellationReasons: [
          { Code: 'None' },
          {
            Code: 'ConditionalCheckFailed',
            Message: 'The conditional request failed',
            Item: { ...key('a'), old: { S: 'x' } },
          },
          { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' },
          {
            Code: 'ValidationError',
            Message: 'The provided expression refers to an attribute that does not exist in the item',
          },
        ],
      },
    });
    expect(get('new')).toBeUndefined();
  });

  it('decide every item against the state before the transaction', () => {
    expect(() => write([put('a', isNew), put('b', isNew)])).not.toThrow();
    const codes = refusalOf(() => write([put('c', isNew), put('a', isNew)])).message;
    expect(codes).toContain('[None, ConditionalCheckFailed]');
  });

  it('are one journal entry, and one record per changed item', () => {
    bench.call('UpdateTable', {
      TableName: 'things',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
    });
    const before = bench.entries.length;
    write([put('a'), put('b'), { ConditionCheck: { TableName: 'things', Key: key('c'), ...isNew } }]);
    write([put('a')]);
    expect(bench.entries).toHaveLength(before + 1);
    const source = bench.dynamo.source('things');
    const count = source.shardIds().reduce((total, shardId) => total + source.latest(shardId), 0);
    expect(count).toBe(2);
  });

  it.each<readonly [string, () => readonly Json[], string]>([
    ['none', () => [], 'Member must have length greater than or equal to 1'],
    [
      '101 items',
      () => Array.from({ length: 101 }, (_, place) => put(`p${place}`)),
      'Member must have length less than or equal to 100',
    ],
    [
      'one item twice',
      () => [put('a'), { Delete: { TableName: 'things', Key: key('a') } }],
      'Transaction request cannot include multiple operations on one item',
    ],
    [
      'two actions in one',
      () => [{ ...put('a'), Delete: { TableName: 'things', Key: key('b') } }],
      'TransactItems can only contain one of Check, Put, Update or Delete',
    ],
    [
      'a check without a condition',
      () => [{ ConditionCheck: { TableName: 'things', Key: key('a') } }],
      "'conditionExpression'",
    ],
    ['a faulty expression', () => [put('a', { ConditionExpression: 'oops' })], 'Syntax error'],
  ])('refuse %s', (_name, items, message) => {
    expect(invalidity(() => write(items()))).toContain(message);
  });

  it('take 100 items', () => {
    write(Array.from({ length: 100 }, (_, place) => put(`p${place}`)));
    expect(bench.call('Scan', { TableName: 'things', Select: 'COUNT' }).Count).toBe(100);
  });

  it('take 4 MB and refuse more', () => {
    const large = (place: number): Json => put(`p${place}`, {}, { f: { S: 'x'.repeat(400_000) } });
    expect(() => write(Array.from({ length: 10 }, (_, place) => large(place)))).not.toThrow();
    expect(invalidity(() => write(Array.from({ length: 11 }, (_, place) => large(place))))).toContain('4 MB');
  });

  it('give a key that does not fit as a reason', () => {
    const refusal = refusalOf(() => write([{ Delete: { TableName: 'things', Key: { pk: { S: 'a' } } } }]));
    expect(refusal.details['CancellationReasons']).toEqual([
      { Code: 'ValidationError', Message: 'The provided key element does not match the schema' },
    ]);
  });

  it('refuse a table that does not exist', () => {
    const item = { Put: { TableName: 'nowhere', Item: key('a') } };
    expect(refusalOf(() => write([item])).code).toBe('ResourceNotFoundException');
  });
});

describe('client request tokens', () => {
  const token = { ClientRequestToken: 'token-1' };

  it('make a repeated transaction a success that does nothing, for ten minutes', () => {
    write([put('a', isNew)], token);
    bench.clock.jump(bench.clock.nowMs() + 599_999);
    expect(write([put('a', isNew)], token)).toEqual({});
    bench.clock.jump(bench.clock.nowMs() + 1);
    expect(refusalOf(() => write([put('a', isNew)], token)).code).toBe('TransactionCanceledException');
  });

  it('refuse another transaction under the same token', () => {
    write([put('a')], token);
    expect(refusalOf(() => write([put('b')], token)).code).toBe('IdempotentParameterMismatchException');
    expect(get('b')).toBeUndefined();
  });

  it('forget a transaction that was cancelled', () => {
    write([put('a')]);
    refusalOf(() => write([put('a', isNew)], token));
    bench.call('DeleteItem', { TableName: 'things', Key: key('a') });
    write([put('a', isNew)], token);
    expect(get('a')).toEqual(key('a'));
  });

  it('are at most 36 characters', () => {
    expect(() => write([put('a')], { ClientRequestToken: 'x'.repeat(36) })).not.toThrow();
    expect(invalidity(() => write([put('a')], { ClientRequestToken: 'x'.repeat(37) }))).toContain('36');
  });
});

describe('transactional reads', () => {
  const read = (pk: string, extra: Json = {}): Json => ({
    Get: { TableName: 'things', Key: key(pk), ...extra },
  });

  it('answer in order, with an empty response for what is not there', () => {
    write([put('a', {}, { n: { N: '1' } }), put('b')]);
    const answer = bench.call('TransactGetItems', {
      TransactItems: [read('b'), read('absent'), read('a', { ProjectionExpression: 'n' })],
    });
    expect(answer).toEqual({ Responses: [{ Item: key('b') }, {}, { Item: { n: { N: '1' } } }] });
  });

  it('refuse one item twice', () => {
    expect(invalidity(() => bench.call('TransactGetItems', { TransactItems: [read('a'), read('a')] }))).toBe(
      'Transaction request cannot include multiple operations on one item',
    );
  });
});
