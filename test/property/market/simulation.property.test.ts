import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { RawInputBufferRecord } from '#contracts/market/buffer-record.ts';
import type { FeedScheduler } from '#contracts/market/feed-config.ts';
import { feedEvents } from '#contracts/market/feed.ts';
import { executeRun, truthSetting } from '#domain/market/execute-run.ts';
import { plannedRuns } from '#domain/market/feed/run-messages.ts';
import { endSimulation, eventsOfRun, openSimulation, takeRecord } from '#domain/market/simulation.ts';
import type { SimulatedRun } from '#domain/market/simulation.ts';
import { sliceOfTexts } from '#domain/market/slice.ts';
import { batchRecord, demoConfig, FeedHarness, marketEvent } from '#test/support/market-harness.ts';

const scheduler: fc.Arbitrary<FeedScheduler> = fc.oneof(
  fc.record({ mode: fc.constant('timer' as const), timer_interval_ms: fc.integer({ min: 1, max: 3_000 }) }),
  fc.record({
    mode: fc.constant('boundary' as const),
    boundary_interval_ms: fc.integer({ min: 1, max: 3_000 }),
    boundary_delay_ms: fc.integer({ min: 0, max: 4_000 }),
  }),
);
const tape = fc.array(
  fc.record({
    step: fc.integer({ min: 0, max: 2_500 }),
    symbol: fc.constantFrom('AAA', 'BBB', 'CCC'),
    isInput: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);

type Tape = readonly { readonly step: number; readonly symbol: string; readonly isInput: boolean }[];

/** A live feed that has taken a tape in, one record at a time. */
const liveFeed = (steps: Tape, of: FeedScheduler): FeedHarness => {
  const feed = new FeedHarness(demoConfig({ scheduler: of }));
  let timeMs = 10_000;
  for (const [index, { step, symbol, isInput }] of steps.entries()) {
    timeMs += step;
    const normalized = isInput ? { timestamp_ms: Math.ceil(timeMs / 1_000) * 1_000 } : { mark_price: 1 };
    const event_type = isInput ? 'SnapshotInputs' : 'MarkPrice';
    feed.ingest([
      batchRecord(index + 1, marketEvent({ event_type, normalized, symbol, recv_ts_ms: timeMs }), timeMs),
    ]);
  }
  return feed;
};
const simulationOf = (feed: FeedHarness, of: FeedScheduler) =>
  openSimulation({
    scheduler: of,
    startMs: feed.feed.schedule?.startMs ?? 0,
    engineMode: 'truth',
    run: truthSetting,
  });
const recordsOf = (feed: FeedHarness) =>
  feed.records.map(({ ingestSeq, ingestTsMs, text }) =>
    RawInputBufferRecord.parse({ ingest_seq: ingestSeq, ingest_ts_ms: ingestTsMs, event: JSON.parse(text) }),
  );

it('plans what a live feed plans for the same buffer', () => {
  fc.assert(
    fc.property(tape, scheduler, (steps, of) => {
      const feed = liveFeed(steps, of);
      const simulation = simulationOf(feed, of);

      const runs: SimulatedRun[] = [];
      for (const each of recordsOf(feed)) {
        const taken = takeRecord(simulation, each);
        if (taken.kind === 'taken') runs.push(...taken.runs);
      }

      const live = feed.events
        .filter((event) => event.type === 'TicksPlanned')
        .flatMap((event) => plannedRuns(feedEvents.TicksPlanned.parse(event.data)));
      expect(runs.map(({ symbol, planned }) => ({ symbol, run: planned }))).toEqual(live);
    }),
  );
});

it('runs on records that were read as on records as they are stored', () => {
  fc.assert(
    fc.property(tape, scheduler, (steps, of) => {
      const feed = liveFeed(steps, of);
      const simulation = simulationOf(feed, of);
      const runs = recordsOf(feed).flatMap((each) => {
        const taken = takeRecord(simulation, each);
        return taken.kind === 'taken' ? taken.runs : [];
      });

      for (const run of [...runs, ...endSimulation(simulation)]) {
        const { symbol, planned, slice } = run;
        const stored = feed.records.filter(
          (each) =>
            each.symbol === symbol && each.ingestSeq >= planned.cutStart && each.ingestSeq <= planned.cutEnd,
        );
        for (const source of ['snapshot_inputs', 'composer'] as const) {
          const setting = { ...truthSetting, source };
          expect(executeRun({ ...planned, symbol }, slice, { setting })).toEqual(
            executeRun({ ...planned, symbol }, sliceOfTexts(stored), { setting }),
          );
        }
        expect(eventsOfRun(simulation, run)).toHaveLength(2);
      }
    }),
    { numRuns: 50 },
  );
});
