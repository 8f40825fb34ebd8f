/** Two feeds on one stream, of which one spills what its buffer has no room for, so that the other need not wait. */
import { describe, expect, it } from 'vitest';

import type { FaultRule } from '#local/dispatch/faults.ts';
import {
  marketEvent,
  minuteFeed,
  published,
  putRecords,
  readFeed,
  startFeed,
} from '#test/support/cloud-market.ts';
import type { Put } from '#test/support/cloud-market.ts';
import { commitsIn, keptBodies } from '#test/support/cloud-stores.ts';
import { apiOf, bootTestCloud, inMain, insist, START_MS } from '#test/support/cloud.ts';
import type { Api, TestCloud } from '#test/support/cloud.ts';
import { captureOf, hashOf, saidBy, simulated } from '#test/support/feed-replay.ts';

const MINUTE_MS = 60_000;
const MINUTES = 4;
const RECORDS_MAX = 12;

const small = (over: object = {}, retention: object = {}): object =>
  minuteFeed({
    sources: [{ source_id: 'small', symbols: ['AAA', 'BBB'] }],
    buffer_retention: { max_records: RECORDS_MAX, on_full: 'spill', ...retention },
    engine_options: { snapshot_source: 'composer' },
    emit_skipped: false,
    ...over,
  });
const wide = minuteFeed({
  sources: [{ source_id: 'wide', symbols: ['CCC'] }],
  engine_options: { snapshot_source: 'composer' },
});

const event = (sourceId: string, symbol: string, recvTsMs: number, price = 100): Put => ({
  ...marketEvent({ sourceId, symbol, recvTsMs }, 'TradeTick', { price, quantity: 1, side: 'buy' }),
  partitionKey: 'one',
});

/** Ten records a minute of the small feed, and one of the wide one behind them. */
const minute = (index: number): readonly Put[] => {
  const from = START_MS + index * MINUTE_MS;
  const many = Array.from({ length: 10 }, (_, at) =>
    event('small', at % 3 === 0 ? 'BBB' : 'AAA', from + 1 + at, 100 + at),
  );
  return [...many, event('wide', 'CCC', from + 30)];
};

const stage = async (config: object, faults: readonly FaultRule[], seed: number): Promise<Api> => {
  const api = apiOf(await bootTestCloud({ faults, seed }));
  await insist(api, () => startFeed(api, 'small', config));
  await insist(api, () => startFeed(api, 'wide', wide));
  await api.cloud.advance(faults.length > 0 ? MINUTE_MS : 0);
  let left = 8;
  for (const mapping of api.cloud.mappings.values())
    if (faults.length > 0)
      mapping.inject({
        redeliver: ({ delivery }) => delivery % 3 === 0 && left-- > 0,
        take: ({ delivery }) => 1 + ((delivery * 7) % 20),
      });
  return api;
};

const metric = ({ cloud }: Api, name: string): number =>
  cloud.logged
    .filter((line) => line.startsWith('{'))
    .reduce((sum, line) => sum + Number((JSON.parse(line) as Record<string, unknown>)[name] ?? 0), 0);

const typesOf = async ({ cloud }: Api): Promise<readonly string[]> =>
  (await commitsIn(cloud))
    .filter(({ stream }) => stream === 'feed#local/main/small')
    .flatMap(({ events }) => events.map(({ type }) => type));

const spilledObjects = (cloud: TestCloud): Promise<number> => keptBodies(cloud, 'documents/spill');

/** Lets time pass until every record is taken in and cut, and every run told. */
const settleAll = async (api: Api): Promise<void> => {
  for (let tries = 0; tries < 30; tries++) {
    await api.cloud.advance(30_000);
    if ((await readFeed(api, 'small')).recordCount === MINUTES * 10) break;
  }
  await api.must('POST', inMain('/feeds/small/ticks'), { passedMs: START_MS + MINUTES * MINUTE_MS });
  await api.cloud.advance(MINUTE_MS);
};

const tape = Array.from({ length: MINUTES }, (_, index) => minute(index)).flat();

/** A record of the wide feed that comes later. */
const another = event('wide', 'CCC', START_MS + MINUTES * MINUTE_MS);

const played = async (config: object, faults: readonly FaultRule[] = [], seed = 1): Promise<Api> => {
  const api = await stage(config, faults, seed);
  await putRecords(api.cloud, tape);
  await api.cloud.settle();
  await putRecords(api.cloud, [another]);
  await api.cloud.advance(500);
  return api;
};

