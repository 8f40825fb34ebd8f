import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench, refusalOf } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;

const item = {
  ...key('p'),
  word: { S: 'hello' },
  num: { N: '10' },
  bin: { B: 'AQID' },
  yes: { BOOL: true },
  nothing: { NULL: true },
  strs: { SS: ['a', 'b'] },
  nums: { NS: ['1', '2'] },
  bins: { BS: ['AQ=='] },
  elements: { L: [{ S: 'x' }, { M: { deep: { N: '7' } } }] },
  tree: { M: { in: { S: 'side' }, 'dotted.name': { N: '1' } } },
  same: { S: 'hello' },
};

beforeEach(() => {
  bench = openBench();
  createTable(bench);
  bench.call('PutItem', { TableName: 'things', Item: item });
});

const values: Json = {
  ':s': { S: 'hello' },
  ':n': { N: '10.0' },
  ':five': { N: '5' },
  ':twenty': { N: '20' },
  ':b': { B: 'AQ==' },
  ':t': { BOOL: true },
  ':null': { NULL: true },
  ':a': { S: 'a' },
  ':one': { N: '1' },
  ':x': { S: 'x' },
  ':he': { S: 'he' },
  ':ll': { S: 'll' },
  ':S': { S: 'S' },
  ':N': { S: 'N' },
  ':set': { SS: ['b', 'a'] },
  ':z': { S: 'z' },
};
const names: Json = { '#in': 'in', '#dot': 'dotted.name', '#m': 'tree' };

const check = (expression: string, given: Json = values): void => {
  const used = (all: Json): Json =>
    Object.fromEntries(
      Object.entries(all).filter(([name]) => new RegExp(`${name}(?![A-Za-z0-9_])`).test(expression)),
    );
  const [usedNames, usedValues] = [used(names), used(given)];
  bench.call('DeleteItem', {
    TableName: 'things',
    Key: key('p'),
    ConditionExpression: expression,
    ...(Object.keys(usedNames).length > 0 ? { ExpressionAttributeNames: usedNames } : {}),
    ...(Object.keys(usedValues).length > 0 ? { ExpressionAttributeValues: usedValues } : {}),
  });
};

describe('conditions that hold', () => {
  it.each(
    [
      'word = :s',
      'word <> :a',
      'num = :n',
      'num <> :s',
      'absent <> :s',
      'num > :five',
      'num >= :n',
      'num < :twenty',
      'num <= :n',
      'bin > :b',
      'yes = :t',
      'nothing = :null',
      'strs = :set',
      'word = same',
      'num BETWEEN :five AND :twenty',
      'num between :n and :n',
      'word IN (:a, :s)',
      'num IN (:five, :n, :s)',
      'attribute_exists(word)',
      'attribute_exists(tree.#in)',
      'attribute_exists(#m.#dot)',
      'attribute_exists(elements[1].deep)',
      'attribute_not_exists(absent)',
      'attribute_not_exists(elements[2])',
      'attribute_not_exists(tree.#in.deeper)',
      'attribute_type(word, :S)',
      'attribute_type(num, :N)',
      'begins_with(word, :he)',
      'begins_with(bin, :b)',
      'contains(word, :ll)',
      'contains(strs, :a)',
      'contains(nums, :one)',
      'contains(bins, :b)',
      'contains(elements, :x)',
      'contains(bin, :b)',
      'size(word) = :five',
      'size(elements) < :five',
      'size(bin) >= :one',
      'size(strs) BETWEEN :one AND :five',
      ':five < size(word) or size(word) = :five',
      'NOT word = :a',
      'NOT (word = :a OR num = :five)',
      'word = :a OR word = :s',
      'word = :a OR word = :s AND num = :n',
      '(word = :a OR word = :s) AND (num = :n)',
      'NOT NOT word = :s',
      '(word) = (:s)',
      ' word\n=\t:s ',
      ':s = word',
      'elements[1].deep > :five',
    ].filter((expression) => !expression.includes('constructor')),
  )('%s', (expression) => {
    expect(() => check(expression)).not.toThrow();
  });
});

describe('conditions that fail', () => {
  it.each([
    'word = :a',
    'word = :n',
    'absent = :s',
    'word < :five',
    'absent < :five',
    'absent > :five',
    'yes = :null',
    'num BETWEEN :twenty AND :twenty',
    'absent BETWEEN :five AND :twenty',
    'word IN (:a, :z)',
    'attribute_exists(absent)',
    'attribute_not_exists(word)',
    'attribute_type(absent, :S)',
    'attribute_type(num, :S)',
    'begins_with(num, :he)',
    'begins_with(absent, :he)',
    'contains(word, :z)',
    'contains(nums, :a)',
    'contains(absent, :a)',
    'contains(num, :one)',
    'size(num) = :one',
    'size(absent) = :one',
    'word = :s AND num = :five',
    'NOT attribute_exists(word)',
    'elements[9] = :x',
  ])('%s', (expression) => {
    expect(refusalOf(() => check(expression)).code).toBe('ConditionalCheckFailedException');
  });
});

