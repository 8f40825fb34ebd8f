import { describe, expect, it } from 'vitest';
import { FeedView } from '#contracts/market/feed-view.ts';
import { FEED_SYMBOLS_EVER_MAX } from '#contracts/market/feed-config.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import { decodeFeed, encodeFeed } from '#domain/market/feed/codec.ts';
import { feedHealth, lifecycleState } from '#contracts/market/feed-health.ts';
import type { FeedStatus } from '#contracts/market/feed-health.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { feedProjection, feedRow, healthOf } from '#domain/market/feed/projection.ts';
import {
  batchRecord,
  demoConfig,
  FEED_STREAM,
  FeedHarness,
  marketEvent,
} from '#test/support/market-harness.ts';

const failure = {
  failureDomain: 'buffer',
  errorKind: 'buffer_append_failure',
  errorDetail: 'throttled',
} as const;
const commands = {
  start: { type: 'StartFeed' },
  drain: { type: 'DrainFeed' },
  stop: { type: 'StopFeed' },
  degrade: { type: 'DegradeFeed', ...failure },
} as const satisfies Record<string, FeedCommand>;

const ways: Readonly<Record<FeedStatus, readonly (keyof typeof commands)[]>> = {
  created: [],
  started: ['start'],
  drained: ['start', 'drain'],
  stopped: ['stop'],
  degraded: ['degrade'],
};

const feedIn = (status: FeedStatus): FeedHarness => {
  const feed = new FeedHarness(demoConfig(), false);
  for (const call of ways[status]) feed.send(commands[call]);
  expect(feed.feed.status).toBe(status);
  return feed;
};
const at = (sequence: number, recvTsMs: number, symbol = 'AAA') =>
  batchRecord(sequence, marketEvent({ recv_ts_ms: recvTsMs, symbol }));
const viewOf = (feed: FeedHarness): FeedView => {
  const key = feedRow(FEED_STREAM);
  const row = feed.events.reduce<ReturnType<typeof feedProjection.apply>>(
    (known, event) => feedProjection.apply(known, key, event),
    undefined,
  );
  return FeedView.parse(row?.data);
};

describe('the life of a feed', () => {
  it.each([
    ['created', 'start', 'started'],
    ['created', 'drain', 'cannot drain from init'],
    ['created', 'stop', 'stopped'],
    ['created', 'degrade', 'degraded'],
    ['started', 'start', 'cannot start from running'],
    ['started', 'drain', 'drained'],
    ['started', 'stop', 'stopped'],
    ['started', 'degrade', 'degraded'],
    ['drained', 'start', 'started'],
    ['drained', 'drain', 'cannot drain from drained'],
    ['drained', 'stop', 'stopped'],
    ['drained', 'degrade', 'degraded'],
    ['stopped', 'start', 'cannot start from stopped'],
    ['stopped', 'drain', 'cannot drain from stopped'],
    ['stopped', 'stop', 'stopped'],
    ['stopped', 'degrade', 'stopped'],
    ['degraded', 'start', 'cannot start from degraded'],
    ['degraded', 'drain', 'cannot drain from degraded'],
    ['degraded', 'stop', 'stopped'],
    ['degraded', 'degrade', 'degraded'],
  ] as const)('%s, told to %s: %s', (status, call, expected) => {
    const feed = feedIn(status);
    const decision = feed.decide(commands[call]);

    if (decision.kind === 'rejected') {
      expect(decision.rejection).toMatchObject({ code: 'feed_state_conflict', message: expected });
      return;
    }
    feed.send(commands[call]);
    expect(feed.feed.status).toBe(expected);
    expect(viewOf(feed)).toMatchObject({ state: expected });
    expect(healthOf(viewOf(feed)).state).toBe(lifecycleState[expected as FeedStatus]);
  });

  it('is ready exactly while it runs and nothing of it is paused', () => {
    for (const state of ['init', 'running', 'drained', 'stopped', 'degraded'] as const)
      for (const ingestion_paused of [false, true])
        for (const scheduling_paused of [false, true])
          expect(feedHealth(state, { ingestion_paused, scheduling_paused }).ready).toBe(
            state === 'running' && !ingestion_paused && !scheduling_paused,
          );
  });

  it('takes records in only while it runs, and plans nothing else either', () => {
    for (const status of ['created', 'drained', 'stopped'] as const) {
      const feed = feedIn(status);

      expect(() => feed.ingest([at(1, 500)])).toThrow('it takes in records only while it runs');
      expect(feed.send({ type: 'PlanTicks', clock: 'record', beforeMs: 9_000 })).toEqual([]);
    }
  });

  it('recovers with the first batch that could be kept, or when a person resumes it', () => {
    const feed = feedIn('degraded');
    expect(healthOf(viewOf(feed))).toEqual({
      ready: false,
      state: 'degraded',
      ingestion_paused: true,
      scheduling_paused: false,
    });

    feed.ingest([at(1, 500)]);
    expect(feed.events.slice(-2).map(({ type }) => type)).toEqual(['FeedRecovered', 'RecordsIngested']);
    expect(healthOf(viewOf(feed)).ready).toBe(true);

    feed.send(commands.degrade);
    feed.send({ type: 'ResumeFeed', reason: 'the bucket answers again' });
    expect(feed.feed.status).toBe('started');
  });

  it('recovers when a batch comes again that it holds, and by no other', () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 500)]);
    const [[shardId, taken]] = [...feed.feed.shards] as [[string, string]];
    const confirm = (lastSequenceNumber: string, shard = shardId) =>
      feed.decide({ type: 'ConfirmBatch', shardId: shard, lastSequenceNumber });

    expect(confirm(taken)).toEqual({ kind: 'accepted', events: [] });
    feed.send(commands.degrade);
    expect(confirm(`${taken}0`)).toEqual({ kind: 'accepted', events: [] });
    expect(confirm(taken, 'shard-other')).toEqual({ kind: 'accepted', events: [] });
    expect(confirm(taken)).toMatchObject({ events: [{ type: 'FeedRecovered' }] });
  });

  it('still runs what was planned before it was drained or stopped', () => {
    for (const call of ['drain', 'stop'] as const) {
      const feed = new FeedHarness(demoConfig());
      feed.ingest([at(1, 500), at(2, 1_500)]);
      feed.send(commands[call]);

      expect(feed.messages()).toHaveLength(1);
      expect(feed.aggregate.waiting(feed.state)).toMatchObject([{ reason: 'engine-runs' }]);
    }
  });
});

