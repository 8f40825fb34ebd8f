import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench, refusalOf } from './support.ts';
import type { Answer, Bench } from './support.ts';

let bench: Bench;

const stored = {
  ...key('p'),
  n: { N: '10' },
  s: { S: 'text' },
  l: { L: [{ N: '0' }, { N: '1' }, { N: '2' }] },
  m: { M: { a: { N: '1' }, deep: { M: { x: { S: 'y' } } } } },
  ss: { SS: ['a', 'b'] },
  ns: { NS: ['1', '2'] },
  bs: { BS: ['AQ==', 'Ag=='] },
};

beforeEach(() => {
  bench = openBench();
  createTable(bench);
  bench.call('PutItem', { TableName: 'things', Item: stored });
});

const update = (expression: string, values: Json = {}, extra: Json = {}): Answer =>
  bench.call('UpdateItem', {
    TableName: 'things',
    Key: key('p'),
    UpdateExpression: expression,
    ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: values } : {}),
    ...extra,
  });

const after = (expression: string, values: Json = {}): Json =>
  update(expression, values, { ReturnValues: 'ALL_NEW' }).Attributes;

describe('what an update makes of an item', () => {
  it.each([
    ['SET a = :v', { ':v': { S: 'x' } }, { a: { S: 'x' } }],
    ['SET a = n', {}, { a: { N: '10' } }],
    ['SET a = m.deep.x, b = l[1]', {}, { a: { S: 'y' }, b: { N: '1' } }],
    ['SET n = n + :v', { ':v': { N: '0.5' } }, { n: { N: '10.5' } }],
    ['SET n = :v - n', { ':v': { N: '1' } }, { n: { N: '-9' } }],
    ['SET n = n + n', {}, { n: { N: '20' } }],
    [
      'SET n = n + :v',
      { ':v': { N: '9999999999999999999999999999999999999' } },
      { n: { N: '10000000000000000000000000000000000009' } },
    ],
    ['SET n = if_not_exists(n, :v)', { ':v': { N: '0' } }, { n: { N: '10' } }],
    ['SET c = if_not_exists(c, :v) + :v', { ':v': { N: '1' } }, { c: { N: '2' } }],
    ['SET c = if_not_exists(c, n)', {}, { c: { N: '10' } }],
    ['SET a = (n + :v)', { ':v': { N: '1' } }, { a: { N: '11' } }],
    ['SET l = list_append(l, :v)', { ':v': { L: [{ S: 'z' }] } }, { l: { L: [...stored.l.L, { S: 'z' }] } }],
    ['SET l = list_append(:v, l)', { ':v': { L: [{ S: 'z' }] } }, { l: { L: [{ S: 'z' }, ...stored.l.L] } }],
    [
      'SET q = list_append(if_not_exists(q, :e), :v)',
      { ':e': { L: [] }, ':v': { L: [{ S: 'z' }] } },
      { q: { L: [{ S: 'z' }] } },
    ],
    ['SET l[1] = :v', { ':v': { S: 'z' } }, { l: { L: [{ N: '0' }, { S: 'z' }, { N: '2' }] } }],
    [
      'SET l[9] = :v, l[7] = :w',
      { ':v': { S: '9' }, ':w': { S: '7' } },
      { l: { L: [...stored.l.L, { S: '7' }, { S: '9' }] } },
    ],
    [
      'SET m.a = :v, m.deep.z = :v',
      { ':v': { N: '2' } },
      { m: { M: { a: { N: '2' }, deep: { M: { x: { S: 'y' }, z: { N: '2' } } } } } },
    ],
    ['SET n = s, s = n', {}, { n: { S: 'text' }, s: { N: '10' } }],
    ['REMOVE n', {}, { n: undefined }],
    ['REMOVE absent', {}, {}],
    ['REMOVE l[0], l[2]', {}, { l: { L: [{ N: '1' }] } }],
    ['REMOVE l[7]', {}, {}],
    ['REMOVE m.deep.x', {}, { m: { M: { a: { N: '1' }, deep: { M: {} } } } }],
    ['SET l[0] = :v REMOVE l[1]', { ':v': { S: 'z' } }, { l: { L: [{ S: 'z' }, { N: '2' }] } }],
    ['ADD n :v', { ':v': { N: '-11' } }, { n: { N: '-1' } }],
    ['ADD c :v', { ':v': { N: '5' } }, { c: { N: '5' } }],
    ['ADD ss :v', { ':v': { SS: ['b', 'c'] } }, { ss: { SS: ['a', 'b', 'c'] } }],
    ['ADD ns :v', { ':v': { NS: ['2.0', '3'] } }, { ns: { NS: ['1', '2', '3'] } }],
    ['ADD m.a :v', { ':v': { N: '1' } }, { m: { M: { a: { N: '2' }, deep: stored.m.M.deep } } }],
    ['ADD t :v', { ':v': { SS: ['x'] } }, { t: { SS: ['x'] } }],
    ['DELETE ss :v', { ':v': { SS: ['b', 'c'] } }, { ss: { SS: ['a'] } }],
    ['DELETE ss :v', { ':v': { SS: ['a', 'b'] } }, { ss: undefined }],
    ['DELETE bs :v', { ':v': { BS: ['AQ=='] } }, { bs: { BS: ['Ag=='] } }],
    ['DELETE absent :v', { ':v': { SS: ['a'] } }, {}],
    [
      'set a = :v remove n add c :v delete ss :w',
      { ':v': { N: '1' }, ':w': { SS: ['a'] } },
      { a: { N: '1' }, n: undefined, c: { N: '1' }, ss: { SS: ['b'] } },
    ],
  ])('%s with %j', (expression, values, changed) => {
    const expected = Object.fromEntries(
      Object.entries({ ...stored, ...changed }).filter(([, value]) => value !== undefined),
    );
    expect(after(expression, values as Json)).toEqual(expected);
  });

  it('leaves other items that share its values alone', () => {
    bench.call('PutItem', { TableName: 'things', Item: { ...stored, ...key('q') } });
    update('SET m.a = :v, l[0] = :v', { ':v': { S: 'changed' } });
    const other = bench.call('GetItem', { TableName: 'things', Key: key('q') }).Item;
    expect(other).toEqual({ ...stored, ...key('q') });
  });

  it('creates the item when there is none', () => {
    const request = (pk: string, extra: Json): Answer =>
      bench.call('UpdateItem', { TableName: 'things', Key: key(pk), ReturnValues: 'ALL_NEW', ...extra });
    expect(request('new', {}).Attributes).toEqual(key('new'));
    expect(
      request('other', {
        UpdateExpression: 'ADD n :v',
        ExpressionAttributeValues: { ':v': { N: '1' } },
      }).Attributes,
    ).toEqual({ ...key('other'), n: { N: '1' } });
  });
});

