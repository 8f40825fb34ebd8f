import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseItem, parseValue } from '#local/dynamodb/parse-value.ts';
import { itemSize, valueSize } from '#local/dynamodb/size.ts';
import { compareText, compareValues, equalValues } from '#local/dynamodb/value.ts';
import { invalidity, refusalOf } from './support.ts';

describe('parsing values', () => {
  it('returns a canonical item as it came', () => {
    const item = {
      a: { S: 'x' },
      n: { N: '1' },
      l: { L: [{ M: { b: { BOOL: true } } }] },
      s: { SS: ['p', 'q'] },
    };
    expect(parseItem(item)).toBe(item);
  });

  it('spells numbers and binaries in one way wherever they stand', () => {
    expect(parseValue({ L: [{ N: '1.0' }, { NS: ['2e1', '3'] }, { M: { b: { B: 'YR==' } } }] })).toEqual({
      L: [{ N: '1' }, { NS: ['20', '3'] }, { M: { b: { B: 'YQ==' } } }],
    });
  });

  it('keeps an attribute named like a member of every object', () => {
    const item: unknown = JSON.parse('{"__proto__":{"N":"1.0"},"constructor":{"S":"x"}}');
    expect(JSON.stringify(parseItem(item))).toBe('{"__proto__":{"N":"1"},"constructor":{"S":"x"}}');
  });

  it.each([
    [{}, 'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes'],
    [{ a: '' }, 'Supplied AttributeValue is empty, must contain exactly one of the supported datatypes'],
    [
      { S: 'a', N: '1' },
      'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
    ],
    [
      { NULL: false },
      'One or more parameter values were invalid: Null attribute value types must have the value of true',
    ],
    [{ SS: [] }, 'One or more parameter values were invalid: An string set  may not be empty'],
    [{ NS: [] }, 'One or more parameter values were invalid: An number set  may not be empty'],
    [{ BS: [] }, 'One or more parameter values were invalid: Binary sets should not be empty'],
    [
      { SS: ['a', 'a'] },
      'One or more parameter values were invalid: Input collection [a, a] contains duplicates.',
    ],
    [{ NS: ['1', '1.0'] }, 'Input collection contains duplicates'],
    [
      { SS: [''] },
      'One or more parameter values were invalid: An string set may not have a empty string as a member',
    ],
    [
      { BS: [''] },
      'One or more parameter values were invalid: Binary sets may not contain null or empty values',
    ],
  ])('refuses %j', (given, message) => {
    expect(invalidity(() => parseValue(given))).toBe(message);
  });

  it.each([
    [{ S: 1 }],
    [{ N: 1 }],
    [{ BOOL: 'true' }],
    [{ B: '?' }],
    [{ SS: 'a' }],
    [{ L: {} }],
    [{ M: [] }],
    ['a'],
  ])('cannot deserialise %j', (given) => {
    expect(refusalOf(() => parseValue(given)).code).toBe('SerializationException');
  });

  it('takes 32 levels and refuses 33', () => {
    const nested = (depth: number): unknown => (depth === 0 ? { S: 'x' } : { L: [nested(depth - 1)] });
    expect(() => parseValue(nested(32))).not.toThrow();
    expect(invalidity(() => parseValue(nested(33)))).toBe('Nesting Levels have exceeded supported limits');
  });
});

describe('comparing values', () => {
  it('orders strings by their UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (left, right) => {
        expect(Math.sign(compareText(left, right))).toBe(
          Math.sign(Buffer.compare(Buffer.from(left), Buffer.from(right))),
        );
      }),
    );
    expect(compareText('\u{1F600}', '\uFF5E')).toBeGreaterThan(0);
  });

  it('orders binaries by their bytes, not by their base64', () => {
    const binary = (...bytes: number[]) => ({ B: Buffer.from(bytes).toString('base64') });
    expect(compareValues(binary(0xff), binary(0x01, 0x02))).toBeGreaterThan(0);
    expect(compareValues(binary(1), binary(1, 0))).toBeLessThan(0);
  });

  it('does not order values of different types', () => {
    expect(compareValues({ S: '1' }, { N: '1' })).toBeNaN();
    expect(compareValues({ BOOL: true }, { BOOL: true })).toBeNaN();
  });

  it('finds sets equal in any order and lists only in the same', () => {
    expect(equalValues({ SS: ['a', 'b'] }, { SS: ['b', 'a'] })).toBe(true);
    expect(equalValues({ SS: ['1'] }, { NS: ['1'] })).toBe(false);
    expect(equalValues({ L: [{ S: 'a' }, { S: 'b' }] }, { L: [{ S: 'b' }, { S: 'a' }] })).toBe(false);
    expect(equalValues({ M: { a: { NULL: true } } }, { M: { a: { NULL: true } } })).toBe(true);
    expect(equalValues({ M: { a: { NULL: true } } }, { M: { b: { NULL: true } } })).toBe(false);
  });
});

describe('sizes', () => {
  it.each([
    [{ S: 'aé' }, 3],
    [{ N: '12345' }, 4],
    [{ N: '0' }, 1],
    [{ B: 'AAAA' }, 3],
    [{ BOOL: true }, 1],
    [{ NULL: true as const }, 1],
    [{ SS: ['a', 'bc'] }, 3],
    [{ NS: ['12', '3'] }, 4],
    [{ BS: ['AA==', 'AAA='] }, 3],
    [{ L: [] }, 3],
    [{ L: [{ S: 'a' }] }, 5],
    [{ M: { ab: { S: 'c' } } }, 7],
  ])('counts %j as %i bytes', (value, bytes) => {
    expect(valueSize(value)).toBe(bytes);
  });

  it('counts the names of an item', () => {
    expect(itemSize({ pk: { S: 'abc' }, n: { N: '1' } })).toBe(2 + 3 + 1 + 2);
  });
});
