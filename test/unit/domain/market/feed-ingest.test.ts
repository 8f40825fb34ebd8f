import { describe, expect, it } from 'vitest';
import { feedEvents } from '#contracts/market/feed.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import {
  batchLimits,
  compareSequenceNumbers,
  ingestCommand,
  planBatch,
} from '#domain/market/feed/plan-batch.ts';
import { acknowledgement } from '#domain/market/feed/resend.ts';
import { SHARDS_MAX } from '#domain/market/feed/state.ts';
import {
  batchRecord,
  demoConfig,
  FEED_STREAM,
  FeedHarness,
  marketEvent,
  StreamHarness,
} from '#test/support/market-harness.ts';

const at = (sequence: number, recvTsMs: number, symbol = 'AAA') =>
  batchRecord(sequence, marketEvent({ recv_ts_ms: recvTsMs, symbol }));
const refusal = (harness: FeedHarness, command: Parameters<FeedHarness['decide']>[0]) => {
  const decision = harness.decide(command);
  return decision.kind === 'rejected' ? decision.rejection.code : decision.events.length;
};
const live = () => demoConfig({ clock: 'arrival' });

describe('creating and starting', () => {
  it('creates once, and refuses another configuration under the same name', () => {
    const feed = new FeedHarness(demoConfig(), false);

    expect(refusal(feed, { type: 'CreateFeed', config: demoConfig(), start: false })).toBe(0);
    expect(feed.send({ type: 'CreateFeed', config: demoConfig(), start: true })).toMatchObject([
      { type: 'FeedStarted' },
    ]);
    expect(refusal(feed, { type: 'CreateFeed', config: live(), start: false })).toBe('feed_exists');
    expect(refusal(feed, { type: 'CreateFeed', config: demoConfig(), start: true })).toBe(0);
    expect(refusal(feed, { type: 'StartFeed' })).toBe('feed_state_conflict');
  });

  it('starts a created feed', () => {
    const feed = new FeedHarness(demoConfig(), false);

    expect(feed.send({ type: 'StartFeed' })).toMatchObject([{ type: 'FeedStarted' }]);
    expect(feed.feed.status).toBe('started');
  });

  it('refuses everything else on a feed that does not exist', () => {
    const none = new StreamHarness(feedAggregate, FEED_STREAM);
    const started = new FeedHarness(demoConfig());
    const plan = planBatch(started.feed, { shardId: 's', records: [at(1, 5)] });
    if (plan.kind !== 'planned') throw new Error('no plan');

    const commands: readonly FeedCommand[] = [
      { type: 'StartFeed' },
      { type: 'PlanTicks', clock: 'record', beforeMs: 1 },
      { type: 'AcknowledgeRuns', symbols: [] },
      ingestCommand(plan, 'item'),
    ];
    for (const command of commands)
      expect(none.decide(command)).toMatchObject({ rejection: { code: 'feed_not_found' } });
    expect(refusal(new FeedHarness(demoConfig(), false), ingestCommand(plan, 'item'))).toBe(
      'feed_state_conflict',
    );
    expect([none.aggregate.outstanding(none.state, 0), none.aggregate.waiting(none.state)]).toEqual([[], []]);
  });
});

