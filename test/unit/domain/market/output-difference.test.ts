import { describe, expect, it } from 'vitest';
import { compareOutput, differenceOf, firstDifference } from '#domain/market/output-difference.ts';
import type { OutputComparison } from '#domain/market/output-difference.ts';
import { addOutput, openOutputHash } from '#domain/market/output-hash.ts';
import type { SaidEvent } from '#domain/market/output-hash.ts';

const said = (symbol: string, atMs: number, more: object = {}): SaidEvent => ({
  event_type: 'EngineRunCompleted',
  symbol,
  run_id: `${symbol}@${atMs}`,
  engine_timestamp_ms: atMs,
  payload: { regime_output: { regime: 'CHOP_BALANCED', confidence: 0.5, drivers: ['a', 'b'] } },
  ...more,
});
const named = (symbol: string, atMs: number) => ({
  symbol,
  run_id: `${symbol}@${atMs}`,
  event_type: 'EngineRunCompleted',
  engine_timestamp_ms: atMs,
});
/** Compares two tellings that come in one after the other, or by turns. */
const compared = (
  first: readonly SaidEvent[],
  second: readonly SaidEvent[],
  order: 'first' | 'second' | 'by turns' = 'first',
) => {
  const comparison: OutputComparison = new Map();
  const hashes = { first: openOutputHash(), second: openOutputHash() };
  const take = (by: 'first' | 'second', event: SaidEvent | undefined): void => {
    const text = event && addOutput(hashes[by], event);
    if (event && text !== undefined) compareOutput(comparison, by, { symbol: event.symbol, text });
  };
  const length = Math.max(first.length, second.length);
  if (order === 'by turns')
    for (let index = 0; index < length; index++) {
      take('first', first[index]);
      take('second', second[index]);
    }
  if (order !== 'by turns') {
    const tellings = { first, second };
    for (const by of order === 'first' ? (['first', 'second'] as const) : (['second', 'first'] as const))
      for (const event of tellings[by]) take(by, event);
  }
  return { difference: firstDifference(comparison), comparison };
};

describe('two events at one place', () => {
  it('differ in the members that are named, however deep, and not in when they were published', () => {
    const other = said('A', 1, {
      cut_end_ingest_seq: 99,
      published_ts_ms: 7,
      payload: { regime_output: { regime: 'CHOP_BALANCED', confidence: 0.6, drivers: ['a', 'c', 'd'] } },
    });

    expect(differenceOf(said('A', 1), other)).toEqual({
      ...named('A', 1),
      in: 'both',
      members: [
        'cut_end_ingest_seq',
        'payload.regime_output.confidence',
        'payload.regime_output.drivers.1',
        'payload.regime_output.drivers.2',
      ],
    });
    expect(differenceOf(said('A', 1), said('A', 1, { published_ts_ms: 7, attempt: 2 }))).toBeUndefined();
  });

  it('differ as a whole where one has an object, an array or nothing in the other’s stead', () => {
    const members = (payload: unknown) => differenceOf(said('A', 1), said('A', 1, { payload }))?.members;

    expect(members(null)).toEqual(['payload']);
    expect(members([])).toEqual(['payload']);
    expect(members({})).toEqual(['payload.regime_output']);
  });

  it('name at most 20 members', () => {
    const wide = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`m${n}`, n]));
    const count = (payload: object) =>
      differenceOf(said('A', 1, { payload: {} }), said('A', 1, { payload }))?.members.length;

    expect([count(wide(20)), count(wide(21))]).toEqual([20, 20]);
  });

  it('may be in one of them alone, or in neither', () => {
    expect(differenceOf(said('A', 1), undefined)).toEqual({ ...named('A', 1), in: 'first', members: [] });
    expect(differenceOf(undefined, said('A', 1))).toEqual({ ...named('A', 1), in: 'second', members: [] });
    expect(differenceOf(undefined, undefined)).toBeUndefined();
  });
});

describe.each(['first', 'second', 'by turns'] as const)('two tellings, read %s', (order) => {
  const first = [said('B', 1), said('A', 1), said('A', 2)];
  const firstDifferenceOf = (...second: readonly SaidEvent[]) => compared(first, second, order).difference;
  const other = { cut_end_ingest_seq: 99 };

  it('are the same in any order of symbols, with repeats and skipped runs', () => {
    const skipped = said('A', 3, { event_type: 'EngineRunSkipped' });

    expect(
      firstDifferenceOf(said('A', 1), said('A', 1), said('A', 2), skipped, said('B', 1)),
    ).toBeUndefined();
  });

  it('part at the least engine timestamp, then symbol', () => {
    const late = firstDifferenceOf(said('B', 1), said('A', 1), said('A', 2, other));
    const early = firstDifferenceOf(said('B', 1, other), said('A', 1), said('A', 2, other));
    const both = firstDifferenceOf(said('B', 1, other), said('A', 1, other), said('A', 2));

    expect(late).toMatchObject({
      symbol: 'A',
      engine_timestamp_ms: 2,
      in: 'both',
      members: Object.keys(other),
    });
    expect(early).toMatchObject({ symbol: 'B', engine_timestamp_ms: 1 });
    expect(both).toMatchObject({ symbol: 'A', engine_timestamp_ms: 1 });
  });

  it('name what has an instant before what has none', () => {
    const timeless = said('0', 1, { engine_timestamp_ms: null });

    expect(compared([timeless, said('A', 1)], [], order).difference).toMatchObject({ symbol: 'A' });
  });

  it('part where one ends, or lacks a symbol', () => {
    expect(firstDifferenceOf(said('B', 1), said('A', 1))).toMatchObject({ ...named('A', 2), in: 'first' });
    expect(firstDifferenceOf()).toMatchObject({ ...named('A', 1), in: 'first' });
    expect(compared([], first, order).difference).toMatchObject({ ...named('A', 1), in: 'second' });
  });

  it('hold nothing of what both have said, however much it was', () => {
    const many = Array.from({ length: 3_000 }, (_, index) => said('A', index));

    const { difference, comparison } = compared(many, many, order);

    expect(difference).toBeUndefined();
    expect(comparison.get('A')?.ahead.texts).toEqual([]);
  });
});
