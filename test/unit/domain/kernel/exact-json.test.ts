import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { exactJson } from '#domain/kernel/exact-json.ts';

describe('exact JSON', () => {
  it.each([
    ['an integer beyond 2^53', '9007199254740993', 9_007_199_254_740_993n],
    ['a negative one', '-9007199254740993', -9_007_199_254_740_993n],
    ['one with a fraction of zeros', '9007199254740993.00', 9_007_199_254_740_993n],
    ['one with an exponent', '9.007199254740993E15', 9_007_199_254_740_993n],
    ['one whose exponent takes zeros away', '90071992547409930e-1', 9_007_199_254_740_993n],
    ['one of which a number writes other digits', '12345678901234567890', 12_345_678_901_234_567_890n],
  ])('keeps the digits of %s', (_name, text, value) => {
    expect(exactJson(text)).toBe(value);
    expect(exactJson(`{"a":[1, ${text}]}`)).toEqual({ a: [1, value] });
    expect(canonicalJson(exactJson(`{"a":${text}}`))).toBe(`{"a":${value}}`);
  });

  it.each([
    '9007199254740991',
    '9007199254740992',
    '1e21',
    '1000000000000000000000',
    '0.12345678901234567',
    '1e-400',
  ])('takes %s for the number it is', (text) => {
    expect(exactJson(`[${text}]`)).toEqual([Number(text)]);
  });

  it.each(['1e999', '-1e999', '9007199254740993.5'])('refuses %s, which no number is', (text) => {
    expect(() => exactJson(`{"a":{"b":${text}}}`)).toThrow(RangeError);
  });

  it.each(['', '{', '09007199254740993', '{"a":9007199254740993,}', 'NaN', '+9007199254740993'])(
    'refuses %j, which is no JSON',
    (text) => {
      expect(() => exactJson(text)).toThrow(SyntaxError);
    },
  );

  it('leaves texts and names as they are, also those that look like numbers', () => {
    const text = String.raw`{"__proto__":{"n1":"n9007199254740993"},"":"s","a\"b":": 9007199254740993","c":9007199254740993}`;

    expect(canonicalJson(exactJson(text))).toBe(
      String.raw`{"":"s","__proto__":{"n1":"n9007199254740993"},"a\"b":": 9007199254740993","c":9007199254740993}`,
    );
  });

  it('is what JSON.parse makes of whatever JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify({ value, beyond: 1e300 });
        expect(exactJson(text)).toEqual(JSON.parse(text));
      }),
    );
  });

  it('tells every integer from the next one, and is the integer itself where it is a bigint', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), (value) => {
        const [read, next] = [exactJson(String(value)), exactJson(String(value + 1n))];
        expect(read).toBe(typeof read === 'bigint' ? value : Number(value));
        expect(canonicalJson(read)).not.toBe(canonicalJson(next));
      }),
    );
  });
});
