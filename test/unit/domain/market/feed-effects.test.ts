import { describe, expect, it } from 'vitest';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { RUNS_DEADLINE_MS } from '#domain/market/feed/effects.ts';
import { batchLimits } from '#domain/market/feed/plan-batch.ts';
import { RUNS_PER_MESSAGE_MAX } from '#domain/market/feed/run-messages.ts';
import { acknowledgement, runsToResend } from '#domain/market/feed/resend.ts';
import { OPEN_CHUNKS_MAX } from '#domain/market/feed/state.ts';
import { batchRecord, demoConfig, FeedHarness, marketEvent } from '#test/support/market-harness.ts';

const at = (sequence: number, recvTsMs: number, symbol = 'AAA') =>
  batchRecord(sequence, marketEvent({ recv_ts_ms: recvTsMs, symbol }));
const live = () => demoConfig({ clock: 'arrival' });

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
