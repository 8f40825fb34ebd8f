/** However the ledger stream delivers, the rows are those of a fold of the ledger from nothing. */
import { describe, expect, it } from 'vitest';

import { dynamoViewWriter } from '#adapters/dynamodb/views.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import { projections } from '#functions/shared/aggregates.ts';
import { compact } from '#functions/shared/compaction.ts';
import { seededChance } from '#local/dispatch/faults.ts';
import { apiOf, bootTestCloud } from '#test/support/cloud.ts';
import type { Api, TestCloud } from '#test/support/cloud.ts';
import { claim, deploy, fail, succeed, trigger, workOff } from '#test/support/cloud-assets.ts';
import { commitsIn, itemsOf, ledgerOf, rowsOf } from '#test/support/cloud-stores.ts';
import { demoRecords, play, startDemoFeed } from '#test/support/demo-market.ts';

const SILENT = { count: () => undefined, log: () => undefined, flush: () => undefined };

const portsOf = (cloud: TestCloud) => ({
  views: dynamoViewWriter({ client: dynamodbClient(cloud.plugin), table: 'sluice-dev-views' }),
  ledger: ledgerOf(cloud),
  telemetry: SILENT,
  nowMs: cloud.clock.nowMs,
});

/** A bit of everything: runs that succeed, fail and retry, a feed with its symbols. */
const work = async (api: Api): Promise<void> => {
  await deploy(api, { a: { execution: { retry: { baseMs: 1_000 } } }, b: ['a'], c: [] });
  await trigger(api, ['a', 'b', 'c']);
  await trigger(api, ['c']);
  for (const task of await claim(api))
    await (task.taskKey === 'demo.a' ? fail(api, task) : succeed(api, task, { rowCount: 2 }));
  await api.cloud.advance(1_000);
  await workOff(api);
  await startDemoFeed(api);
  await play(api, (await demoRecords()).slice(0, 400), 90);
};

const dropRows = async (cloud: TestCloud): Promise<void> => {
  for (const { pk, sk } of await itemsOf(cloud, 'views'))
    await cloud.call('dynamodb', 'DeleteItem', { TableName: 'sluice-dev-views', Key: { pk, sk } });
};

const shuffled = (commits: readonly StoredCommit[], seed: number): readonly StoredCommit[] => {
  const chance = seededChance(seed);
  return commits
    .map((commit) => ({ commit, place: chance() }))
    .sort((one, other) => one.place - other.place)
    .map(({ commit }) => commit);
};

/** Cuts commits into batches of one to eight. */
const inBatches = (commits: readonly StoredCommit[], seed: number): readonly (readonly StoredCommit[])[] => {
  const chance = seededChance(seed);
  const batches: StoredCommit[][] = [];
  for (let start = 0; start < commits.length;) {
    const size = 1 + Math.floor(chance() * 8);
    batches.push(commits.slice(start, start + size));
    start += size;
  }
  return batches;
};

const orders: Readonly<
  Record<string, (commits: readonly StoredCommit[], seed: number) => readonly StoredCommit[]>
> = {
  'in order': (commits) => commits,
  'each twice': (commits) => commits.flatMap((commit) => [commit, commit]),
  backwards: (commits) => [...commits].reverse(),
  'in any order': shuffled,
  'in any order, then all again': (commits, seed) => [
    ...shuffled(commits, seed),
    ...shuffled(commits, seed + 1),
  ],
  'only the last of each stream': (commits) => [
    ...new Map(commits.map((commit) => [commit.stream, commit])).values(),
  ],
};

describe('the read models', () => {
  it.each(Object.entries(orders))('are those of the live system when commits come %s', async (_, order) => {
    const cloud = await bootTestCloud();
    await work(apiOf(cloud));
    const live = await rowsOf(cloud);
    expect(live.size).toBeGreaterThan(10);
    const commits = await commitsIn(cloud);
    for (const seed of [1, 2]) {
      await dropRows(cloud);
      for (const batch of inBatches(order(commits, seed), seed))
        await compact(portsOf(cloud), projections, batch);
      expect(await rowsOf(cloud)).toEqual(live);
    }
  });

  it('are the same when the live stream delivers twice, in pieces, and loses its answers', async () => {
    const cloud = await bootTestCloud();
    const [, mapping] = [...cloud.mappings].find(([id]) => id.includes('LedgerToCompact')) ?? [];
    let left = 20;
    mapping?.inject({
      take: ({ delivery }) => 1 + (delivery % 3),
      redeliver: ({ delivery }) => delivery % 2 === 0 && left-- > 0,
      loseAnswer: ({ delivery }) => delivery % 5 === 0 && left-- > 0,
    });
    await work(apiOf(cloud));
    await cloud.advance(60_000);
    const live = await rowsOf(cloud);
    await dropRows(cloud);
    await compact(portsOf(cloud), projections, await commitsIn(cloud));
    expect(await rowsOf(cloud)).toEqual(live);
    expect(left).toBeLessThan(10);
  });
});