describe('what an update returns', () => {
  const values = { ':v': { N: '2' } };
  const expression = 'SET m.a = :v, fresh = :v REMOVE s';

  it.each([
    ['NONE', undefined],
    ['ALL_OLD', stored],
    ['UPDATED_OLD', { m: { M: { a: { N: '1' } } }, s: { S: 'text' } }],
    ['UPDATED_NEW', { m: { M: { a: { N: '2' } } }, fresh: { N: '2' } }],
  ])('%s', (wanted, attributes) => {
    const answer = update(expression, values, { ReturnValues: wanted });
    expect(answer).toEqual(attributes === undefined ? {} : { Attributes: attributes });
  });

  it('is nothing when there was nothing', () => {
    const request = { TableName: 'things', Key: key('new'), UpdateExpression: 'REMOVE a' };
    expect(bench.call('UpdateItem', { ...request, ReturnValues: 'ALL_OLD' })).toEqual({});
    expect(bench.call('UpdateItem', { ...request, ReturnValues: 'UPDATED_NEW' })).toEqual({});
    expect(bench.call('UpdateItem', { ...request, ReturnValues: 'UPDATED_OLD' })).toEqual({});
  });
});

describe('updates that are refused for the item they meet', () => {
  const invalidPath = 'The document path provided in the update expression is invalid for update';
  const wrongType = 'An operand in the update expression has an incorrect data type';
  const absent = 'The provided expression refers to an attribute that does not exist in the item';

  it.each([
    ['SET a = absent', {}, absent],
    ['SET a = absent + :v', { ':v': { N: '1' } }, absent],
    ['SET s = s + :v', { ':v': { N: '1' } }, wrongType],
    ['SET n = list_append(n, :v)', { ':v': { L: [] } }, wrongType],
    ['SET absent.a = :v', { ':v': { N: '1' } }, invalidPath],
    ['SET m.q.a = :v', { ':v': { N: '1' } }, invalidPath],
    ['SET l.a = :v', { ':v': { N: '1' } }, invalidPath],
    ['SET m[0] = :v', { ':v': { N: '1' } }, invalidPath],
    ['SET l[9].a = :v', { ':v': { N: '1' } }, invalidPath],
    ['REMOVE absent.a', {}, invalidPath],
    ['ADD s :v', { ':v': { N: '1' } }, wrongType],
    ['ADD ss :v', { ':v': { NS: ['1'] } }, wrongType],
    ['DELETE ss :v', { ':v': { NS: ['1'] } }, wrongType],
    ['DELETE n :v', { ':v': { NS: ['1'] } }, wrongType],
    [
      'SET pk = :v',
      { ':v': { S: 'q' } },
      'One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key',
    ],
    [
      'REMOVE sk',
      {},
      'One or more parameter values were invalid: Cannot update attribute sk. This attribute is part of the key',
    ],
  ])('%s', (expression, values, message) => {
    expect(invalidity(() => update(expression, values as Json))).toBe(message);
  });
});

