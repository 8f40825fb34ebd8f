import { expect, it } from 'vitest';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { base32, hmacSha256, sha256Base32, sha256Hex } from '#domain/kernel/hash.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

it.each([
  ['', ''],
  ['f', 'my'],
  ['fo', 'mzxq'],
  ['foo', 'mzxw6'],
  ['foob', 'mzxw6yq'],
  ['fooba', 'mzxw6ytb'],
  ['foobar', 'mzxw6ytboi'],
])('writes %j in base32 as RFC 4648 does, in lower case and without padding', (text, expected) => {
  expect(base32(bytes(text))).toBe(expected);
});

it('hashes a text as its UTF-8 bytes', () => {
  expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(sha256Hex('€')).toBe(sha256Hex(bytes('€')));
  expect(sha256Base32('abc')).toHaveLength(26);
  expect(sha256Base32('abc', 52)).toHaveLength(52);
  expect(sha256Base32('abc', 12)).toBe(sha256Base32('abc').slice(0, 12));
});

it('signs a text with a secret', () => {
  const signature = Buffer.from(hmacSha256('key', 'The quick brown fox jumps over the lazy dog'));

  expect(signature.toString('hex')).toBe('f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8');
});

it('sorts keys at every depth and writes no blanks', () => {
  expect(canonicalJson({ b: [1, { d: null, c: 'é' }], a: true })).toBe(
    '{"a":true,"b":[1,{"c":"é","d":null}]}',
  );
});

it('leaves out members that are undefined and writes null for an undefined value', () => {
  expect(canonicalJson({ a: undefined, b: [undefined] })).toBe('{"b":[null]}');
  expect(canonicalJson(undefined)).toBe('null');
});

it('refuses numbers that JSON cannot hold', () => {
  expect(() => canonicalJson({ a: Number.NaN })).toThrow('cannot serialize NaN');
});
