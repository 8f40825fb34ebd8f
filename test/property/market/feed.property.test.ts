import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { feedEvents } from '#contracts/market/feed.ts';
import { decodeRange, encodeChunk, readDirectory, recordsOf } from '#domain/market/chunk.ts';
import type { FeedSymbolCommand } from '#contracts/market/feed-symbol.ts';
import { batchLimits } from '#domain/market/feed/plan-batch.ts';
import type { BatchRecord } from '#domain/market/feed/plan-batch.ts';
import { plannedRuns } from '#domain/market/feed/run-messages.ts';
import {
  batchRecord,
  demoConfig,
  FeedHarness,
  marketEvent,
  symbolHarness,
} from '#test/support/market-harness.ts';

const record = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      step: fc.integer({ min: -300, max: 2_500 }),
      symbol: fc.constantFrom('AAA', 'BBB', 'CCC'),
    }),
  },
  { weight: 1, arbitrary: fc.constant(undefined) },
);

const tape = fc.array(record, { minLength: 1, maxLength: 40 }).map((steps): readonly BatchRecord[] => {
  let timeMs = 10_000;
  return steps.map((step, index) => {
    if (!step) return batchRecord(index + 1, 'garbage', timeMs);
    timeMs = Math.max(0, timeMs + step.step);
    const isInput = step.step % 3 === 0;
    const normalized = isInput ? { timestamp_ms: Math.ceil(timeMs / 1_000) * 1_000 } : { mark_price: 1 };
    const event_type = isInput ? 'SnapshotInputs' : 'MarkPrice';
    return batchRecord(
      index + 1,
      marketEvent({ event_type, normalized, symbol: step.symbol, recv_ts_ms: timeMs }),
      timeMs,
    );
  });
});

const scheduler = fc.oneof(
  fc.record({ mode: fc.constant('timer'), timer_interval_ms: fc.integer({ min: 1, max: 3_000 }) }),
  fc.record({
    mode: fc.constant('boundary'),
    boundary_interval_ms: fc.integer({ min: 1, max: 3_000 }),
    boundary_delay_ms: fc.integer({ min: 0, max: 4_000 }),
  }),
);
const setting = fc.record({ scheduler, clock: fc.constantFrom('record', 'arrival') });

const runsOf = (feed: FeedHarness) =>
  feed.events
    .filter((event) => event.type === 'TicksPlanned')
    .flatMap((event) => plannedRuns(feedEvents.TicksPlanned.parse(event.data)));
const idleOf = (feed: FeedHarness) =>
  feed.events
    .filter((event) => event.type === 'TicksPlanned')
    .reduce((sum, event) => sum + feedEvents.TicksPlanned.parse(event.data).idleCount, 0);
const whole = (config: object, records: readonly BatchRecord[]) => {
  const feed = new FeedHarness(demoConfig({ ...config }));
  feed.ingest(records);
  return feed;
};

it('plans the same records and runs however the tape is split, redelivered and bounded', () => {
  fc.assert(
    fc.property(
      setting,
      tape,
      fc.infiniteStream(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 6 }))),
      fc.integer({ min: 1, max: 3 }),
      (config, records, splits, bound) => {
        const expected = whole(config, records);
        const feed = new FeedHarness(demoConfig({ ...config }));
        for (let from = 0; from < records.length;) {
          const [size, back] = splits.next().value as readonly [number, number];
          const limits = { ...batchLimits, ticksMax: bound, recordsMax: bound + 2 };
          feed.ingest(records.slice(Math.max(0, from - back), from + size), limits);
          from += size;
        }

        expect(feed.records).toEqual(expected.records);
        expect(runsOf(feed)).toEqual(runsOf(expected));
        expect(idleOf(feed)).toBe(idleOf(expected));
        expect({ ...feed.feed.schedule }).toEqual({ ...expected.feed.schedule });
      },
    ),
  );
});

it('ends each cut at the last record received by its tick, and begins it where the one before ended', () => {
  fc.assert(
    fc.property(setting, tape, (config, records) => {
      const feed = whole(config, records);
      const ends = new Map<string, number>();

      for (const { symbol, run } of runsOf(feed)) {
        const received = feed.records.filter((each) => each.ingestTsMs <= run.plannedTsMs);
        expect(run.cutEnd).toBe(received.at(-1)?.ingestSeq);
        const first = feed.records.find((each) => each.symbol === symbol)?.ingestSeq;
        expect(run.cutStart).toBe(ends.has(symbol) ? (ends.get(symbol) ?? 0) + 1 : first);
        ends.set(symbol, run.cutEnd);
      }
      const times = feed.records.map((each) => each.ingestTsMs);
      expect([...times].sort((left, right) => left - right)).toEqual(times);
    }),
  );
});

it('publishes the same for a symbol whatever order its messages are run in, once or twice', () => {
  fc.assert(
    fc.property(tape, fc.integer(), (records, seed) => {
      const feed = new FeedHarness(demoConfig());
      const commands: FeedSymbolCommand[] = [];
      for (const each of records) {
        feed.ingest([each]);
        for (const message of feed.messages()) {
          if (message.symbol === 'AAA')
            commands.push({ type: 'RecordRuns', runs: [...feed.execute(message)] });
        }
      }
      const inOrder = symbolHarness('AAA');
      for (const command of commands) inOrder.send(command);
      const shuffled = symbolHarness('AAA');
      const order = commands
        .map((command, index) => ({ command, key: Math.imul(index + 1, seed | 1) >>> 0 }))
        .sort((left, right) => left.key - right.key);

      // Each round records whatever has become next in line; the refused ones come back, as a queue would bring them.
      for (const _round of commands) {
        for (const { command } of order)
          if (shuffled.decide(command).kind === 'accepted') shuffled.send(command);
      }

      expect(shuffled.events).toEqual(inOrder.events);
    }),
    { numRuns: 50 },
  );
});

it('reads back every record of a chunk', () => {
  const text = fc.string({ unit: 'binary' });
  const symbol = fc.constantFrom('A', 'Å', 'b b', '\n');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(symbol, text), { minLength: 1 }),
      fc.nat(),
      fc.nat(),
      (pairs, start, length) => {
        const records = pairs.map(([name, value], index) => ({
          ingestSeq: index + 1,
          ingestTsMs: index,
          symbol: name,
          text: value,
        }));
        const { content } = encodeChunk(records);
        const { symbols, bodyStart } = readDirectory(content);

        for (const range of symbols) {
          const bytes = content.subarray(bodyStart + range.offset, bodyStart + range.offset + range.length);
          expect(decodeRange(range.symbol, bytes)).toEqual(
            records.filter((each) => each.symbol === range.symbol),
          );
        }
        const cut = [start % 10, (start % 10) + (length % 10)] as const;
        expect(recordsOf(content, 'A', cut)).toEqual(
          records.filter(
            (each) => each.symbol === 'A' && each.ingestSeq >= cut[0] && each.ingestSeq <= cut[1],
          ),
        );
      },
    ),
  );
});
