import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;

beforeEach(() => {
  bench = openBench();
  createTable(bench);
});

describe('names and values of a request', () => {
  const remove = (extra: Json): void => {
    bench.call('DeleteItem', { TableName: 'things', Key: key('p'), ...extra });
  };

  it.each([
    [
      { ExpressionAttributeNames: { '#a': 'a' } },
      'ExpressionAttributeNames can only be specified when using expressions',
    ],
    [
      { ExpressionAttributeValues: { ':a': { S: 'a' } } },
      'ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null',
    ],
    [
      { ConditionExpression: 'attribute_exists(pk)', ExpressionAttributeNames: {} },
      'ExpressionAttributeNames must not be empty',
    ],
    [
      { ConditionExpression: 'attribute_exists(pk)', ExpressionAttributeValues: {} },
      'ExpressionAttributeValues must not be empty',
    ],
    [
      { ConditionExpression: 'attribute_exists(pk)', ExpressionAttributeNames: { a: 'a' } },
      'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"',
    ],
    [
      { ConditionExpression: 'attribute_exists(pk)', ExpressionAttributeValues: { 'b:': { S: 'a' } } },
      'ExpressionAttributeValues contains invalid key: Syntax error; key: "b:"',
    ],
    [
      { ConditionExpression: 'pk = :a', ExpressionAttributeValues: { ':a': { SS: [] } } },
      'ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: ' +
        'An string set  may not be empty for key :a',
    ],
    [
      {
        ConditionExpression: 'attribute_exists(#a)',
        ExpressionAttributeNames: { '#a': 'a', '#b': 'b', '#c': 'c' },
      },
      'Value provided in ExpressionAttributeNames unused in expressions: keys: {#b, #c}',
    ],
    [
      {
        ConditionExpression: 'pk = :a',
        ExpressionAttributeValues: { ':a': { S: 'a' }, ':b': { S: 'a' } },
      },
      'Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}',
    ],
  ])('refuses %j', (extra, message) => {
    expect(invalidity(() => remove(extra))).toBe(message);
  });
});
