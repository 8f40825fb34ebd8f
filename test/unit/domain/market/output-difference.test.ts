import { describe, expect, it } from 'vitest';
import { differenceOf, firstDifference, gatherOutput } from '#domain/market/output-difference.ts';
import type { SaidBySymbol } from '#domain/market/output-difference.ts';
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
const gathered = (...events: readonly SaidEvent[]): SaidBySymbol => {
  const all: SaidBySymbol = new Map();
  for (const event of events) gatherOutput(all, event);
  return all;
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

describe('two tellings', () => {
  const first = gathered(said('B', 1), said('A', 1), said('A', 2));

  it('are the same in any order of symbols, with repeats and skipped runs', () => {
    const skipped = said('A', 3, { event_type: 'EngineRunSkipped' });

    expect(
      firstDifference(first, gathered(said('A', 1), said('A', 1), said('A', 2), skipped, said('B', 1))),
    ).toBeUndefined();
  });

  it('part at the least engine timestamp, then symbol', () => {
    const late = gathered(said('B', 1), said('A', 1), said('A', 2, { cut_end_ingest_seq: 99 }));
    const early = gathered(
      said('B', 1, { cut_end_ingest_seq: 99 }),
      said('A', 1),
      said('A', 2, { cut_end_ingest_seq: 99 }),
    );
    const both = gathered(
      said('B', 1, { cut_end_ingest_seq: 99 }),
      said('A', 1, { cut_end_ingest_seq: 99 }),
      said('A', 2),
    );

    expect(firstDifference(first, late)).toMatchObject({ symbol: 'A', engine_timestamp_ms: 2 });
    expect(firstDifference(first, early)).toMatchObject({ symbol: 'B', engine_timestamp_ms: 1 });
    expect(firstDifference(first, both)).toMatchObject({ symbol: 'A', engine_timestamp_ms: 1 });
  });

  it('part where one ends, or lacks a symbol', () => {
    expect(firstDifference(first, gathered(said('B', 1), said('A', 1)))).toMatchObject({
      ...named('A', 2),
      in: 'first',
    });
    expect(firstDifference(first, gathered())).toMatchObject({ ...named('A', 1), in: 'first' });
    expect(firstDifference(gathered(), first)).toMatchObject({ ...named('A', 1), in: 'second' });
  });
});