describe('another configuration', () => {
  const configure = (feed: FeedHarness, config: Readonly<Record<string, unknown>>) =>
    feed.decide({ type: 'CreateFeed', config: demoConfig(config), start: true });

  it('is taken by a feed that was created or drained, and by no other', () => {
    const other = { emit_skipped: true };
    for (const status of ['created', 'drained'] as const)
      expect(configure(feedIn(status), other)).toMatchObject({ events: [{ type: 'FeedConfigured' }] });
    for (const status of ['started', 'stopped', 'degraded'] as const)
      expect(configure(feedIn(status), other)).toMatchObject({ rejection: { code: 'feed_exists' } });
  });

  it('is refused while runs are at work, which would read it', () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 500), at(2, 1_500)]);
    feed.send(commands.drain);

    expect(configure(feed, { emit_skipped: true })).toMatchObject({
      rejection: { code: 'feed_state_conflict' },
    });
  });

  it('lets the schedule go on behind the last tick and the new delay, so that no engine timestamp goes back', () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 500), at(2, 1_500)]);
    feed.send({ type: 'AcknowledgeRuns', symbols: [{ symbol: 'AAA', runNo: 1 } as never] });
    feed.send(commands.drain);
    const scheduler = { mode: 'boundary', boundary_interval_ms: 700, boundary_delay_ms: 5_000 };
    feed.send({ type: 'CreateFeed', config: demoConfig({ scheduler }), start: false });

    expect(feed.feed.schedule).toEqual({ startMs: 6_001 });
    expect(viewOf(feed).config.scheduler).toEqual(scheduler);
    feed.send(commands.start);
    feed.ingest([at(3, 7_000)]);
    expect(feed.feed.planned?.ticks).toMatchObject([{ plannedTsMs: 6_400, engineTimestampMs: 1_400 }]);
  });

  it('starts the schedule with the first record when there was none', () => {
    const feed = feedIn('created');
    feed.send({ type: 'CreateFeed', config: demoConfig({ clock: 'arrival' }), start: false });

    expect(feed.feed.schedule).toBeUndefined();
    expect(feed.feed.config.clock).toBe('arrival');
  });

  it('of timer mode needs no room for a delay', () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 500), at(2, 1_500)]);
    feed.send({ type: 'AcknowledgeRuns', symbols: [{ symbol: 'AAA', runNo: 1 } as never] });
    feed.send(commands.drain);
    const scheduler = { mode: 'timer', timer_interval_ms: 250 };
    feed.send({ type: 'CreateFeed', config: demoConfig({ scheduler }), start: false });

    expect(feed.feed.schedule).toEqual({ startMs: 1_001 });
  });

  const drained = (config: Readonly<Record<string, unknown>>, symbols: readonly string[]) => {
    const feed = new FeedHarness(demoConfig(config));
    feed.ingest([...symbols.map((symbol, index) => at(index + 1, 500, symbol)), at(9, 1_600)]);
    const acknowledged = symbols.map((symbol) => ({ symbol: symbol as never, runNo: 9 }));
    feed.send({ type: 'AcknowledgeRuns', symbols: acknowledged });
    feed.send(commands.drain);
    return feed;
  };

  it('leaves the schedule alone when the scheduler is the same, whose ticks others may have counted on', () => {
    const scheduler = { mode: 'timer', timer_interval_ms: 1_000 };
    const feed = drained({ scheduler }, ['AAA']);
    feed.send({
      type: 'CreateFeed',
      config: demoConfig({ scheduler, dashboards: { default_time_window_ms: 5 } }),
      start: false,
    });

    feed.send(commands.start);
    feed.ingest([at(10, 2_600)]);
    expect(feed.feed.planned?.ticks).toMatchObject([{ plannedTsMs: 2_500 }]);
  });

  it('leaves what one simulation tells as it was, unless a simulation goes by what changed', () => {
    const feed = drained({}, ['AAA']);
    const created = feed.feed.configSequence;
    feed.send({ type: 'CreateFeed', config: demoConfig({ emit_skipped: true }), start: false });

    expect(feed.feed).toMatchObject({ simulatedSequence: created });
    expect(feed.feed.configSequence).toBeGreaterThan(created);
    expect(decodeFeed(encodeFeed(feed.feed))).toEqual(feed.feed);
    feed.send({
      type: 'CreateFeed',
      config: demoConfig({ engine_options: { deduplicate: true } }),
      start: false,
    });
    expect(feed.feed.simulatedSequence).toBe(feed.feed.configSequence);
  });

  it.each([
    [FEED_SYMBOLS_EVER_MAX, 'accepted'],
    [FEED_SYMBOLS_EVER_MAX + 1, 'rejected'],
  ])('with which it would have listed %i symbols over its life is %s', (count, kind) => {
    const { feed } = drained({}, ['AAA']);
    const known = feed.symbols.get('AAA');
    if (!known) throw new Error('the feed has not run its symbol');
    const symbols = new Map(Array.from({ length: count - 1 }, (_, index) => [`S${index}`, known]));
    const config = demoConfig({ sources: [{ source_id: 'venue', symbols: ['S0', 'NEW'] }] });

    const decision = feedAggregate.decide(
      { type: 'CreateFeed', config, start: false },
      { ...feed, symbols },
      { nowMs: 0, stream: FEED_STREAM },
    );

    expect(decision.kind).toBe(kind);
    if (decision.kind === 'rejected') expect(decision.rejection.code).toBe('invalid_feed_config');
  });

  it('says of a long silence the last thousand skipped ticks, and counts those before', () => {
    const feed = drained({ emit_skipped: true }, ['AAA']);
    feed.send(commands.start);
    const { clock } = feed.feed.config;
    // The first of 1,500 ticks cuts the record that is left.
    const last = (feed.feed.schedule?.lastTickMs ?? 0) + 1_500_000;

    const decision = feed.decide({ type: 'PlanTicks', clock, beforeMs: last + 1 });

    expect(decision).toMatchObject({ events: [{ type: 'TicksPlanned', data: { idleCount: 499 } }] });
  });

  it('that has planned nothing yet takes an acknowledgement for nothing', () => {
    const { feed, events, state } = new FeedHarness(demoConfig());
    const [first] = events;
    if (!first) throw new Error('the feed has no event');
    const acknowledged = { type: 'RunsAcknowledged', data: { symbols: [] }, sequence: feed.version + 1 };

    expect(feedAggregate.evolve(state, { ...first, ...acknowledged })).toMatchObject({
      buffer: feed.buffer,
      lastSeq: feed.lastSeq,
    });
  });

  it('passes ticks by while no symbol that it lists has records', () => {
    const feed = drained({}, ['AAA']);
    const config = demoConfig({ sources: [{ source_id: 'venue', symbols: ['NEW'] }] });
    feed.send({ type: 'CreateFeed', config, start: false });
    feed.send(commands.start);
    const { clock } = feed.feed.config;

    expect(feed.decide({ type: 'PlanTicks', clock, beforeMs: 9_000 })).toMatchObject({
      events: [{ type: 'TicksPlanned', data: { ticks: [], idleCount: 7, lastTickMs: 8_000 } }],
    });
  });

  it('runs no symbol that it no longer lists, and goes on with its runs when it does again', () => {
    const feed = drained({}, ['AAA', 'BBB']);
    const listing = (...symbols: readonly string[]) => {
      const config = demoConfig({ sources: [{ source_id: 'venue', symbols }] });
      feed.send({ type: 'CreateFeed', config, start: false });
      feed.send(commands.start);
    };
    const runs = () => feed.feed.planned?.ticks.flatMap((tick) => tick.runs);

    listing('AAA');
    feed.ingest([at(10, 2_600)]);
    expect(runs()).toMatchObject([{ symbol: 'AAA', runNo: 2 }]);

    feed.send({ type: 'AcknowledgeRuns', symbols: [{ symbol: 'AAA' as never, runNo: 9 }] });
    feed.send(commands.drain);
    listing('AAA', 'BBB');
    feed.ingest([at(11, 3_600, 'BBB')]);
    expect(runs()).toMatchObject([
      { symbol: 'AAA', runNo: 3 },
      { symbol: 'BBB', runNo: 2 },
    ]);
  });
});
