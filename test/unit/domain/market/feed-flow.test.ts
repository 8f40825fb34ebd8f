import { describe, expect, it } from 'vitest';
import { FeedView } from '#contracts/market/feed-view.ts';
import type { MarketSymbol } from '#contracts/ids.ts';
import { decodeFeed, encodeFeed } from '#domain/market/feed/codec.ts';
import {
  emptyBuffer,
  heldAfter,
  isIngestionPaused,
  isSchedulingPaused,
  PRESSURE_DEADLINE_MS,
  pruneBuffer,
  roomAt,
} from '#domain/market/feed/flow-control.ts';
import { feedProjection, feedRow, healthOf } from '#domain/market/feed/projection.ts';
import { acknowledgement, messagesOf } from '#domain/market/feed/resend.ts';
import {
  batchRecord,
  demoConfig,
  FEED_STREAM,
  FeedHarness,
  marketEvent,
} from '#test/support/market-harness.ts';

const at = (sequence: number, recvTsMs: number, symbol = 'AAA') =>
  batchRecord(sequence, marketEvent({ recv_ts_ms: recvTsMs, symbol }));
const AAA = 'AAA' as MarketSymbol;
const acknowledge = (feed: FeedHarness, runNo: number) =>
  feed.send({ type: 'AcknowledgeRuns', symbols: [{ symbol: AAA, runNo }] });
const healthIn = (feed: FeedHarness) => {
  const key = feedRow(FEED_STREAM);
  const row = feed.events.reduce<ReturnType<typeof feedProjection.apply>>(
    (known, event) => feedProjection.apply(known, key, event),
    undefined,
  );
  return healthOf(FeedView.parse(row?.data));
};

describe('the buffer', () => {
  const retention = (over: object) => demoConfig({ buffer_retention: over });

  it('has room for as many records as the configuration says, and for none at that number', () => {
    const feed = new FeedHarness(retention({ max_records: 3 }));
    expect(roomAt(feed.feed, 500)).toEqual({ kind: 'room', recordsMax: 3 });

    feed.ingest([at(1, 500), at(2, 500)]);
    expect(roomAt(feed.feed, 500)).toEqual({ kind: 'room', recordsMax: 1 });
    feed.ingest([at(3, 500)]);

    expect(roomAt(feed.feed, 500)).toEqual({
      kind: 'full',
      pause: { reason: 'capacity', observed: 3, limit: 3 },
    });
  });

  it('has room again for what every symbol has consumed', () => {
    const feed = new FeedHarness(retention({ max_records: 3 }));
    feed.ingest([at(1, 500), at(2, 600), at(3, 1_500)]);

    acknowledge(feed, 1);

    expect(feed.feed.buffer).toEqual({ prunedSeq: 2, prunedTsMs: 1_000, consumed: [] });
    expect(roomAt(feed.feed, 1_500)).toEqual({ kind: 'room', recordsMax: 2 });
  });

  it('is too old when its oldest record is older than the configuration says', () => {
    const feed = new FeedHarness(retention({ max_age_ms: 700 }));
    expect(roomAt(feed.feed, 9_000_000)).toMatchObject({ kind: 'room' });
    feed.ingest([at(1, 500), at(2, 1_200)]);
    acknowledge(feed, 1);

    expect(roomAt(feed.feed, 1_700)).toMatchObject({ kind: 'room' });
    expect(roomAt(feed.feed, 1_701)).toEqual({
      kind: 'full',
      pause: { reason: 'age', observed: 701, limit: 700 },
    });
    expect(roomAt(feed.feed, undefined)).toMatchObject({ kind: 'room' });
  });

  it('keeps consumed records inside the promised replay window', () => {
    const feed = new FeedHarness(retention({ max_records: 10, replay_window_ms: 2_000 }));
    feed.ingest([at(1, 500), at(2, 1_500)]);
    acknowledge(feed, 1);
    feed.ingest([at(3, 2_500)]);
    acknowledge(feed, 2);
    expect(feed.feed.buffer.prunedSeq).toBe(0);

    feed.ingest([at(4, 3_000)]);
    expect(feed.feed.buffer.prunedSeq).toBe(0);
    feed.ingest([at(5, 3_001)]);
    expect(feed.feed.buffer).toMatchObject({ prunedSeq: 1, prunedTsMs: 1_000 });
    expect(decodeFeed(encodeFeed(feed.state))).toEqual(feed.state);
  });

  it('keeps a bounded number of marks, and prunes with those that are left', () => {
    let buffer = emptyBuffer;
    for (let seq = 1; seq <= 200; seq++)
      buffer = pruneBuffer(buffer, { seq, tsMs: seq }, { lastIngestTsMs: seq, replayWindowMs: 1_000_000 });

    expect(buffer.consumed.length).toBeLessThanOrEqual(64);
    expect(buffer.consumed.at(-1)).toEqual({ seq: 200, tsMs: 200 });
    const later = { lastIngestTsMs: 1_000_201, replayWindowMs: 1_000_000 };
    expect(pruneBuffer(buffer, undefined, later)).toEqual({
      prunedSeq: 200,
      prunedTsMs: 200,
      consumed: [],
    });
    expect(pruneBuffer(buffer, { seq: 7, tsMs: 7 }, { ...later, lastIngestTsMs: 7 })).toBe(buffer);
  });

  it('says once that it has no room, and that it has again with the next batch', () => {
    const feed = new FeedHarness(retention({ max_records: 1 }));
    const pause = { type: 'PauseIngestion', reason: 'capacity', observed: 1, limit: 1 } as const;

    expect(feed.send(pause)).toMatchObject([{ type: 'IngestionPaused' }]);
    expect(feed.send(pause)).toEqual([]);
    expect(isIngestionPaused(feed.feed)).toBe(true);
    expect(healthIn(feed)).toMatchObject({ ready: false, ingestion_paused: true });
    expect(decodeFeed(encodeFeed(feed.state))).toEqual(feed.state);

    feed.ingest([at(1, 500)]);
    expect(feed.events.slice(-2).map(({ type }) => type)).toEqual(['IngestionResumed', 'RecordsIngested']);
    expect(healthIn(feed).ready).toBe(true);
  });
});

