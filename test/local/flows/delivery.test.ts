/** Outputs that are refused, batches of the ledger stream that were given up, and how both arrive in the end. */
import { describe, expect, it } from 'vitest';

import { reconcileStage, reconciliationText } from '#cli/offline/reconciliation.ts';
import type { FaultRule } from '#local/dispatch/faults.ts';
import { storesOfCloud } from '#test/support/busy-stacks.ts';
import { readFeed } from '#test/support/cloud-market.ts';
import { commitsIn, itemsOf, rowsOf } from '#test/support/cloud-stores.ts';
import { apiOf, bootTestCloud, inMain } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import { demoRecords, marketOutcome, play, startDemoFeed } from '#test/support/demo-market.ts';

const MINUTE_MS = 60_000;
const RECORDS = 400;

const tapePlayed = async (faults: readonly FaultRule[] = []): Promise<Api> => {
  const api = apiOf(await bootTestCloud({ faults }));
  await startDemoFeed(api);
  await play(api, (await demoRecords()).slice(0, RECORDS));
  return api;
};

const refused = (hitsMax: number): FaultRule => ({
  service: 'kinesis',
  operation: 'PutRecord',
  resource: 'sluice-dev-orchestrator-events',
  kind: 'throttle',
  hitsMax,
});

const feedEvents = async ({ cloud }: Api): Promise<readonly string[]> =>
  (await commitsIn(cloud))
    .filter(({ stream }) => stream.startsWith('feed#'))
    .flatMap(({ events }) => events.map(({ type }) => type))
    .filter((type) => /^Publication|^FeedResumed/.test(type));

const resume = (api: Api) => api.ask('POST', inMain('/feeds/demo/resume'), { body: { reason: 'mended' } });

describe('an output stream that refuses records', () => {
  it('for some minutes delays the outputs and needs nobody', async () => {
    const calm = await marketOutcome((await tapePlayed()).cloud);
    const api = await tapePlayed([refused(60)]);
    expect((await marketOutcome(api.cloud)).events).toEqual([]);

    await api.cloud.advance(10 * MINUTE_MS);

    expect(await marketOutcome(api.cloud)).toEqual(calm);
    expect(await feedEvents(api)).toEqual([]);
    expect((await resume(api)).body).toMatchObject({ code: 'feed_not_halted' });
  });

  it('for a quarter of an hour halts each symbol, until an approver resumes the feed', async () => {
    const calm = await marketOutcome((await tapePlayed()).cloud);
    const api = await tapePlayed([refused(250)]);

    await api.cloud.advance(20 * MINUTE_MS);

    const { halts } = await readFeed(api, 'demo');
    expect(halts).toMatchObject(
      ['BTC-PERP', 'ETH-PERP', 'SOL-PERP'].map((symbol) => ({ symbol, status: 'halted' })),
    );
    const { body } = await api.ask('GET', inMain('/feeds'));
    expect(body).toMatchObject({ feeds: [{ halts }] });
    await api.cloud.advance(60 * MINUTE_MS);
    expect((await marketOutcome(api.cloud)).events).toEqual([]);
    expect((await resume(apiOf(api.cloud, { role: 'developer' }))).status).toBe(403);

    expect((await resume(apiOf(api.cloud, { role: 'approver' }))).status).toBe(200);
    expect((await resume(api)).body).toMatchObject({ code: 'feed_not_halted' });
    await api.cloud.advance(10 * MINUTE_MS);

    const outcome = await marketOutcome(api.cloud);
    expect(outcome.bySymbol).toEqual(calm.bySymbol);
    expect(outcome.rows).toEqual(calm.rows);
    expect(await readFeed(api, 'demo')).not.toHaveProperty('halts');
    expect(await feedEvents(api)).toEqual([
      ...Array.from({ length: 3 }, () => 'PublicationHalted'),
      'FeedResumed',
      ...Array.from({ length: 3 }, () => 'PublicationRecovered'),
    ]);
  });

  it('refuses a resumption without a reason, and of a feed that does not exist', async () => {
    const api = await tapePlayed();

    for (const body of [{}, { reason: '  ' }, { reason: 'x'.repeat(1_001) }])
      expect((await api.ask('POST', inMain('/feeds/demo/resume'), { body })).status).toBe(400);
    const { status } = await api.ask('POST', inMain('/feeds/none/resume'), { body: { reason: 'x' } });
    expect(status).toBe(404);
  });
});

describe('what a mapping of the ledger stream gave up', () => {
  /** Takes rows and cursors away, as if the batches that made them had never come. */
  const lose = async ({ cloud }: Api): Promise<void> => {
    for (const [table, picks] of [
      ['views', () => true],
      ['control', (pk: string) => pk.startsWith('cursor#publish#')],
    ] as const)
      for (const { pk, sk } of await itemsOf(cloud, table))
        if (picks(pk?.S ?? ''))
          await cloud.call('dynamodb', 'DeleteItem', { TableName: `sluice-dev-${table}`, Key: { pk, sk } });
  };

  it('is found and asked for by a reconciliation', async () => {
    const api = await tapePlayed();
    const stores = storesOfCloud(api.cloud);
    const calm = await marketOutcome(api.cloud);
    expect(await reconcileStage(stores)).toMatchObject({ found: [], left: [] });
    await lose(api);

    const report = await reconcileStage(stores);

    expect(report.found.map(({ stream }) => stream.split('#')[0]).sort()).toEqual([
      'audit',
      'feed',
      'feed-symbol',
      'feed-symbol',
      'feed-symbol',
    ]);
    expect(report.left).toEqual([]);
    expect(reconciliationText(report)).toContain(
      'feed-symbol#local/main/demo/BTC-PERP: read models and outputs',
    );
    expect(await marketOutcome(api.cloud)).toEqual(calm);
  });

  it('is found by the sweeper a quarter of an hour after the last word of its stream', async () => {
    const api = await tapePlayed();
    const calm = await rowsOf(api.cloud);
    await lose(api);

    await api.cloud.advance(20 * MINUTE_MS);

    expect([...(await rowsOf(api.cloud)).keys()]).toEqual([...calm.keys()]);
  });

  it('is named when it cannot be caught up', async () => {
    const api = await tapePlayed();
    await lose(api);
    let nowMs = 0;
    const stores = {
      ...storesOfCloud(api.cloud),
      queues: { send: () => Promise.resolve() },
      // Its own time: in the cloud's, the sweeper would catch up.
      nowMs: () => nowMs,
      pause: (waitMs: number) => {
        nowMs += waitMs;
        return Promise.resolve();
      },
    };

    const report = await reconcileStage(stores);

    expect(report.left).toEqual(report.found);
    expect(reconciliationText(report)).toContain('ask again later');
  });

  it('is told apart from what has halted, which is not waited for', async () => {
    const api = await tapePlayed([refused(250)]);
    await api.cloud.advance(20 * MINUTE_MS);
    const startedAtMs = api.cloud.clock.nowMs();

    const report = await reconcileStage(storesOfCloud(api.cloud));

    expect(report.left.map(({ isHalted }) => isHalted)).toEqual([true, true, true]);
    expect(api.cloud.clock.nowMs() - startedAtMs).toBeLessThan(10_000);
    expect(reconciliationText(report)).toContain('3 halted streams wait for `sluice feed resume`');
  });
});
