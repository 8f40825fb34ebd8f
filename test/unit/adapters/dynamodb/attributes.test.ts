import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  itemBytes,
  number,
  packedBytes,
  packItem,
  packText,
  requiredNumber,
  requiredText,
  text,
  unpackText,
} from '#adapters/dynamodb/attributes.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';

describe('text as it is stored', () => {
  it('comes back as it was, whatever was in it', () => {
    const texts = fc
      .tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.integer({ min: 1, max: 300 }))
      .map(([unit, times]) => unit.repeat(times));
    fc.assert(
      fc.property(texts, (value) => {
        expect(unpackText(packText(value))).toBe(value);
        expect(packedBytes(value)).toBeLessThanOrEqual(Buffer.byteLength(value));
      }),
    );
  });

  it('is compressed only when that saves a write unit', () => {
    expect(packText('a'.repeat(1_024))).toHaveProperty('S');
    expect(packText('a'.repeat(1_025))).toHaveProperty('B');
  });

  it('is nothing when it is absent', () => {
    expect(unpackText(undefined)).toBeUndefined();
    expect(unpackText({ N: '1' })).toBeUndefined();
  });
});

describe('a text that makes its item long', () => {
  const itemOf = (length: number, value = 'a'.repeat(length)) => ({
    n: { S: 'x'.repeat(100) },
    t: { S: value },
  });
  const noise = sha256Hex('1').concat(sha256Hex('2'), sha256Hex('3'));

  it('is deflated at the first byte that costs a write unit, and comes back', () => {
    const fits = itemOf(1_024 - 102);
    const costs = itemOf(1_025 - 102);

    expect(packItem(fits, 't')).toBe(fits);
    expect(packItem(costs, 't')).toMatchObject({ n: costs.n, t: { B: expect.any(Uint8Array) } });
    expect(unpackText(packItem(costs, 't')['t'])).toBe(costs.t.S);
  });

  it('stays as it is when that saves no unit, or when it is no text', () => {
    const stubborn = { n: { S: 'x'.repeat(1_000) }, t: { S: noise } };
    const packed = { n: { S: 'x'.repeat(1_100) }, t: { B: new Uint8Array(4) } };

    expect(packItem(stubborn, 't')).toBe(stubborn);
    expect(packItem(packed, 't')).toBe(packed);
  });
});

describe('reading items', () => {
  it('gives members of their type and names the one that is missing', () => {
    const item = { name: { S: 'one' }, count: { N: '2' } };

    expect([text(item, 'name'), number(item, 'count')]).toEqual(['one', 2]);
    expect([text(item, 'count'), number(item, 'name')]).toEqual([undefined, undefined]);
    expect(() => requiredText(item, 'count')).toThrow('item lacks the string attribute count');
    expect(() => requiredNumber(item, 'name')).toThrow('item lacks the number attribute name');
  });

  it('counts names and values in bytes', () => {
    expect(itemBytes({ ab: { S: 'é' }, c: { N: '12' }, d: { B: new Uint8Array(5) } })).toBe(
      2 + 2 + 1 + 2 + 1 + 5,
    );
  });
});
