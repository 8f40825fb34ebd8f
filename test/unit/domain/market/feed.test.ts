import { describe, expect, it } from 'vitest';
import { feedEvents } from '#contracts/market/feed.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { RUNS_DEADLINE_MS } from '#domain/market/feed/effects.ts';
import {
  batchLimits,
  compareSequenceNumbers,
  ingestCommand,
  planBatch,
} from '#domain/market/feed/plan-batch.ts';
import { RUNS_PER_MESSAGE_MAX } from '#domain/market/feed/run-messages.ts';
import { acknowledgement, runsToResend } from '#domain/market/feed/resend.ts';
import { OPEN_CHUNKS_MAX, SHARDS_MAX } from '#domain/market/feed/state.ts';
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
const ticksOf = (harness: FeedHarness) =>
  harness.events
    .filter((event) => event.type === 'TicksPlanned')
    .flatMap((event) => feedEvents.TicksPlanned.parse(event.data).ticks)
    .map((tick) => [
      tick.plannedTsMs,
      tick.cutEnd,
      tick.runs.map((run) => `${run.symbol}${run.runNo}@${run.cutStart}`).join(' '),
    ]);
const refusal = (harness: FeedHarness, command: Parameters<FeedHarness['decide']>[0]) => {
  const decision = harness.decide(command);
  return decision.kind === 'rejected' ? decision.rejection.code : decision.events.length;
};
const live = () => demoConfig({ clock: 'arrival' });

describe('creating and starting', () => {
  it('creates once, and refuses another configuration under the same name', () => {
    const feed = new FeedHarness(demoConfig(), false);

    expect(refusal(feed, { type: 'CreateFeed', config: demoConfig(), start: false })).toBe(0);
    expect(refusal(feed, { type: 'CreateFeed', config: live(), start: false })).toBe('feed_exists');
    expect(feed.send({ type: 'CreateFeed', config: demoConfig(), start: true })).toMatchObject([
      { type: 'FeedStarted' },
    ]);
    expect(refusal(feed, { type: 'CreateFeed', config: demoConfig(), start: true })).toBe(0);
    expect(refusal(feed, { type: 'StartFeed' })).toBe(0);
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

describe('effects', () => {
  it('sends the runs of the last commit, one group per symbol', () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 500), at(2, 500, 'BBB'), at(3, 1_500), at(4, 2_500)]);

    const effects = feed.aggregate.outstanding(feed.state, 0);

    expect(effects).toMatchObject([
      {
        queue: 'engine-runs',
        groupId: 'prod/demo|AAA',
        body: {
          symbol: 'AAA',
          runs: [
            { runNo: 1, cutStart: 1, cutEnd: 2 },
            { runNo: 2, cutStart: 3, cutEnd: 3 },
          ],
        },
      },
      { queue: 'engine-runs', groupId: 'prod/demo|BBB', body: { symbol: 'BBB' } },
    ]);
    expect(new Set(effects.map((effect) => effect.name)).size).toBe(2);
  });

  it('hashes a group whose name a FIFO queue would refuse', () => {
    const feed = new FeedHarness(demoConfig({ sources: [{ source_id: 'venue', symbols: ['ÅRE€'] }] }));
    feed.ingest([at(1, 500, 'ÅRE€'), at(2, 1_500, 'ÅRE€')]);

    expect(feed.aggregate.outstanding(feed.state, 0)).toMatchObject([
      { groupId: expect.stringMatching(/^[a-z2-7]{26}$/) },
    ]);
  });

  it('splits the runs of a symbol into messages of a bounded size', () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest(
      Array.from({ length: RUNS_PER_MESSAGE_MAX + 2 }, (_, index) => at(index + 1, index * 1_000 + 500)),
    );

    expect(feed.messages().map((message) => message.runs.length)).toEqual([RUNS_PER_MESSAGE_MAX, 1]);
  });

  it('owes nothing for a commit without runs, nor for runs that are terminal', () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 500), at(2, 1_500)]);
    feed.send(acknowledgement(feed.events, new Map([['AAA', 1]])));
    expect(feed.messages()).toEqual([]);

    feed.ingest([at(3, 1_600)]);
    expect(feed.messages()).toEqual([]);
  });

  it('owes a timer when a live schedule moved, and only then', () => {
    const feed = new FeedHarness(live());
    const timers = (nowMs = 0) =>
      feed.aggregate
        .outstanding(feed.state, nowMs)
        .filter((effect) => effect.kind === 'send-message' && effect.queue === 'timers');
    expect(timers()).toEqual([]);

    feed.ingest([batchRecord(1, marketEvent(), 500)]);
    expect(timers(500)).toMatchObject([{ delaySeconds: 1, body: { kind: 'feed-tick', beforeMs: 1_001 } }]);
    expect(timers(5_000)).toMatchObject([{ delaySeconds: 0 }]);
    expect(timers(-9e9)).toMatchObject([{ delaySeconds: 900 }]);
    feed.ingest([batchRecord(2, marketEvent(), 600)]);
    expect(timers()).toEqual([]);
    feed.send(feed.aggregate.sweepCommand(1_001));
    expect(timers()).toMatchObject([{ body: { beforeMs: 2_001 } }]);
    expect(feed.aggregate.waiting(feed.state)).toMatchObject([
      { reason: 'engine-runs' },
      { reason: 'tick', deadlineMs: 2_000 },
    ]);
    expect(feed.aggregate.waiting(new FeedHarness(live()).state)).toEqual([]);
  });
});