describe('updates that are refused for themselves', () => {
  const overlap = 'Two document paths overlap with each other; must remove or rewrite one of these paths; ';
  const conflict = 'Two document paths conflict with each other; must remove or rewrite one of these paths; ';
  const v = { ':v': { S: 'x' } };

  it.each<readonly [string, Json, string]>([
    ['', {}, 'The expression can not be empty;'],
    ['whatever', {}, 'Syntax error; token: "whatever", near: "whatever"'],
    ['SET a', {}, 'Syntax error; token: "<EOF>", near: "a"'],
    ['SET :a = n', {}, 'Syntax error; token: ":a", near: "SET :a ="'],
    ['REMOVE a = n', {}, 'Syntax error; token: "=", near: "a = n"'],
    ['ADD a n', {}, 'Syntax error; token: "n", near: "a n"'],
    ['SET a = n + n + n', {}, 'Syntax error; token: "+", near: "n + n"'],
    ['SET a = n * n', {}, 'Syntax error; token: "*", near: "* n"'],
    ['SET a = 1', {}, 'Syntax error; token: "1", near: "= 1"'],
    ['SET status = :v', v, 'Attribute name is a reserved keyword; reserved keyword: status'],
    ['SET a = :v SET b = :v', v, 'The "SET" section can only be used once in an update expression;'],
    [
      'REMOVE a SET b = :v REMOVE c',
      v,
      'The "REMOVE" section can only be used once in an update expression;',
    ],
    ['SET a = unknown(b)', {}, 'Invalid function name; function: unknown'],
    ['SET a = size(b)', {}, 'The function is not allowed in an update expression; function: size'],
    [
      'SET a = if_not_exists(c)',
      {},
      'Incorrect number of operands for operator or function; operator or function: if_not_exists, ' +
        'number of operands: 1',
    ],
    [
      'SET a = if_not_exists(:v, c)',
      v,
      'Operator or function requires a document path; operator or function: if_not_exists',
    ],
    ['SET a = :v, a = :v', v, `${overlap}path one: [a], path two: [a]`],
    ['SET a.b = :v REMOVE a', v, `${overlap}path one: [a, b], path two: [a]`],
    ['SET a[1].b = :v, a[1] = :v', v, `${overlap}path one: [a, [1], b], path two: [a, [1]]`],
    ['SET a[1] = :v REMOVE a.c', v, `${conflict}path one: [a, [1]], path two: [a, c]`],
    [
      'SET a = n + :v',
      v,
      'Incorrect operand type for operator or function; operator or function: +, operand type: S',
    ],
    [
      'SET a = :v - n',
      v,
      'Incorrect operand type for operator or function; operator or function: -, operand type: S',
    ],
    [
      'SET a = list_append(l, :v)',
      v,
      'Incorrect operand type for operator or function; operator or function: list_append, operand type: S',
    ],
    ['ADD a :v', v, 'Incorrect operand type for operator or function; operator: ADD, operand type: STRING'],
    [
      'ADD a :v',
      { ':v': { L: [] } },
      'Incorrect operand type for operator or function; operator: ADD, operand type: LIST',
    ],
    [
      'DELETE a :v',
      { ':v': { N: '1' } },
      'Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER',
    ],
    ['SET a = :w', v, 'An expression attribute value used in expression is not defined; attribute value: :w'],
    [
      'SET #a = :v',
      v,
      'An expression attribute name used in the document path is not defined; attribute name: #a',
    ],
  ])('%s', (expression, values, message) => {
    expect(invalidity(() => update(expression, values))).toBe(`Invalid UpdateExpression: ${message}`);
  });

  it('lets neighbours under one parent through', () => {
    expect(() => update('SET m.a = :v, m.b = :v REMOVE l[0], l[1]', v)).not.toThrow();
  });
});

it('checks the condition before it looks at the update', () => {
  const refusal = refusalOf(() =>
    update('SET a = absent', {}, { ConditionExpression: 'attribute_not_exists(pk)' }),
  );
  expect(refusal.code).toBe('ConditionalCheckFailedException');
});

it('refuses a number that outgrows 38 digits', () => {
  const nines = '9'.repeat(38);
  update('SET n = :v', { ':v': { N: nines } });
  expect(invalidity(() => update('SET n = n + :v', { ':v': { N: '0.1' } }))).toBe(
    'Attempting to store more than 38 significant digits in a Number',
  );
});