describe('attributes named like members of every object', () => {
  it('are absent until they are stored', () => {
    const request = {
      TableName: 'things',
      Item: { ...key('q'), constructor: { S: 'x' } },
      ConditionExpression: 'attribute_not_exists(#c) AND attribute_not_exists(toString)',
      ExpressionAttributeNames: { '#c': 'constructor' },
    };
    bench.call('PutItem', request);
    expect(refusalOf(() => bench.call('PutItem', request)).code).toBe('ConditionalCheckFailedException');
  });
});

describe('conditions that are refused', () => {
  const cases: readonly (readonly [expression: string, message: string])[] = [
    ['', 'The expression can not be empty;'],
    ['  ', 'The expression can not be empty;'],
    ['word =', 'Syntax error; token: "<EOF>", near: "="'],
    ['word = :s :s', 'Syntax error; token: ":s", near: ":s :s"'],
    ['word', 'Syntax error; token: "<EOF>", near: "word"'],
    ['word = :s AND', 'Syntax error; token: "<EOF>", near: "AND"'],
    ['(word = :s', 'Syntax error; token: "<EOF>", near: ":s"'],
    ['word = 5', 'Syntax error; token: "5", near: "= 5"'],
    ['word ! :s', 'Syntax error; token: "!", near: "! :s"'],
    ['num BETWEEN :five', 'Syntax error; token: "<EOF>", near: ":five"'],
    ['word = :s = :s', 'Syntax error; token: "=", near: ":s = :s"'],
    ['((word = :s))', 'The expression has redundant parentheses;'],
    ['((word)) = :s', 'The expression has redundant parentheses;'],
    ['status = :s', 'Attribute name is a reserved keyword; reserved keyword: status'],
    ['map.in = :s', 'Attribute name is a reserved keyword; reserved keyword: map'],
    ['Sequence = :s', 'Attribute name is a reserved keyword; reserved keyword: Sequence'],
    ['unknown(word)', 'Invalid function name; function: unknown'],
    ['Attribute_exists(word)', 'Invalid function name; function: Attribute_exists'],
    [
      'if_not_exists(word, :s) = :s',
      'The function is not allowed in a condition expression; function: if_not_exists',
    ],
    ['size(word)', 'The function is not allowed to be used this way in an expression; function: size'],
    [
      'attribute_exists(word) = :t',
      'The function is not allowed to be used this way in an expression; function: attribute_exists',
    ],
    [
      'contains(begins_with(word, :s), :s)',
      'The function is not allowed to be used this way in an expression; function: begins_with',
    ],
    [
      'attribute_exists(word, num)',
      'Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2',
    ],
    [
      'begins_with(word)',
      'Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1',
    ],
    [
      'attribute_exists(:s)',
      'Operator or function requires a document path; operator or function: attribute_exists',
    ],
    [
      '#nope = :s',
      'An expression attribute name used in the document path is not defined; attribute name: #nope',
    ],
    [
      'word = :nope',
      'An expression attribute value used in expression is not defined; attribute value: :nope',
    ],
    [
      'num < :t',
      'Incorrect operand type for operator or function; operator or function: <, operand type: BOOL',
    ],
    [
      'num >= :set',
      'Incorrect operand type for operator or function; operator or function: >=, operand type: SS',
    ],
    [
      'num BETWEEN :null AND :n',
      'Incorrect operand type for operator or function; operator or function: BETWEEN, operand type: NULL',
    ],
    [
      'begins_with(word, :n)',
      'Incorrect operand type for operator or function; operator or function: begins_with, operand type: N',
    ],
    [
      'size(:n) = :n',
      'Incorrect operand type for operator or function; operator or function: size, operand type: N',
    ],
    [
      'attribute_type(word, :n)',
      'Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N',
    ],
    [
      'attribute_type(word, :a)',
      'Invalid attribute type name found; type: a, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}',
    ],
    [
      'num BETWEEN :twenty AND :five',
      'The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ' +
        'lower bound operand: AttributeValue: {N:20}, upper bound operand: AttributeValue: {N:5}',
    ],
    [
      'num BETWEEN :five AND :a',
      'The BETWEEN operator requires same data type for lower and upper bounds; ' +
        'lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {S:a}',
    ],
    [
      'word = word',
      'The first operand must be distinct from the remaining operands for this operator or function; ' +
        'operator: =, first operand: [word]',
    ],
    [
      'contains(elements[1].deep, elements[1].deep)',
      'The first operand must be distinct from the remaining operands for this operator or function; ' +
        'operator: contains, first operand: [elements, [1], deep]',
    ],
  ];

  it.each(cases)('%s', (expression, message) => {
    expect(invalidity(() => check(expression))).toBe(`Invalid ConditionExpression: ${message}`);
  });

  it('takes 100 candidates of IN and refuses 101', () => {
    const candidates = (count: number): string =>
      `num IN (${Array.from({ length: count }, () => ':n').join(', ')})`;
    expect(() => check(candidates(100))).not.toThrow();
    expect(invalidity(() => check(candidates(101)))).toContain('too many operands');
  });
});
