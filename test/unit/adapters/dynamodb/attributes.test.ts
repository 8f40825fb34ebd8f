import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  itemBytes,
  number,
  packedBytes,
  packText,
  requiredNumber,
  requiredText,
  text,
  unpackText,
} from '#adapters/dynamodb/attributes.ts';

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
