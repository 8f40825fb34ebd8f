import { describe, expect, it } from 'vitest';
import { feedEvents } from '#contracts/market/feed.ts';
import { batchLimits } from '#domain/market/feed/plan-batch.ts';
import { OPEN_CHUNKS_MAX } from '#domain/market/feed/state.ts';
import { batchRecord, demoConfig, FeedHarness, marketEvent } from '#test/support/market-harness.ts';

const at = (sequence: number, recvTsMs: number, symbol = 'AAA') =>
  batchRecord(sequence, marketEvent({ recv_ts_ms: recvTsMs, symbol }));
const ticksOf = (harness: FeedHarness) =>
  harness.events
    .filter((event) => event.type === 'TicksPlanned')
    .flatMap((event) => feedEvents.TicksPlanned.parse(event.data).ticks)
    .map((tick) => [
      tick.plannedTsMs,
      tick.cutEnd,
      tick.runs.map((run) => `${run.symbol}${run.runNo}@${run.cutStart}`).join(' '),
    ]);
const live = () => demoConfig({ clock: 'arrival' });

describe('planning ticks', () => {
  it("ingests records of the tick's own instant first", () => {
    const feed = new FeedHarness(demoConfig());

    feed.ingest([at(1, 500), at(2, 1_000), at(3, 1_001)]);

    expect(ticksOf(feed)).toEqual([[1_000, 2, 'AAA1@1']]);
  });

  it('cuts every known symbol at every tick with something new, in order of name', () => {
    const feed = new FeedHarness(demoConfig());

    feed.ingest([
      at(1, 500, 'BBB'),
      at(2, 600, 'AAA'),
      at(3, 1_500, 'CCC'),
      at(4, 2_500, 'BBB'),
      at(5, 3_500),
    ]);

    expect(ticksOf(feed)).toEqual([
      [1_000, 2, 'AAA1@2 BBB1@1'],
      [2_000, 3, 'AAA2@3 BBB2@3 CCC1@3'],
      [3_000, 4, 'AAA3@4 BBB3@4 CCC2@4'],
    ]);
  });

  it('counts ticks that find nothing new', () => {
    const feed = new FeedHarness(demoConfig());

    feed.ingest([at(1, 500), at(2, 4_500)]);

    const planned = feed.events.find((event) => event.type === 'TicksPlanned');
    expect(planned?.data).toMatchObject({ idleCount: 3, lastTickMs: 4_000, ticks: [{ plannedTsMs: 1_000 }] });
  });

  it('ticks before the first listed symbol without any run', () => {
    const feed = new FeedHarness(live());

    feed.ingest([batchRecord(1, 'garbage', 500), batchRecord(2, 'garbage', 1_500)]);

    expect(feed.events.at(-1)?.data).toMatchObject({ ticks: [], idleCount: 1, lastTickMs: 1_000 });
    expect(feed.feed.unacknowledged).toBeUndefined();
  });

  it('puts a record that arrives late for a planned tick right after it', () => {
    const feed = new FeedHarness(live());
    feed.ingest([batchRecord(1, marketEvent(), 500)]);
    feed.send({ type: 'PlanTicks', clock: 'arrival', beforeMs: 1_001 });

    feed.ingest([batchRecord(2, marketEvent(), 900)]);

    expect(feed.records.at(-1)?.ingestTsMs).toBe(1_001);
    expect(ticksOf(feed)).toEqual([[1_000, 1, 'AAA1@1']]);
  });

  it('plans on request strictly before an instant of its own clock only', () => {
    const feed = new FeedHarness(demoConfig());
    const plan = (clock: 'record' | 'arrival', beforeMs: number) =>
      feed.send({ type: 'PlanTicks', clock, beforeMs }).length;

    expect(plan('record', 9_999)).toBe(0);
    feed.ingest([at(1, 500)]);
    expect(plan('record', 1_000)).toBe(0);
    expect(plan('arrival', 9_999)).toBe(0);
    expect(plan('record', 1_001)).toBe(1);
    expect(plan('record', 3_001)).toBe(1);
    expect(ticksOf(feed)).toEqual([[1_000, 1, 'AAA1@1']]);
    expect(
      new FeedHarness(demoConfig(), false).send({ type: 'PlanTicks', clock: 'record', beforeMs: 1 }),
    ).toEqual([]);
  });

  it('plans at its start in timer mode', () => {
    const feed = new FeedHarness(demoConfig({ scheduler: { mode: 'timer', timer_interval_ms: 100 } }));

    feed.ingest([at(1, 500), at(2, 500), at(3, 501), at(4, 601)]);

    expect(ticksOf(feed)).toEqual([
      [500, 2, 'AAA1@1'],
      [600, 3, 'AAA2@3'],
    ]);
  });

  it.each([
    ['ticks', { ticksMax: 2 }],
    ['bytes of ticks', { tickBytesMax: 400 }],
  ])('commits no more %s at once than it may, and loses none', (_name, bound) => {
    const records = Array.from({ length: 6 }, (_, index) => at(index + 1, index * 1_000 + 500));
    const bounded = new FeedHarness(demoConfig());
    const whole = new FeedHarness(demoConfig());

    bounded.ingest(records, { ...batchLimits, ...bound });
    whole.ingest(records);

    expect(bounded.events.length).toBeGreaterThan(whole.events.length);
    expect(ticksOf(bounded)).toEqual(ticksOf(whole));
  });
});

describe('the chunks of a cut', () => {
  it("are those with records since the cut before, the batch's own included", () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 100)]);
    feed.ingest([at(2, 200), at(3, 1_100)]);
    feed.ingest([at(4, 2_100)]);

    const chunks = feed.events
      .filter((event) => event.type === 'TicksPlanned')
      .map((event) => feedEvents.TicksPlanned.parse(event.data).chunks);
    expect(chunks.map(({ refs }) => refs.map((ref) => ref.lastSeq))).toEqual([
      [1, 3],
      [3, 4],
    ]);
    expect(chunks.map((each) => each.isComplete)).toEqual([true, true]);
  });

  it('are left to the ledger when there are too many to list', () => {
    const feed = new FeedHarness(demoConfig());
    for (let sequence = 1; sequence <= OPEN_CHUNKS_MAX + 1; sequence++) feed.ingest([at(sequence, sequence)]);
    feed.ingest([at(1_000, 900)]);
    feed.send({ type: 'PlanTicks', clock: 'record', beforeMs: 1_001 });

    const [message] = feed.messages();

    expect(message?.chunks).toEqual({ isComplete: false, fromSequence: 3, refs: [] });
    expect(message && feed.execute(message)).toHaveLength(1);
    expect(feed.feed.openChunks).toEqual([]);
    expect(feed.feed.openChunksFrom).toBeUndefined();
  });
});
