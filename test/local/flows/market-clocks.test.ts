import { describe, expect, it } from 'vitest';

import { apiOf, bootTestCloud, START_MS } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import {
  buffered,
  engineRuns,
  minuteFeed,
  putRecords,
  readFeed,
  receiveAll,
  snapshotInputs,
  startFeed,
  trade,
  published,
} from '#test/support/cloud-market.ts';
import { dropControl, purge } from '#test/support/cloud-stores.ts';

const MINUTE_MS = 60_000;

const stage = async (config: object): Promise<Api> => {
  const api = apiOf(await bootTestCloud());
  await startFeed(api, 'feed', config);
  return api;
};

/** Boundary and state of every run, oldest first, in minutes from the start. */
const runsOf = async (api: Api, feedId = 'feed') =>
  (await engineRuns(api, feedId))
    .map((run) => [run.symbol, (run.engine_timestamp_ms - START_MS) / MINUTE_MS, run.status] as const)
    .reverse();

const live = minuteFeed({ clock: 'arrival' });

describe('a feed whose clock is the arrival', () => {
  it('plans its next tick by a timer although no record follows', async () => {
    const api = await stage(live);
    await api.cloud.advance(10_000);
    await putRecords(api.cloud, [trade('AAA', 1), snapshotInputs('AAA', START_MS + MINUTE_MS, 2)]);
    await api.cloud.settle();
    expect(await runsOf(api)).toEqual([]);
    await api.cloud.advance(MINUTE_MS);
    expect(await runsOf(api)).toEqual([['AAA', 1, 'completed']]);
    await api.cloud.advance(5 * MINUTE_MS);
    expect(await runsOf(api)).toEqual([['AAA', 1, 'completed']]);
    expect(await readFeed(api)).toMatchObject({ tickCount: 6, plannedRunCount: 1 });
    expect((await published(api.cloud)).map(({ event_type: type }) => type)).toEqual([
      'EngineRunStarted',
      'EngineRunCompleted',
      ...Array.from({ length: 5 }, () => 'EngineRunSkipped'),
    ]);
  });

  it('plans ticks that passed before the records that arrived after them', async () => {
    const api = await stage(live);
    await api.cloud.advance(10_000);
    await putRecords(api.cloud, [snapshotInputs('AAA', START_MS + MINUTE_MS, 2)]);
    await api.cloud.advance(70_000);
    await putRecords(api.cloud, [snapshotInputs('AAA', START_MS + 2 * MINUTE_MS, 3)]);
    await api.cloud.advance(MINUTE_MS);
    expect(await runsOf(api)).toEqual([
      ['AAA', 1, 'completed'],
      ['AAA', 2, 'completed'],
    ]);
  });

  it.each([
    ['its timer was lost', (api: Api) => purge(api.cloud, 'timers')],
    [
      'its timer and the control table were lost',
      async (api: Api) => {
        await purge(api.cloud, 'timers');
        await dropControl(api.cloud);
      },
    ],
  ])('goes on ticking although %s', async (_, lose) => {
    const api = await stage(live);
    await api.cloud.advance(10_000);
    await putRecords(api.cloud, [snapshotInputs('AAA', START_MS + MINUTE_MS, 2)]);
    await api.cloud.settle();
    await lose(api);
    await api.cloud.advance(4 * MINUTE_MS);
    expect(await runsOf(api)).toEqual([['AAA', 1, 'completed']]);
    await putRecords(api.cloud, [snapshotInputs('AAA', START_MS + 5 * MINUTE_MS, 3)]);
    await api.cloud.advance(3 * MINUTE_MS);
    expect(await runsOf(api)).toEqual([
      ['AAA', 1, 'completed'],
      ['AAA', 5, 'completed'],
    ]);
  });
});