/** What the small feed said live, as recorded, computed again and simulated. */
const hashes = async (api: Api): Promise<readonly string[]> => {
  const live = (await published(api.cloud)).filter(({ symbol }) => symbol !== 'CCC');
  const recorded = hashOf(await saidBy(api, 'outputs', {}, 'small'));
  const replayed = hashOf(await saidBy(api, 'replay', {}, 'small'));
  return [hashOf(live), recorded, replayed, String(simulated(await captureOf(api, 2_000, 'small')).hash)];
};

/** What came of the tape when the buffer only blocks and nothing goes wrong; played once for all tests. */
let calm: Promise<string> | undefined;
const blocked = (): Promise<string> =>
  (calm ??= (async () => {
    const api = await played(small({}, { on_full: 'block' }));
    expect(await readFeed(api, 'wide')).toMatchObject({ recordCount: MINUTES });
    await settleAll(api);
    expect(await readFeed(api, 'wide')).toMatchObject({ recordCount: MINUTES + 1 });
    expect(metric(api, 'market_data.backpressure.blocked_ms')).toBeGreaterThan(0);
    const all = await hashes(api);
    expect(new Set(all).size).toBe(1);
    return String(all[0]);
  })());

const expectSame = async (api: Api): Promise<void> => {
  const hash = await blocked();
  expect(await hashes(api)).toEqual([hash, hash, hash, hash]);
};

describe('a feed that spills', () => {
  it('lets others of its stream go on, says that it is paused, and says in the end what it would have said had it blocked', async () => {
    const api = await played(small());

    expect(await readFeed(api, 'wide')).toMatchObject({ recordCount: MINUTES + 1 });
    const { recordCount, spilledRecordCount = 0 } = await readFeed(api, 'small');
    expect(recordCount).toBeLessThan(MINUTES * 10);
    expect(recordCount + spilledRecordCount).toBe(MINUTES * 10);
    expect(await api.must('GET', inMain('/feeds/small/health'))).toMatchObject({
      ready: false,
      ingestion_paused: true,
    });
    expect(await spilledObjects(api.cloud)).toBeGreaterThan(0);
    await settleAll(api);

    await expectSame(api);
    expect(await spilledObjects(api.cloud)).toBe(0);
    expect(await readFeed(api, 'small')).not.toHaveProperty('spilledRecordCount');
    expect(await api.must('GET', inMain('/feeds/small/health'))).toMatchObject({ ready: true });
    expect(metric(api, 'RecordsSpilled')).toBe(spilledRecordCount);
    expect(metric(api, 'market_data.events.count')).toBe(tape.length + 1);
    expect(metric(api, 'orchestrator.ingest.count')).toBe(tape.length + 1);
    expect(metric(api, 'market_data.backpressure.count')).toBe(0);
    expect(metric(api, 'orchestrator.backpressure.blocked_ms')).toBeGreaterThan(0);
  });

  it('blocks its stream when as much is spilled as may be', async () => {
    const api = await played(small({}, { max_spilled_records: 7 }));

    expect(await readFeed(api, 'wide')).toMatchObject({ recordCount: MINUTES });
    expect(await readFeed(api, 'small')).toMatchObject({ spilledRecordCount: 7 });
    expect(metric(api, 'market_data.backpressure.count')).toBeGreaterThan(0);
    await settleAll(api);

    expect(await readFeed(api, 'wide')).toMatchObject({ recordCount: MINUTES + 1 });
    expect(metric(api, 'market_data.backpressure.blocked_ms')).toBeGreaterThan(0);
    await expectSame(api);
  });

  it.each([2])('says the same when calls fail and batches come again, seed %i', async (seed) => {
    const used = [
      ['dynamodb', 'PutItem'],
      ['dynamodb', 'Query'],
      ['s3', 'PutObject'],
      ['s3', 'GetObject'],
      ['s3', 'CopyObject'],
      ['sqs', 'SendMessageBatch'],
    ] as const;
    const rules = used.flatMap(([service, operation]) =>
      (['lost-answer', 'throttle', 'duplicate'] as const).map((kind) => ({
        service,
        operation,
        kind,
        probability: 0.15,
        hitsMax: 8,
      })),
    );
    const api = await played(small(), rules, seed);
    await settleAll(api);

    expect(await typesOf(api)).toContain('RecordsSpilled');
    expect(api.cloud.counts().faults).toBeGreaterThan(0);
    await expectSame(api);
  });
});
