import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  differingMembers,
  digestText,
  emptyDigest,
  operationalOf,
  rowHash,
  withoutRow,
  withRow,
} from '#domain/kernel/digest.ts';
import type { Projection, Row } from '#domain/kernel/projection.ts';

const none: ReadonlySet<string> = new Set();
const row = (over: Partial<Row> = {}): Row => ({ pk: 'a#1', sk: 's', version: 3, data: { x: 1 }, ...over });

const rows = fc.array(
  fc.record({
    pk: fc.string(),
    sk: fc.string(),
    version: fc.nat(),
    data: fc.dictionary(
      fc.string(),
      fc.jsonValue().filter((value) => !Object.is(value, -0)),
    ),
  }),
  { maxLength: 20 },
);
const hashes = (all: readonly Row[]): readonly string[] => all.map((one) => rowHash(one, none));
const digestOf = (all: readonly string[]): string => digestText(all.reduce(withRow, emptyDigest));

describe('the digest of rows', () => {
  it('does not depend on the order they are read in', () => {
    fc.assert(
      fc.property(rows, (all) => {
        expect(digestOf(hashes(all).toReversed())).toBe(digestOf(hashes(all)));
      }),
    );
  });

  it('takes back a row that was added', () => {
    fc.assert(
      fc.property(rows, fc.nat(), (all, version) => {
        const hash = rowHash(row({ version }), none);
        const before = hashes(all).reduce(withRow, emptyDigest);
        expect(withoutRow(withRow(before, hash), hash)).toEqual(before);
      }),
    );
  });

  it('tells no rows from one row and one row from the same row twice', () => {
    const hash = rowHash(row(), none);
    const texts = [digestOf([]), digestOf([hash]), digestOf([hash, hash])];
    expect(new Set(texts).size).toBe(3);
    expect(texts.every((text) => /^[0-9a-f]{64}$/.test(text))).toBe(true);
  });
});

describe('the hash of a row', () => {
  it.each([
    ['partition key', row({ pk: 'a#2' })],
    ['sort key', row({ sk: 't' })],
    ['version', row({ version: 4 })],
    ['data', row({ data: { x: 2 } })],
    ['list keys', row({ listKey: 'l', listSort: '1' })],
  ])('changes with its %s', (_, changed) => {
    expect(rowHash(changed, none)).not.toBe(rowHash(row(), none));
  });

  it('does not depend on the order of members, nor on operational ones', () => {
    const one = row({ data: { x: 1, y: 2, atMs: 1 } });
    const other = row({ data: { atMs: 2, y: 2, x: 1 } });
    expect(rowHash(one, new Set(['atMs']))).toBe(rowHash(other, new Set(['atMs'])));
    expect(rowHash(one, none)).not.toBe(rowHash(other, none));
  });
});

describe('operational members', () => {
  const projection = (kind: string, over: Partial<Projection>): Projection => ({
    kind,
    cursor: (stream) => ({ pk: stream, sk: kind }),
    details: () => [],
    apply: () => undefined,
    operational: [],
    ...over,
  });

  it('belong to the kinds of rows a projection writes, and to no other', () => {
    const of = operationalOf([
      projection('feed', { operational: ['updatedAtMs'] }),
      projection('feed-symbol', { rowKinds: ['feed-symbol', 'engine-run'], operational: ['doneAtMs'] }),
    ]);
    expect([...of({ pk: 'feed#t/w/f' })]).toEqual(['updatedAtMs']);
    expect([...of({ pk: 'engine-run#t/w/f' })]).toEqual(['doneAtMs']);
    expect([...of({ pk: 'feed-symbol#t/w/f/s' })]).toEqual(['doneAtMs']);
    expect([...of({ pk: 'run#t/w/r' })]).toEqual([]);
  });
});

it('names what differs between two rows, members of the data by their names', () => {
  const one = row({
    data: { same: 1, changed: { deep: [1] }, gone: 1, atMs: 1 },
    listKey: 'a',
    listSort: '1',
  });
  const other = row({
    version: 4,
    data: { same: 1, changed: { deep: [2] }, come: 1, atMs: 2 },
    listKey: 'a',
    listSort: '2',
  });
  expect(differingMembers(one, other, new Set(['atMs']))).toEqual([
    'data.changed',
    'data.come',
    'data.gone',
    'listSort',
    'version',
  ]);
  expect(differingMembers(one, one, none)).toEqual([]);
});