describe('a schedule under pressure', () => {
  const pause = { type: 'PauseScheduling', reason: 'queue_depth', observed: 9, limit: 8 } as const;
  const looks = (feed: FeedHarness) =>
    feed.aggregate
      .outstanding(feed.state, 0)
      .filter((effect) => effect.kind === 'send-message' && effect.queue === 'sweep');

  const paused = () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 500), at(2, 1_500)]);
    feed.send(pause);
    feed.ingest([at(3, 2_500)]);
    feed.ingest([at(4, 3_500)]);
    return feed;
  };

  it('goes on planning and holds back what it plans', () => {
    const feed = paused();

    expect(isSchedulingPaused(feed.feed)).toBe(true);
    expect(healthIn(feed)).toMatchObject({ ready: false, scheduling_paused: true });
    expect(feed.events.filter(({ type }) => type === 'TicksPlanned')).toHaveLength(3);
    expect(feed.messages()).toEqual([]);
    expect(feed.feed.held).toMatchObject({ fromSequence: 7, lastSequence: 9 });
    expect(looks(feed)).toEqual([]);
    expect(feed.send(pause)).toEqual([]);
    expect(feed.aggregate.waiting(feed.state)).toContainEqual({
      reason: 'backpressure',
      subject: 'queue_depth',
      deadlineMs: PRESSURE_DEADLINE_MS,
    });
    expect(decodeFeed(encodeFeed(feed.state))).toEqual(feed.state);
  });

  it('asks for what it held back when the pressure is gone, until all of it was sent', () => {
    const feed = paused();
    feed.send({ type: 'ResumeScheduling' });
    expect(feed.send({ type: 'ResumeScheduling' })).toEqual([]);

    expect(looks(feed)).toMatchObject([{ body: { stream: FEED_STREAM } }]);
    expect(feed.aggregate.waiting(feed.state)).toContainEqual({ reason: 'dispatch', deadlineMs: 0 });
    expect(feed.send({ type: 'RecordDispatch', throughSequence: 6 })).toEqual([]);
    feed.send({ type: 'RecordDispatch', throughSequence: 7 });
    expect(feed.feed.held).toMatchObject({ fromSequence: 8, lastSequence: 9 });
    feed.send({ type: 'RecordDispatch', throughSequence: 9 });

    expect(feed.feed.held).toBeUndefined();
    expect(feed.send({ type: 'RecordDispatch', throughSequence: 9 })).toEqual([]);
    expect(healthIn(feed).ready).toBe(true);
  });

  it('keeps the order of the plan: nothing new is sent before what was held back', () => {
    const feed = paused();
    feed.send({ type: 'ResumeScheduling' });
    feed.ingest([at(5, 4_500)]);

    expect(feed.messages()).toEqual([]);
    const held = feed.events.filter(({ sequence }) => sequence >= (feed.feed.held?.fromSequence ?? 0));
    expect(held.flatMap((event) => messagesOf(feed.feed, event)).map(({ runs }) => runs[0]?.runNo)).toEqual([
      2, 3, 4,
    ]);
    feed.send({ type: 'RecordDispatch', throughSequence: feed.feed.version });
    feed.ingest([at(6, 5_500)]);
    expect(feed.messages().map(({ runs }) => runs[0]?.runNo)).toEqual([5]);
  });

  it('is paused by a halted output as well, until a person resumes it', () => {
    const feed = new FeedHarness(demoConfig());
    const halt = { symbol: AAA, blockedSinceMs: 5, attempts: 2, errorDetail: 'x' };
    feed.send({ type: 'HaltPublication', ...halt });
    feed.ingest([at(1, 500), at(2, 1_500)]);

    expect(feed.messages()).toEqual([]);
    expect(looks(feed)).toEqual([]);
    feed.send({ type: 'ResumeFeed', reason: 'mended' });
    expect(looks(feed)).toHaveLength(1);
  });

  it('has nothing left to hold when there was nothing', () => {
    expect(heldAfter(undefined, 3)).toBeUndefined();
  });
});

describe('what a sweep learns of runs', () => {
  it('frees the buffer up to the last tick whose runs are all terminal', () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 500), at(2, 1_500)]);
    feed.ingest([at(3, 2_500)]);

    const command = acknowledgement(feed.events, new Map([['AAA', 1]]));
    feed.send(command);

    expect(command).toMatchObject({ consumed: { seq: 1, tsMs: 1_000 }, firstUnacknowledgedSequence: 6 });
    expect(feed.feed.buffer).toMatchObject({ prunedSeq: 1, prunedTsMs: 1_000 });
  });

  it('moves its place on when a part of the history has no open run, though it learns of no new one', () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 500), at(2, 1_500)]);
    feed.ingest([at(3, 2_500)]);
    acknowledge(feed, 1);
    const first = feed.events.slice(0, 4);

    feed.send(acknowledgement(first, new Map([['AAA', 1]])));

    expect(feed.feed.unacknowledged?.sequence).toBe(5);
  });
});
