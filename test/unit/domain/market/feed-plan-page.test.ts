import { describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#contracts/event.ts';
import { captureHeader } from '#domain/market/feed/capture.ts';
import { planPage } from '#domain/market/feed/plan-page.ts';
import type { PlanPage, PlanWindow } from '#domain/market/feed/plan-page.ts';
import { batchRecord, demoConfig, FeedHarness, marketEvent } from '#test/support/market-harness.ts';

const config = demoConfig();
const at = (sequence: number, recv_ts_ms: number, symbol = 'AAA') =>
  batchRecord(sequence, marketEvent({ symbol, recv_ts_ms }));

/** Two symbols, ticks at 1, 2 and 3 s in two commits. */
const planned = (): FeedHarness => {
  const feed = new FeedHarness(config);
  feed.ingest([at(1, 100), at(2, 200, 'BBB'), at(3, 1_100), at(4, 2_100)]);
  feed.ingest([at(5, 3_100)]);
  return feed;
};
const whole = (events: readonly RecordedEvent[]) => ({ events, isWhole: true });
const window = (over: Partial<PlanWindow> = {}): PlanWindow => ({
  place: { sequence: 1, index: 0 },
  config: undefined,
  fromMs: 0,
  toMs: Infinity,
  runsMax: 100,
  ...over,
});
const told = ({ steps }: PlanPage) => steps.map(({ symbol, run }) => `${symbol}@${run.engineTimestampMs}`);
const all = ['AAA@1000', 'BBB@1000', 'AAA@2000', 'BBB@2000', 'AAA@3000', 'BBB@3000'];

describe('a page of a plan', () => {
  const { events } = planned();

  it('holds every run, tick by tick and by symbol, with its configuration and its chunks', () => {
    const page = planPage(whole(events), window());

    expect(told(page)).toEqual(all);
    expect(page.next).toBeUndefined();
    expect(page.steps[0]).toMatchObject({ config, run: { runNo: 1, cutStart: 1, cutEnd: 2 } });
    expect(page.steps[0]?.chunks.refs).toHaveLength(1);
  });

  it.each([1, 2, 3, 4, 5, 6])('goes on behind %i runs, also within a tick, and misses none', (runsMax) => {
    let place = { sequence: 1, index: 0 };
    const seen: string[] = [];
    for (let pages = 0; pages < 10; pages++) {
      const rest = whole(events.filter(({ sequence }) => sequence >= place.sequence));
      const page = planPage(rest, window({ place, runsMax, config }));
      expect(page.steps.length).toBeLessThanOrEqual(runsMax);
      seen.push(...told(page));
      if (!page.next) break;
      ({ next: place } = page as Required<PlanPage>);
    }
    expect(seen).toEqual(all);
  });

  it('takes both ends of its window, and nothing a millisecond outside', () => {
    const between = (fromMs: number, toMs: number) => told(planPage(whole(events), window({ fromMs, toMs })));

    expect(between(1_000, 2_000)).toEqual(all.slice(0, 4));
    expect(between(1_001, 1_999)).toEqual([]);
    expect(between(2_000, 2_000)).toEqual(all.slice(2, 4));
    expect(between(3_001, Infinity)).toEqual([]);
  });

  it('goes on behind its events when they are not all, and ends with its window where more follow', () => {
    const part = { events: events.slice(0, 4), isWhole: false };

    expect(planPage(part, window()).next).toEqual({ sequence: 5, index: 0 });
    expect(planPage(part, window({ toMs: 1_000 })).next).toBeUndefined();
    expect(planPage({ events: [], isWhole: false }, window())).toEqual({ steps: [] });
  });

  it('knows the configuration of each run, changed on the way', () => {
    const feed = planned();
    feed.send({ type: 'DrainFeed' });
    const symbols = [...feed.feed.symbols].map(([symbol, { runNo }]) => ({ symbol: symbol as never, runNo }));
    feed.send({ type: 'AcknowledgeRuns', symbols });
    const other = demoConfig({ engine_options: { deduplicate: true } });
    feed.send({ type: 'CreateFeed', config: other, start: true });
    feed.send({ type: 'StartFeed' });
    feed.ingest([at(6, 4_100)]);

    const { steps } = planPage(whole(feed.events), window());

    expect(steps.map((step) => step.config.engine_options.deduplicate)).toEqual([
      ...all.map(() => false),
      true,
      true,
    ]);
  });

  it('holds no run whose configuration it was not told', () => {
    expect(planPage(whole(events.slice(1)), window()).steps).toEqual([]);
  });
});

describe('the header of a capture', () => {
  it('is the configuration of a simulation, from the start of the schedule to the last cut', () => {
    const { feed } = planned();

    expect(captureHeader(feed, 3)).toEqual({
      schema: 'feed_capture',
      schema_version: '1',
      config: {
        ...config.engine_options,
        scheduler: config.scheduler,
        scheduler_start_now_ms: 100,
        engine_mode: 'truth',
        symbols: ['AAA', 'BBB', 'CCC'],
      },
      record_count: 4,
    });
  });

  it('counts no record of a feed that has none', () => {
    expect(captureHeader(new FeedHarness(config).feed, undefined)).toMatchObject({
      config: { scheduler_start_now_ms: 0 },
      record_count: 0,
    });
  });

  it('is there when what is simulated was set before the first records, and not when after', () => {
    const { feed } = planned();

    expect(captureHeader({ ...feed, simulatedSequence: 2 }, 3)).toBeDefined();
    expect(captureHeader({ ...feed, simulatedSequence: 4 }, 3)).toBeUndefined();
    expect(captureHeader({ ...feed, simulatedSequence: 4 }, undefined)).toBeDefined();
  });
});
