import { beforeEach, describe, expect, it } from 'vitest';
import { FeedView } from '#contracts/market/feed-view.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { decodeFeed, encodeFeed } from '#domain/market/feed/codec.ts';
import { ingestCommand, newRecords, planBatch } from '#domain/market/feed/plan-batch.ts';
import type { BatchRecord } from '#domain/market/feed/plan-batch.ts';
import { PRESSURE_LOOK_MS, pressureDelayMs } from '#domain/market/feed/pressure-watch.ts';
import { feedProjection, feedRow } from '#domain/market/feed/projection.ts';
import { isInTurn, SPILL_DEADLINE_MS, spillRoom } from '#domain/market/feed/spill.ts';
import {
  batchRecord,
  demoConfig,
  FEED_STREAM,
  FeedHarness,
  marketEvent,
} from '#test/support/market-harness.ts';

const SHARD = 'shard-0';
const at = (sequence: number, recvTsMs = sequence): BatchRecord =>
  batchRecord(sequence, marketEvent({ recv_ts_ms: recvTsMs }));
const upTo = (first: number, last: number): readonly BatchRecord[] =>
  Array.from({ length: last - first + 1 }, (_, index) => at(first + index));

describe('a feed that spills', () => {
  let feed: FeedHarness;
  const begin = (over: object = {}): void => {
    feed = new FeedHarness(
      demoConfig({ buffer_retention: { max_records: 2, on_full: 'spill', max_spilled_records: 5, ...over } }),
    );
    feed.ingest(upTo(1, 2));
  };
  beforeEach(() => begin());

  const spilling = (count: number, last: number, over: object = {}) => ({
    type: 'SpillRecords' as const,
    basedOnVersion: feed.feed.planVersion,
    spilled: {
      hash: sha256Hex(String(last)),
      bytes: 9,
      count,
      shardId: SHARD,
      lastSequenceNumber: String(last),
      ...over,
    },
  });
  const spill = (count: number, last: number) => feed.send(spilling(count, last))[0]?.sequence ?? 0;
  const takingIn = (records: readonly BatchRecord[], place: { sequence: number; index: number }) => {
    const plan = planBatch(feed.feed, { shardId: SHARD, records, spilled: place });
    if (plan.kind !== 'planned') throw new Error('nothing is planned');
    return ingestCommand(plan, 'item');
  };
  const types = (command: Parameters<FeedHarness['decide']>[0]) => {
    const decision = feed.decide(command);
    return decision.kind === 'accepted' ? decision.events.map(({ type }) => type) : decision.rejection.code;
  };

  it('knows where the next record waits and how many do, and that their shard has gone on', () => {
    feed.nowMs = 70;
    const first = spill(3, 5);
    feed.nowMs = 90;
    spill(2, 7);

    expect(feed.feed.spill).toEqual({ sequence: first, index: 0, recordCount: 5, sinceMs: 70, movedMs: 90 });
    expect(feed.feed.shards.get(SHARD)).toBe('7');
    expect(newRecords(feed.feed, { shardId: SHARD, records: upTo(6, 8) })).toEqual([at(8)]);
    expect(newRecords(feed.feed, { shardId: 'other', records: [at(1)] })).toEqual([at(1)]);
    expect(decodeFeed(encodeFeed(feed.state))).toEqual(feed.state);
  });

  it('spills what is new to it, as many as it may, and only as it was looked at', () => {
    expect(types(spilling(5, 7))).toEqual(['RecordsSpilled']);
    expect(types(spilling(6, 8))).toBe('contention');
    expect(types({ ...spilling(1, 3), basedOnVersion: feed.feed.planVersion - 1 })).toBe('contention');
    expect(types(spilling(2, 2))).toEqual([]);
    feed.send({ type: 'DrainFeed' });
    expect(types(spilling(1, 3))).toBe('feed_state_conflict');
  });

  it('has room for as many as its configuration says, and for none when it blocks', () => {
    expect(spillRoom(feed.feed)).toBe(5);
    spill(4, 6);
    expect(spillRoom(feed.feed)).toBe(1);
    spill(1, 7);
    expect(spillRoom(feed.feed)).toBe(0);
    begin({ on_full: 'block' });
    expect(spillRoom(feed.feed)).toBe(0);
    expect(types(spilling(1, 3))).toBe('contention');
  });

  it('takes in what waits, part by part, each once, and nothing newer before it', () => {
    const sequence = spill(3, 5);
    const [three, four, five] = [at(3), at(4), at(5)];
    const part = takingIn([three, four], { sequence, index: 0 });

    feed.send(part);
    expect(feed.feed).toMatchObject({ lastSeq: 4, spill: { sequence, index: 2, recordCount: 1 } });
    expect(feed.feed.shards.get(SHARD)).toBe('5');
    expect(types(part)).toEqual([]);
    expect(types(takingIn([four], { sequence, index: 1 }))).toEqual([]);
    const newer = planBatch(feed.feed, { shardId: SHARD, records: [at(6)] });
    if (newer.kind === 'planned') expect(types(ingestCommand(newer, 'item'))).toBe('contention');
    const rest = takingIn([five], { sequence, index: 2 });
    expect(types({ ...rest, basedOnVersion: rest.basedOnVersion - 1 })).toBe('contention');

    feed.send(rest);
    expect(feed.feed).toMatchObject({ lastSeq: 5 });
    expect(feed.feed.spill).toBeUndefined();
    expect(types(rest)).toEqual([]);
    expect(types(takingIn([five], { sequence, index: 2 }))).toEqual([]);
  });

  it('says that ingestion goes on with the first that is taken in', () => {
    feed.send({ type: 'PauseIngestion', reason: 'capacity', observed: 2, limit: 2 });
    const sequence = spill(2, 4);

    const events = feed.send(takingIn([at(3)], { sequence, index: 0 }));

    expect(events.map(({ type }) => type)).toEqual(['IngestionResumed', 'RecordsIngested']);
  });

  it('shows how many wait, and nothing once none does', () => {
    const view = () => {
      const row = feed.events.reduce<ReturnType<typeof feedProjection.apply>>(
        (known, event) => feedProjection.apply(known, feedRow(FEED_STREAM), event),
        undefined,
      );
      return FeedView.parse(row?.data);
    };
    const sequence = spill(2, 4);
    expect(view()).toMatchObject({ recordCount: 2, spilledRecordCount: 2 });
    feed.send(takingIn([at(3)], { sequence, index: 0 }));
    expect(view()).toMatchObject({ recordCount: 3, spilledRecordCount: 1 });
    feed.send(takingIn([at(4)], { sequence, index: 1 }));
    expect(view()).toMatchObject({ recordCount: 4 });
    expect(view()).not.toHaveProperty('spilledRecordCount');
  });

  it('is looked at every few seconds, and by the sweep, while records wait and it takes them', () => {
    const spills = () => feed.aggregate.waiting(feed.state).filter(({ reason }) => reason === 'spill');
    const watches = () =>
      feed.aggregate.outstanding(feed.state, 0).filter(({ name }) => name.includes('-spilled-'));
    expect([spills(), watches(), pressureDelayMs(feed.feed)]).toEqual([[], [], undefined]);
    feed.nowMs = 70;
    spill(1, 3);

    expect(spills()).toEqual([{ reason: 'spill', deadlineMs: 70 + SPILL_DEADLINE_MS }]);
    expect(watches()).toMatchObject([{ queue: 'timers', delaySeconds: PRESSURE_LOOK_MS / 1_000 }]);
    // What moves is not overdue.
    feed.nowMs = 90;
    const sequence = spill(1, 4) - 1;
    expect(spills()).toEqual([{ reason: 'spill', deadlineMs: 90 + SPILL_DEADLINE_MS }]);
    feed.nowMs = 95;
    feed.send(takingIn([at(3)], { sequence, index: 0 }));
    expect(spills()).toEqual([{ reason: 'spill', deadlineMs: 95 + SPILL_DEADLINE_MS }]);
    feed.send({ type: 'DrainFeed' });
    expect([spills(), watches(), pressureDelayMs(feed.feed)]).toEqual([[], [], undefined]);
  });

  it.each([
    { clock: 'arrival' },
    { sources: [{ source_id: 'venue', symbols: ['AAA', 'BBB'] }] },
    { scheduler: { mode: 'timer', timer_interval_ms: 5 } },
    { engine_options: { deduplicate: true } },
  ])('keeps what its waiting records are placed by: %j', (change) => {
    spill(1, 3);
    feed.send({ type: 'DrainFeed' });

    expect(feed.decide({ type: 'CreateFeed', config: demoConfig(change), start: true })).toMatchObject({
      rejection: {
        code: 'feed_state_conflict',
        message: expect.stringContaining('1 spilled records of the feed wait') as string,
      },
    });
  });

  it('may be given more room, and whatever else they are not placed by, while records wait', () => {
    spill(1, 3);
    feed.send({ type: 'DrainFeed' });
    const config = demoConfig({
      emit_skipped: true,
      buffer_retention: { max_records: 99, on_full: 'spill' },
    });

    expect(feed.decide({ type: 'CreateFeed', config, start: true })).toMatchObject({
      events: [{ type: 'FeedConfigured' }],
    });
  });
});

it('lets spilled records go in order, and newer ones when none is left', () => {
  const spill = { sequence: 5, index: 2, recordCount: 9, sinceMs: 0, movedMs: 0 };

  expect(isInTurn(undefined, undefined)).toBe(true);
  expect(isInTurn(spill, undefined)).toBe(false);
  expect(isInTurn(undefined, { sequence: 5, index: 2 })).toBe(false);
  expect(isInTurn(spill, { sequence: 5, index: 1 })).toBe(false);
  expect(isInTurn(spill, { sequence: 5, index: 2 })).toBe(true);
  expect(isInTurn(spill, { sequence: 6, index: 0 })).toBe(true);
  expect(isInTurn(spill, { sequence: 4, index: 9 })).toBe(false);
});