describe('acknowledging', () => {
  const running = () => {
    const feed = new FeedHarness(demoConfig());
    feed.nowMs = 10;
    feed.ingest([at(1, 500), at(2, 500, 'BBB'), at(3, 1_500)]);
    feed.nowMs = 20;
    feed.ingest([at(4, 2_500)]);
    return feed;
  };

  it('waits for runs from the oldest unacknowledged commit on', () => {
    const feed = running();

    expect(feed.aggregate.waiting(feed.state)).toEqual([
      { reason: 'engine-runs', deadlineMs: 10 + RUNS_DEADLINE_MS },
    ]);
    expect(feed.feed.unacknowledged?.sequence).toBe(4);
  });

  it('moves on to the first commit that is still open, and rests when there is none', () => {
    const feed = running();
    feed.nowMs = 30;

    feed.send(
      acknowledgement(
        feed.events,
        new Map([
          ['AAA', 2],
          ['BBB', 1],
        ]),
      ),
    );
    expect(feed.feed.unacknowledged).toEqual({ sequence: 6, sinceMs: 30 });
    feed.send(acknowledgement(feed.events, new Map([['BBB', 99]])));
    expect(feed.aggregate.waiting(feed.state)).toEqual([]);
  });

  it('ignores what it knows, what it never planned, and symbols without a terminal run', () => {
    const feed = running();
    const terminal = new Map([
      ['AAA', 1],
      ['BBB', 0],
      ['ZZZ', 7],
    ]);

    expect(feed.send(acknowledgement(feed.events, terminal))).toHaveLength(1);
    expect(feed.send(acknowledgement(feed.events, terminal))).toEqual([]);
    expect(feed.feed.symbols.get('BBB')?.acknowledged).toBe(0);
  });

  it('keeps its place when an acknowledgement does not name one', () => {
    const feed = running();

    feed.send({
      type: 'AcknowledgeRuns',
      ...{ symbols: acknowledgement([], new Map([['AAA', 1]])).symbols },
    });

    expect(feed.feed.unacknowledged?.sequence).toBe(4);
  });

  it('sends again from the ledger what is not terminal, oldest first', () => {
    const feed = running();

    const messages = runsToResend(feed.feed, feed.events, new Map([['AAA', 1]]));

    expect(messages.map((message) => [message.symbol, message.runs.map((run) => run.runNo)])).toEqual([
      ['BBB', [1]],
      ['AAA', [2]],
      ['BBB', [2]],
    ]);
  });
});

describe('the folded state', () => {
  it('is read back as it was written, at every version', () => {
    const feed = new FeedHarness(live());
    feed.ingest(
      Array.from({ length: OPEN_CHUNKS_MAX + 3 }, (_, index) => batchRecord(index + 1, marketEvent(), index)),
      { ...batchLimits, recordsMax: 1 },
    );
    feed.ingest([batchRecord(100, marketEvent({ symbol: 'BBB' }), 1_500)]);
    feed.send(acknowledgement(feed.events, new Map([['AAA', 1]])));
    let state = feedAggregate.initialState();

    for (const event of feed.events) {
      state = feedAggregate.evolve(state, event);
      expect(feedAggregate.decodeState(feedAggregate.encodeState(state))).toEqual(state);
    }

    expect(state).toEqual(feed.state);
    expect(feedAggregate.decodeState(feedAggregate.encodeState(feedAggregate.initialState()))).toEqual({
      status: 'none',
    });
  });

  it('does not change with a type it does not know', () => {
    const feed = new FeedHarness(demoConfig());
    const [event] = feed.events;
    if (!event) throw new Error('no event');
    const strange = { ...event, type: 'FeedRepainted', sequence: 99 };

    expect(feedAggregate.evolve(feed.state, strange)).toEqual(feed.state);
    expect(feedAggregate.evolve({ status: 'none' }, strange)).toEqual({ status: 'none' });
    expect(feedAggregate.isTerminal(feed.state)).toBe(false);
  });

  it('ignores symbols it does not know in ticks and acknowledgements', () => {
    const feed = new FeedHarness(demoConfig());
    feed.ingest([at(1, 500), at(2, 1_500)]);
    const planned = feed.events.find((event) => event.type === 'TicksPlanned');
    if (!planned) throw new Error('no ticks');
    const ticks = [
      {
        plannedTsMs: 2_000,
        engineTimestampMs: 2_000,
        cutKind: 'boundary',
        cutEnd: 2,
        runs: [{ symbol: 'ZZZ', runNo: 1, cutStart: 1 }],
      },
    ];

    const ticked = feedAggregate.evolve(feed.state, {
      ...planned,
      sequence: 9,
      data: { ...planned.data, ticks, lastTickMs: 2_000 },
    });
    const acknowledged = feedAggregate.evolve(ticked, {
      ...planned,
      type: 'RunsAcknowledged',
      sequence: 10,
      data: { symbols: [{ symbol: 'ZZZ', runNo: 1 }] },
    });

    expect(acknowledged).toMatchObject({ symbols: feed.feed.symbols, version: 10, planVersion: 9 });
    expect(feedAggregate.outstanding(acknowledged, 0)).toHaveLength(1);
    expect(feedAggregate.decodeState(feedAggregate.encodeState(ticked))).toMatchObject({
      planned: { ticks: [{ runs: [] }] },
    });
  });
});
