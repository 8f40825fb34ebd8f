import { beforeEach, describe, expect, it } from 'vitest';
import { FeedPressureMessage } from '#contracts/market/feed-timer.ts';
import { oldestSentMs, PRESSURE_LOOK_MS, pressureDelayMs } from '#domain/market/feed/pressure-watch.ts';
import {
  batchRecord,
  demoConfig,
  FEED_STREAM,
  FeedHarness,
  marketEvent,
} from '#test/support/market-harness.ts';

const at = (sequence: number, recvTsMs: number) =>
  batchRecord(sequence, marketEvent({ recv_ts_ms: recvTsMs }));
const pause = { type: 'PauseScheduling', reason: 'queue_depth', observed: 9, limit: 8 } as const;

describe('the watch of a feed over the queue of engine runs', () => {
  let feed: FeedHarness;
  beforeEach(() => {
    feed = new FeedHarness(demoConfig());
  });

  const bounded = (max_block_ms: number): void => {
    feed = new FeedHarness(demoConfig({ output_publish: { max_block_ms } }));
  };
  const plan = (...seconds: readonly number[]): void =>
    seconds.forEach((second) => feed.ingest([at(second + 1, second * 1_000 + 500)]));
  const watches = () =>
    feed.aggregate
      .outstanding(feed.state, feed.nowMs)
      .filter((effect) => effect.kind === 'send-message' && effect.name.startsWith('pressure-'));

  it('is needed by nobody whose runs go out and may be as old as they like', () => {
    plan(0, 1);

    expect(watches()).toEqual([]);
    expect(pressureDelayMs(feed.feed)).toBeUndefined();
  });

  it('is owed once for a pause, and no longer than it', () => {
    feed.send(pause);
    const [watch, ...more] = watches();

    expect(more).toEqual([]);
    expect(watch).toMatchObject({ queue: 'timers', delaySeconds: 5 });
    expect(FeedPressureMessage.parse((watch as { readonly body?: unknown }).body)).toEqual({
      kind: 'feed-pressure',
      feedStream: FEED_STREAM,
    });
    plan(0, 1, 2);
    expect(watches()).toEqual([watch]);
    feed.send({ type: 'ResumeScheduling' });
    expect(watches()).toEqual([]);
  });

  it('is owed while runs are at work whose age is bounded, until all of them are terminal', () => {
    bounded(60_000);
    plan(0);
    expect(watches()).toEqual([]);
    plan(1);

    expect(watches()).toMatchObject([{ delaySeconds: 61 }]);
    expect(pressureDelayMs(feed.feed, 59_000)).toBe(PRESSURE_LOOK_MS);
    expect(pressureDelayMs(feed.feed, 50_000)).toBe(10_001);
    feed.send({
      type: 'AcknowledgeRuns',
      symbols: [...feed.feed.symbols].map(([symbol, { runNo }]) => ({ symbol: symbol as never, runNo })),
    });
    expect(watches()).toEqual([]);
  });

  it('waits no longer for a look than a queue can', () => {
    bounded(10_000_000);
    plan(0, 1);

    expect(watches()).toMatchObject([{ delaySeconds: 900 }]);
  });

  describe('measures the age of a run', () => {
    const ageFrom = (runNo: number) => oldestSentMs(feed.feed, feed.events, new Map([['AAA', runNo]]));

    it('since its plan, for the oldest that is not terminal', () => {
      [100, 200, 300].forEach((nowMs, second) => {
        feed.nowMs = nowMs;
        plan(second);
      });

      expect(ageFrom(0)).toBe(200);
      expect(ageFrom(1)).toBe(300);
      expect(ageFrom(2)).toBeUndefined();
    });

    it('not while it is held back, and from its sending on afterwards', () => {
      plan(0);
      feed.send(pause);
      feed.nowMs = 100;
      plan(1);
      expect(ageFrom(0)).toBeUndefined();
      feed.nowMs = 500;
      feed.send({ type: 'ResumeScheduling' });
      feed.send({ type: 'RecordDispatch', throughSequence: feed.feed.held?.lastSequence ?? 0 });

      expect(ageFrom(0)).toBe(500);
    });
  });
});