describe('a feed whose runs were planned', () => {
  const planned = async (): Promise<Api> => {
    const api = await stage(minuteFeed());
    for (const mapping of api.cloud.mappings.values())
      if (mapping.setting.id.includes('EngineRuns') && !mapping.setting.id.includes('Dead')) mapping.stop();
    await putRecords(api.cloud, [
      snapshotInputs('AAA', MINUTE_MS, 10_000),
      snapshotInputs('BBB', MINUTE_MS, 10_001),
      snapshotInputs('AAA', 2 * MINUTE_MS, MINUTE_MS + 1),
      trade('AAA', 2 * MINUTE_MS + 1),
    ]);
    await api.cloud.settle();
    return api;
  };
  const resume = (api: Api): void => {
    for (const mapping of api.cloud.mappings.values()) mapping.start();
  };

  it('runs them although every message was lost', async () => {
    const api = await planned();
    await purge(api.cloud, 'engine-runs.fifo');
    resume(api);
    await api.cloud.advance(4 * MINUTE_MS);
    const runs = await engineRuns(api);
    expect(runs.map(({ symbol, engine_timestamp_ms }) => `${symbol} ${engine_timestamp_ms}`).sort()).toEqual([
      'AAA 120000',
      'AAA 60000',
      'BBB 120000',
      'BBB 60000',
    ]);
    expect(runs.filter(({ error_kind }) => error_kind !== null)).toMatchObject([{ symbol: 'BBB' }]);
  });

  it('runs none twice when all messages come again with new names', async () => {
    const api = await planned();
    await api.cloud.advance(10 * MINUTE_MS);
    resume(api);
    await api.cloud.advance(10 * MINUTE_MS);
    expect(await engineRuns(api)).toHaveLength(4);
    expect(await receiveAll(api.cloud, 'engine-runs-dead.fifo')).toEqual([]);
  });

  it('leaves the sweeper nothing to do once all are acknowledged', async () => {
    const api = await planned();
    resume(api);
    await api.cloud.advance(5 * MINUTE_MS);
    api.cloud.resetCounts();
    await api.cloud.advance(5 * MINUTE_MS);
    expect(api.cloud.counts().requests).not.toHaveProperty('dynamodb.PutItem');
  });
});

describe('a feed in timer mode', () => {
  it('ticks each interval from its first record on', async () => {
    const api = await stage(minuteFeed({ scheduler: { mode: 'timer', timer_interval_ms: 1_000 } }));
    const at = START_MS + 500;
    await putRecords(api.cloud, [
      snapshotInputs('AAA', at, at),
      snapshotInputs('AAA', at + 1_000, at + 400),
      snapshotInputs('AAA', at + 2_000, at + 2_000),
      trade('AAA', at + 2_001),
    ]);
    await api.cloud.settle();
    const runs = [...(await engineRuns(api))].reverse();
    expect(runs.map((run) => [run.engine_timestamp_ms - at, run.status, run.cut_kind])).toEqual([
      [0, 'completed', 'timer'],
      [1_000, 'completed', 'timer'],
      [2_000, 'completed', 'timer'],
    ]);
  });
});

describe('two feeds on one stream', () => {
  it('each take what they list, and a record both list goes to both', async () => {
    const api = await stage(minuteFeed({ sources: [{ source_id: 'venue', symbols: ['AAA'] }] }));
    await startFeed(api, 'wide', minuteFeed());
    await api.cloud.advance(6_000);
    await putRecords(api.cloud, [
      snapshotInputs('AAA', MINUTE_MS, 10_000),
      snapshotInputs('BBB', MINUTE_MS, 10_001),
      trade('AAA', MINUTE_MS + 1),
      trade('BBB', MINUTE_MS + 2),
    ]);
    await api.cloud.settle();
    expect((await engineRuns(api)).map(({ symbol }) => symbol)).toEqual(['AAA']);
    expect((await engineRuns(api, 'wide')).map(({ symbol }) => symbol).sort()).toEqual(['AAA', 'BBB']);
    expect(await buffered(api.cloud, 'AAA')).toHaveLength(2);
    expect(await buffered(api.cloud, 'BBB', 'wide')).toHaveLength(2);
    expect(await receiveAll(api.cloud, 'market-dead-letters')).toEqual([]);
  });
});
