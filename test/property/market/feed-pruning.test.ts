/** Whatever is ingested, acknowledged and pruned in whatever order, no run within the promise loses a chunk it reads. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { MarketSymbol } from '#contracts/ids.ts';
import type { TicksPlanned } from '#contracts/market/feed.ts';
import { isGone, prunableChunks } from '#domain/market/feed/pruning.ts';
import { batchRecord, demoConfig, FeedHarness, marketEvent } from '#test/support/market-harness.ts';

const symbols = ['AAA', 'BBB', 'CCC'] as const;

const step = fc.oneof(
  fc.record({
    kind: fc.constant('ingest' as const),
    records: fc.array(
      fc.record({ symbol: fc.constantFrom(...symbols), afterMs: fc.integer({ min: 0, max: 1_500 }) }),
      { minLength: 1, maxLength: 4 },
    ),
  }),
  fc.record({
    kind: fc.constant('acknowledge' as const),
    symbol: fc.constantFrom(...symbols),
    runNo: fc.integer({ min: 1, max: 12 }),
  }),
  fc.record({ kind: fc.constant('prune' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const play = (feed: FeedHarness, steps: readonly Step[]): void => {
  let recvMs = 500;
  let sequence = 0;
  for (const act of steps) {
    if (act.kind === 'ingest') {
      const records = act.records.map(({ symbol, afterMs }) =>
        batchRecord(++sequence, marketEvent({ symbol, recv_ts_ms: (recvMs += afterMs) })),
      );
      feed.ingest(records);
    } else if (act.kind === 'acknowledge')
      feed.send({
        type: 'AcknowledgeRuns',
        symbols: [{ symbol: act.symbol as MarketSymbol, runNo: act.runNo }],
      });
    else {
      const chunks = prunableChunks(feed.feed, feed.events.slice(feed.feed.gone.nextSequence - 1));
      if (chunks) feed.send({ type: 'PruneChunks', ...chunks });
      const { deleting } = feed.feed.gone;
      if (deleting) feed.send({ type: 'ConfirmDeletion', throughSequence: deleting.throughSequence });
    }
  }
};

it('keeps every chunk of the replay window and of runs that are not terminal', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 40 }),
      fc.constantFrom(0, 700, 2_000, 10_000),
      (steps, replay_window_ms) => {
        const feed = new FeedHarness(
          demoConfig({ buffer_retention: { delete_pruned: true, replay_window_ms } }),
        );
        play(feed, steps);

        const windowFromMs = replay_window_ms === 0 ? Infinity : feed.feed.lastIngestTsMs - replay_window_ms;
        const promised = feed.events
          .filter(({ type }) => type === 'TicksPlanned')
          .flatMap(({ data }) => {
            const { ticks, chunks } = data as TicksPlanned;
            return ticks.flatMap((tick) =>
              tick.runs
                .filter(
                  ({ symbol, runNo }) =>
                    tick.plannedTsMs >= windowFromMs ||
                    runNo > (feed.feed.symbols.get(symbol)?.acknowledged ?? 0),
                )
                .map(({ cutStart }) => ({ cutStart, cutEnd: tick.cutEnd, refs: chunks.refs })),
            );
          });
        for (const { cutStart, cutEnd, refs } of promised)
          for (const ref of refs)
            expect(ref.lastSeq >= cutStart && ref.firstSeq <= cutEnd && isGone(feed.feed, ref)).toBe(false);
      },
    ),
    { numRuns: 200 },
  );
});
