/** A feed that spills says what it would have said had its records waited in their stream, whenever there is room again. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RecordsSpilled } from '#contracts/market/feed-spill.ts';
import type { TicksPlanned } from '#contracts/market/feed.ts';
import type { MarketSymbol } from '#contracts/ids.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { roomAt } from '#domain/market/feed/flow-control.ts';
import {
  batchLimits,
  feedTime,
  ingestCommand,
  newRecords,
  planBatch,
} from '#domain/market/feed/plan-batch.ts';
import type { Batch, BatchRecord } from '#domain/market/feed/plan-batch.ts';
import { plannedRuns } from '#domain/market/feed/run-messages.ts';
import { isInTurn, spillRoom } from '#domain/market/feed/spill.ts';
import { batchRecord, demoConfig, FeedHarness, marketEvent } from '#test/support/market-harness.ts';

const SHARD = 'shard-0';
const symbols = ['AAA', 'BBB'] as const;

/** A feed with what it spilled, driven as the functions drive it: what is next goes in while there is room. */
class SpillingHarness extends FeedHarness {
  readonly objects = new Map<string, readonly BatchRecord[]>();

  /** How many records of a delivery the feed has, in its buffer or spilled. */
  deliver(records: readonly BatchRecord[]): void {
    this.drain();
    const left = newRecords(this.feed, { shardId: SHARD, records: this.takeIn({ shardId: SHARD, records }) });
    const part = left.slice(0, spillRoom(this.feed));
    if (part.length === 0) return;
    const hash = sha256Hex(JSON.stringify(part));
    this.objects.set(hash, part);
    const last = part.at(-1)?.sequenceNumber ?? '0';
    const spilled = { hash, bytes: 1, count: part.length, shardId: SHARD, lastSequenceNumber: last };
    this.send({ type: 'SpillRecords', basedOnVersion: this.feed.planVersion, spilled });
  }

  drain(): void {
    for (;;) {
      const { spill } = this.feed;
      const event = spill && this.events.find((each) => this.waits(each.sequence, spill));
      if (!spill || !event) return;
      const index = event.sequence === spill.sequence ? spill.index : 0;
      const records = this.objects.get((event.data as RecordsSpilled).hash)?.slice(index) ?? [];
      const left = this.takeIn({ shardId: SHARD, records, spilled: { sequence: event.sequence, index } });
      if (left.length > 0) return;
    }
  }

  private waits(sequence: number, spill: { readonly sequence: number; readonly index: number }): boolean {
    const event = this.events[sequence - 1];
    if (event?.type !== 'RecordsSpilled' || sequence < spill.sequence) return false;
    return sequence > spill.sequence || spill.index < (event.data as RecordsSpilled).count;
  }

  private takeIn(batch: Batch): readonly BatchRecord[] {
    let rest = batch;
    while (rest.records.length > 0 && isInTurn(this.feed.spill, rest.spilled)) {
      const [first] = rest.records;
      const room = roomAt(this.feed, first && feedTime(this.feed, first));
      const recordsMax = room.kind === 'full' ? 1 : room.recordsMax;
      const plan = planBatch(this.feed, rest, { ...batchLimits, recordsMax });
      if (plan.kind === 'nothing-new' || room.kind === 'full') return rest.records;
      this.chunks.set(plan.chunk.hash, plan.chunk.content);
      this.records.push(...plan.records);
      this.send(ingestCommand(plan, 'item'));
      const records = rest.records.slice(plan.consumedCount);
      const { spilled } = rest;
      rest = {
        shardId: SHARD,
        records,
        ...(spilled ? { spilled: { ...spilled, index: spilled.index + plan.consumedCount } } : {}),
      };
    }
    return rest.records;
  }
}

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
);

const runsOf = (feed: FeedHarness) =>
  feed.events
    .filter(({ type }) => type === 'TicksPlanned')
    .flatMap(({ data }) => plannedRuns(data as TicksPlanned));

const acknowledgeAll = (feed: FeedHarness): void => {
  const known = [...feed.feed.symbols].map(([symbol, { runNo }]) => ({
    symbol: symbol as MarketSymbol,
    runNo,
  }));
  feed.send({ type: 'AcknowledgeRuns', symbols: known.filter(({ runNo }) => runNo > 0) });
};

it('gives the sequences and cuts of a feed that blocks, whatever is delivered when', () => {
  fc.assert(
    fc.property(
      tape,
      fc.array(step, { minLength: 10, maxLength: 60 }),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom('record', 'arrival'),
      (records, steps, max_spilled_records, clock) => {
        const buffer_retention = { max_records: 6, on_full: 'spill', max_spilled_records };
        const feed = new SpillingHarness(demoConfig({ clock, buffer_retention }));
        for (const act of steps) {
          if (act.kind === 'acknowledge') acknowledgeAll(feed);
          else {
            const taken = Number(feed.feed.shards.get(SHARD) ?? 0);
            feed.deliver(records.slice(Math.max(0, taken - act.back), taken + act.size));
          }
          expect(feed.feed.spill?.recordCount ?? 0).toBeLessThanOrEqual(max_spilled_records);
        }
        const count = Number(feed.feed.shards.get(SHARD) ?? 0);
        expect(feed.records.length + (feed.feed.spill?.recordCount ?? 0)).toBe(count);

        // One that has room for all of it is told the same records one after the other, as far as the other one came.
        const blocking = new FeedHarness(demoConfig({ clock }));
        blocking.ingest(records.slice(0, feed.records.length));
        expect(feed.records).toEqual(blocking.records);
        expect(runsOf(feed)).toEqual(runsOf(blocking));
      },
    ),
  );
});
