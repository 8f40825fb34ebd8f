/** A feed that releases what its buffer needs no more: what is promised stays, the rest is refused by name. */
import { describe, expect, it } from 'vitest';

import type { FaultRule } from '#local/dispatch/faults.ts';
import { engineRuns, minuteFeed, putRecords, startFeed, trade } from '#test/support/cloud-market.ts';
import { commitsIn, keptBodies } from '#test/support/cloud-stores.ts';
import { apiOf, bootTestCloud, inMain, START_MS } from '#test/support/cloud.ts';
import type { Api, TestCloud } from '#test/support/cloud.ts';

const MINUTE_MS = 60_000;
const MINUTES = 8;

const chunks = (cloud: TestCloud): Promise<number> => keptBodies(cloud, 'documents/chunk');

const told = async (cloud: TestCloud) =>
  (await commitsIn(cloud))
    .filter(({ stream }) => stream.startsWith('feed#'))
    .flatMap(({ events }) => events)
    .filter(({ type }) => type.startsWith('Chunks'));

/** One chunk a minute, each cut a minute later; all runs end as they are planned. */
const runFeed = async (retention: object, faults: readonly FaultRule[] = []): Promise<Api> => {
  const api = apiOf(await bootTestCloud({ faults }));
  const engine_options = { snapshot_source: 'composer' };
  await startFeed(
    api,
    'feed',
    minuteFeed({ buffer_retention: retention, engine_options, emit_skipped: false }),
  );
  for (let minute = 0; minute < MINUTES; minute++) {
    await putRecords(api.cloud, [trade('AAA', START_MS + minute * MINUTE_MS + 1)]);
    await api.cloud.advance(MINUTE_MS);
  }
  await api.cloud.advance(3 * MINUTE_MS);
  expect(await engineRuns(api)).toHaveLength(MINUTES - 1);
  return api;
};

const replay = (api: Api, from = 0) => api.ask('GET', inMain(`/feeds/feed/replay?from=${from}`));

describe('a feed that deletes what is pruned', () => {
  it('keeps what it promises, replays that, and names what is left to who asks for more', async () => {
    const windowMs = 3 * MINUTE_MS;
    const api = await runFeed({ delete_pruned: true, replay_window_ms: windowMs });
    const pruned = (await told(api.cloud)).filter(({ type }) => type === 'ChunksPruned');
    const deleted = pruned.reduce((sum, { data }) => sum + Number(data['chunkCount']), 0);

    expect(deleted).toBeGreaterThan(0);
    expect(await chunks(api.cloud)).toBe(MINUTES - deleted);
    const fromMs = START_MS + (MINUTES - 1) * MINUTE_MS + 1 - windowMs;
    const outputs = await api.must('GET', inMain(`/feeds/feed/outputs?from=${fromMs}`));
    const { status, body } = await replay(api, fromMs);
    expect(status).toBe(200);
    expect(body['events']).toEqual(outputs['events']);

    const refused = await replay(api);
    expect(refused).toMatchObject({ status: 410, body: { code: 'range_pruned' } });
    const { replayableFromMs, firstSeqLeft } = refused.body['details'] as Record<string, number>;
    expect(firstSeqLeft).toBe(deleted + 1);
    expect((await replay(api, replayableFromMs)).status).toBe(200);
    expect((await replay(api, Number(replayableFromMs) - MINUTE_MS)).status).toBe(410);
    expect(await api.ask('GET', inMain('/feeds/feed/buffer'))).toMatchObject({
      status: 410,
      body: { code: 'range_pruned' },
    });
  });

  it('tries again what could not be released, and tells of it once it is done', async () => {
    const refusal: FaultRule = { service: 's3', operation: 'CopyObject', kind: 'server-error', hitsMax: 6 };
    const api = await runFeed({ delete_pruned: true }, [refusal]);

    const failures = api.cloud.logged.filter((line) => line.includes('could not be released'));
    expect(failures.length).toBeGreaterThan(0);
    const types = (await told(api.cloud)).map(({ type }) => type);
    expect(types.slice(0, 2)).toEqual(['ChunksPruned', 'ChunksDeleted']);
    expect(types.filter((type) => type === 'ChunksPruned')).toHaveLength(types.length / 2);
    const [first] = await told(api.cloud);
    expect(await chunks(api.cloud)).toBeLessThanOrEqual(MINUTES - Number(first?.data['chunkCount']));
  });

  it('deletes nothing unless it is asked to', async () => {
    const api = await runFeed({});

    expect(await told(api.cloud)).toEqual([]);
    expect((await replay(api)).status).toBe(200);
    expect(await api.must('GET', inMain('/feeds/feed/buffer'))).toHaveProperty('capture');
  });
});
