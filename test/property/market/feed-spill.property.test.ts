/** A feed that spills says what it would have said had its records waited in their stream, whenever there is room again. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TicksPlanned } from '#contracts/market/feed.ts';
import { plannedRuns } from '#domain/market/feed/run-messages.ts';
import { BufferFullError } from '#functions/shared/ingest-feed.ts';
import { batchRecord, demoConfig, FeedHarness, marketEvent } from '#test/support/market-harness.ts';
import { SHARD, SpillScene } from '#test/support/spill-scene.ts';

const symbols = ['AAA', 'BBB'] as const;

const tape = fc
  .array(fc.record({ step: fc.integer({ min: 0, max: 900 }), symbol: fc.constantFrom(...symbols) }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps) => {
    let timeMs = 500;
    return steps.map(({ step, symbol }, index) => {
      timeMs += step;
      return batchRecord(index + 1, marketEvent({ symbol, recv_ts_ms: timeMs }), timeMs);
    });
  });

const step = fc.oneof(
  fc.record({ kind: fc.constant('deliver' as const), size: fc.integer({ min: 1, max: 9 }), back: fc.nat(5) }),
  fc.record({ kind: fc.constant('acknowledge' as const) }),
  fc.record({ kind: fc.constant('look' as const) }),
);

const runsOf = (feed: FeedHarness) =>
  feed.events
    .filter(({ type }) => type === 'TicksPlanned')
    .flatMap(({ data }) => plannedRuns(data as TicksPlanned));

/** A delivery that finds no room at all comes again; whatever else goes wrong is an error. */
const deliver = async (scene: SpillScene, records: Parameters<SpillScene['ingest']>[0]): Promise<void> => {
  try {
    await scene.ingest(records);
  } catch (error) {
    if (!(error instanceof BufferFullError)) throw error;
  }
};

it('gives the sequences and cuts of a feed that blocks, whatever is delivered when', async () => {
  await fc.assert(
    fc.asyncProperty(
      tape,
      fc.array(step, { minLength: 10, maxLength: 60 }),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom('record', 'arrival'),
      async (records, steps, max_spilled_records, clock) => {
        const buffer_retention = { max_records: 6, on_full: 'spill', max_spilled_records };
        const scene = new SpillScene({ clock, buffer_retention });
        const { feed } = scene;
        const taken = (): number => Number(feed.feed.shards.get(SHARD) ?? 0);
        for (const act of steps) {
          if (act.kind === 'acknowledge') scene.acknowledge();
          else if (act.kind === 'look') await scene.drain();
          else await deliver(scene, records.slice(Math.max(0, taken() - act.back), taken() + act.size));
          expect(feed.feed.spill?.recordCount ?? 0).toBeLessThanOrEqual(max_spilled_records);
        }
        const buffered = await scene.buffered();
        expect(buffered.length + (feed.feed.spill?.recordCount ?? 0)).toBe(taken());

        // One that has room for all of it is told the same records one after the other, as far as the other one came.
        const blocking = new FeedHarness(demoConfig({ clock }));
        blocking.ingest(records.slice(0, buffered.length));
        expect(buffered).toEqual(blocking.records);
        expect(runsOf(feed).slice(0, runsOf(blocking).length)).toEqual(runsOf(blocking));
      },
    ),
  );
});
