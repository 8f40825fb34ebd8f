import { expect, it } from 'vitest';
import type { FeedScheduler } from '#contracts/market/feed-config.ts';
import { cutOf, cutRuns } from '#domain/market/cut.ts';
import { engineRunId } from '#domain/market/run-id.ts';
import { cutKindOf, dueTicks, engineTimestamp, nextTick } from '#domain/market/scheduler.ts';

const timer: FeedScheduler = { mode: 'timer', timer_interval_ms: 1_000 };
const boundary = (interval: number, delay: number): FeedScheduler => ({
  mode: 'boundary',
  boundary_interval_ms: interval,
  boundary_delay_ms: delay,
});

it.each([
  ['a timer begins where it starts', timer, { startMs: 100 }, 100],
  ['a timer goes on from its last tick', timer, { startMs: 100, lastTickMs: 2_100 }, 3_100],
  ['a boundary waits for its delay', boundary(3_000, 500), { startMs: 1_000 }, 3_500],
  ['a boundary goes on by its interval', boundary(3_000, 500), { startMs: 1_000, lastTickMs: 3_500 }, 6_500],
  ['a start at a boundary waits for the next one', boundary(180_000, 0), { startMs: 360_000 }, 540_000],
  [
    'a boundary whose delay has not passed is pending',
    boundary(180_000, 2_000),
    { startMs: 361_999 },
    362_000,
  ],
  ['a boundary whose delay has passed is over', boundary(180_000, 2_000), { startMs: 362_000 }, 542_000],
  ['a start before the delay counts as zero', boundary(3_000, 5_000), { startMs: 1_000 }, 8_000],
  ['a delay may exceed the interval', boundary(1_000, 2_500), { startMs: 10_000 }, 10_500],
])('%s', (_name, scheduler, state, expected) => {
  expect(nextTick(scheduler, state)).toBe(expected);
});

it('has no tick due at the instant of the tick, and one a millisecond later', () => {
  expect(dueTicks(timer, { startMs: 100 }, 100)).toBeUndefined();
  expect(dueTicks(timer, { startMs: 100 }, 101)).toEqual({ firstMs: 100, lastMs: 100, count: 1 });
});

it('skips no tick after a stall', () => {
  expect(dueTicks(timer, { startMs: 100, lastTickMs: 100 }, 4_100)).toEqual({
    firstMs: 1_100,
    lastMs: 3_100,
    count: 3,
  });
  expect(dueTicks(timer, { startMs: 100, lastTickMs: 100 }, 4_101)?.count).toBe(4);
});

it('stamps snapshots with the tick in timer mode and with the boundary in boundary mode', () => {
  expect(engineTimestamp(timer, 1_100)).toBe(1_100);
  expect(engineTimestamp(boundary(3_000, 500), 3_500)).toBe(3_000);
  expect([cutKindOf(timer), cutKindOf(boundary(1, 0))]).toEqual(['timer', 'boundary']);
});

it('begins the first cut at the symbol, later ones after the previous end, in code-unit order', () => {
  const symbols = new Map([
    ['b', { firstSeq: 1, runNo: 4 }],
    ['B', { firstSeq: 7, runNo: 0 }],
    ['a', { firstSeq: 9, runNo: 0 }],
  ]);

  expect(cutRuns(symbols, 5, 8)).toEqual([
    { symbol: 'B', runNo: 1, cutStart: 7 },
    { symbol: 'b', runNo: 5, cutStart: 6 },
  ]);
});

it('cuts nothing when nothing is new', () => {
  const symbols = new Map([['a', { firstSeq: 1, runNo: 1 }]]);

  expect(cutRuns(symbols, 5, 5)).toEqual([]);
  expect(cutRuns(symbols, 0, 0)).toEqual([]);
});

const cuts: readonly (readonly [
  name: string,
  firstSeq: number | undefined,
  previousEnd: number | undefined,
  end: number,
  expected: unknown,
])[] = [
  ['begins at the first record of the symbol', 1, undefined, 3, { kind: 'cut', start: 1, end: 3 }],
  ['goes on behind the previous end', 1, 2, 5, { kind: 'cut', start: 3, end: 5 }],
  ['may be of one record', 3, undefined, 3, { kind: 'cut', start: 3, end: 3 }],
  ['needs a record', undefined, undefined, 3, 'no buffered records available for symbol'],
  ['needs a record up to its end', 4, undefined, 3, 'no buffered records available for symbol'],
  ['needs something new', 1, 3, 3, 'cut_start_ingest_seq must be <= cut_end_ingest_seq'],
  ['does not end before the previous one', 1, 3, 2, 'cut_start_ingest_seq must be <= cut_end_ingest_seq'],
  ['does not end at 0', 1, undefined, 0, 'cut_end_ingest_seq must be > 0'],
];
it.each(cuts)('a cut %s', (_name, firstSeq, previousEnd, ...[end, expected]) => {
  expect(cutOf(firstSeq, previousEnd, end)).toEqual(
    typeof expected === 'string' ? { kind: 'none', message: expected } : expected,
  );
});

it('has no run for a symbol whose first record comes after the cut', () => {
  expect(cutRuns(new Map([['a', { firstSeq: 9, runNo: 0 }]]), 5, 8)).toEqual([]);
});

it.each([
  ['TEST', 100, 10, 'truth', '977204d4613841a755fc6ec57cf63f792c20c4e2f0d3c1e796291a529fec83d3'],
  ['BTC|USDT', 0, 7, 'truth', 'c3351e50aaa7efafd01b7d7925dde26ca821837fff5b7aeb85ba2775dd8479b8'],
  ['ÅRE€', 1, 1, 'truth', 'e09a755f61e592254b8bded73c3b126930ef431939fcb6572029c41735970996'],
])(
  'derives the run id of %s from symbol, timestamp, cut end and mode',
  (symbol, engineTimestampMs, ...[cutEnd, engineMode, id]) => {
    expect(engineRunId({ symbol, engineTimestampMs, cutEnd, engineMode })).toBe(id);
  },
);