describe('ingesting', () => {
  it('numbers records from 1, whatever their symbol, and never goes back in time', () => {
    const feed = new FeedHarness(demoConfig());

    feed.ingest([at(1, 500), at(2, 300, 'BBB'), at(3, 700)]);

    expect(feed.records.map(({ ingestSeq, ingestTsMs }) => [ingestSeq, ingestTsMs])).toEqual([
      [1, 500],
      [2, 500],
      [3, 700],
    ]);
  });

  it('drops what a shard delivered before and keeps a genuine duplicate', () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 500), at(2, 500)]);

    feed.ingest([at(1, 500), at(2, 500), at(3, 500)]);

    expect(feed.records).toHaveLength(3);
    expect(planBatch(feed.feed, { shardId: 'shard-0', records: [at(2, 500), at(3, 500)] })).toEqual({
      kind: 'nothing-new',
      duplicateCount: 2,
    });
  });

  it('refuses a plan made before the feed moved, and takes a repeat of one it has for done', () => {
    const feed = new FeedHarness(demoConfig());
    const mine = planBatch(feed.feed, { shardId: 'a', records: [at(1, 500)] });
    const other = planBatch(feed.feed, { shardId: 'b', records: [at(1, 500)] });
    if (mine.kind !== 'planned' || other.kind !== 'planned') throw new Error('no plan');

    feed.send(ingestCommand(mine, 'item'));

    expect(refusal(feed, ingestCommand(other, 'item'))).toBe('contention');
    expect(refusal(feed, ingestCommand(mine, 'item'))).toBe(0);
  });

  it('does not mind an acknowledgement between plan and commit', () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 500), at(2, 1_500)]);
    const plan = planBatch(feed.feed, { shardId: 'shard-0', records: [at(3, 1_600)] });
    if (plan.kind !== 'planned') throw new Error('no plan');

    feed.send(acknowledgement(feed.events, new Map([['AAA', 1]])));

    expect(refusal(feed, ingestCommand(plan, 'blob'))).toBe(1);
  });

  it('orders sequence numbers by value, not by text', () => {
    expect([
      compareSequenceNumbers('9', '10'),
      compareSequenceNumbers('10', '9'),
      compareSequenceNumbers('7', '7'),
    ]).toEqual([-1, 1, 0]);
  });

  it('gives a record without a time the time of the one before it, and begins no schedule with it', () => {
    const feed = new FeedHarness(demoConfig());

    feed.ingest([batchRecord(1, 'garbage', 9e12), at(2, 500), batchRecord(3, 'garbage', 9e12), at(4, 1_001)]);

    expect(feed.records.map((record) => record.ingestTsMs)).toEqual([0, 500, 500, 1_001]);
    expect(feed.feed.schedule).toEqual({ startMs: 500, lastTickMs: 1_000 });
    expect(feed.feed.symbols.has('key')).toBe(false);
    expect(feed.events.find((event) => event.type === 'RecordsIngested')?.data['decodeFailures']).toBe(2);
  });

  it('goes by arrival when its clock says so', () => {
    const feed = new FeedHarness(live());

    feed.ingest([batchRecord(1, marketEvent({ recv_ts_ms: 9 }), 400), batchRecord(2, 'garbage', 450)]);

    expect(feed.records.map((record) => record.ingestTsMs)).toEqual([400, 450]);
  });

  it.each([
    ['records', { recordsMax: 2 }, [2, 2, 1]],
    ['characters', { chunkTextMax: 1 }, [1, 1, 1, 1, 1]],
    ['symbols', { directoryBytesMax: 170 }, [3, 2]],
  ])('commits no more %s at once than it may', (_name, bound, sizes) => {
    const feed = new FeedHarness(demoConfig());

    feed.ingest([at(1, 1), at(2, 1, 'BBB'), at(3, 1), at(4, 1, 'CCC'), at(5, 1)], {
      ...batchLimits,
      ...bound,
    });

    const ingested = feed.events.filter((event) => event.type === 'RecordsIngested');
    expect(ingested.map((event) => feedEvents.RecordsIngested.parse(event.data).chunk.count)).toEqual(sizes);
  });

  it('remembers a bounded number of shards, forgetting the one unused for longest', () => {
    const feed = new FeedHarness(demoConfig());
    for (let shard = 0; shard <= SHARDS_MAX; shard++) {
      feed.ingest([at(1, 1)], undefined, `shard-${shard}`);
      feed.ingest([at(shard + 2, 1)], undefined, 'shard-0');
    }

    expect(feed.feed.shards.size).toBe(SHARDS_MAX);
    expect([feed.feed.shards.has('shard-0'), feed.feed.shards.has('shard-1')]).toEqual([true, false]);
  });
});
