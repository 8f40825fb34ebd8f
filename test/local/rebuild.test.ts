import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { backup } from '#cli/offline/backup.ts';
import { restore } from '#cli/offline/restore.ts';
import { awaitStage, rebuildStage, verifyStage, viewsText } from '#cli/offline/views.ts';
import type { Cloud } from '#local/boot/cloud.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import { bootStacks } from '#test/local/cloud/stack-fixture.ts';
import { ask, makeBusy, putRecords, storesOfCloud, tapeLines } from '#test/support/busy-stacks.ts';
import { testFolder } from '#test/support/folders.ts';

const VIEWS = 'sluice-dev-views';
const DAY_MS = 86_400_000;
const startMs = Date.parse('2026-11-20T00:00:00Z');

type Item = Record<string, Record<string, unknown>>;

const clouds: Cloud[] = [];
const boot = async (atMs = startMs): Promise<Cloud> => {
  const cloud = await bootStacks({ clock: virtualClock(atMs) });
  clouds.push(cloud);
  return cloud;
};
afterEach(async () => {
  for (const cloud of clouds.splice(0)) await cloud.close();
});

const itemsOf = async (cloud: Cloud, table = VIEWS): Promise<readonly Item[]> => {
  const { Items } = await cloud.call('dynamodb', 'Scan', { TableName: table });
  return Items as readonly Item[];
};

const rowOf = async (cloud: Cloud, prefix: string): Promise<Item> => {
  const row = (await itemsOf(cloud)).find((item) => String(item['pk']?.['S']).startsWith(prefix));
  if (!row) throw new Error(`no row of ${prefix}`);
  return row;
};

const tablesOf = async (cloud: Cloud) => (await cloud.call('dynamodb', 'ListTables', {}))['TableNames'];

describe('a rebuild of the read models', () => {
  let cloud: Cloud;
  beforeEach(async () => {
    cloud = await boot();
    await makeBusy(cloud);
  });

  it('has the digest of the live rows, and leaves no table behind', async () => {
    const report = await verifyStage(storesOfCloud(cloud));

    expect(report).toMatchObject({ isEqual: true, differences: [], unnamedCount: 0 });
    expect(report.live).toEqual(report.rebuilt);
    const kinds = new Set((await itemsOf(cloud)).map((item) => String(item['pk']?.['S']).split('#')[0]));
    expect([...kinds].sort()).toEqual([
      'audit',
      'engine-run',
      'feed',
      'feed-layers',
      'feed-symbol',
      'manifests',
      'partition',
      'run',
    ]);
    expect(report.live.rowCount).toBe((await itemsOf(cloud)).length);
    expect(await tablesOf(cloud)).toEqual(['sluice-dev-control', 'sluice-dev-ledger', VIEWS]);
  });

  it('names a corrupted, a lost and a foreign row, then repairs all three', async () => {
    const symbol = await rowOf(cloud, 'feed-symbol#');
    const data = JSON.parse(String(symbol['data']?.['S'])) as Record<string, unknown>;
    const changed = { ...data, completedCount: 1_000 };
    const engineRun = await rowOf(cloud, 'engine-run#');
    await cloud.call('dynamodb', 'PutItem', {
      TableName: VIEWS,
      Item: { ...symbol, data: { S: JSON.stringify(changed) } },
    });
    await cloud.call('dynamodb', 'DeleteItem', {
      TableName: VIEWS,
      Key: { pk: engineRun['pk'], sk: engineRun['sk'] },
    });
    await cloud.call('dynamodb', 'PutItem', {
      TableName: VIEWS,
      Item: { ...engineRun, sk: { S: 'nobody' } },
    });

    const verified = await verifyStage(storesOfCloud(cloud));

    expect(verified.isEqual).toBe(false);
    expect(verified.live.digest).not.toBe(verified.rebuilt.digest);
    expect(verified.differences).toMatchObject(
      [
        { kind: 'missing', pk: engineRun['pk']?.['S'], sk: engineRun['sk']?.['S'] },
        { kind: 'surplus', pk: engineRun['pk']?.['S'], sk: 'nobody' },
        { kind: 'differs', pk: symbol['pk']?.['S'], sk: 'feed-symbol', members: ['data.completedCount'] },
      ].sort((one, other) =>
        `${String(one.pk)}${String(one.sk)}` < `${String(other.pk)}${String(other.sk)}` ? -1 : 1,
      ),
    );
    expect(viewsText(verified)).toContain(
      `differs ${String(symbol['pk']?.['S'])} feed-symbol: data.completedCount`,
    );

    const rebuilt = await rebuildStage(storesOfCloud(cloud));

    expect(rebuilt).toMatchObject({ isEqual: true, repairedCount: 3, left: { differences: [] } });
    expect(rebuilt.left?.live.digest).toBe(verified.rebuilt.digest);
    expect(await rowOf(cloud, 'engine-run#')).toEqual(engineRun);
    expect(await tablesOf(cloud)).toHaveLength(3);
  });

  it('names a row that is no row any more, and one that claims a version of its own', async () => {
    const [run, symbol] = [await rowOf(cloud, 'run#'), await rowOf(cloud, 'feed-symbol#')];
    await cloud.call('dynamodb', 'PutItem', { TableName: VIEWS, Item: { pk: run['pk'], sk: run['sk'] } });
    await cloud.call('dynamodb', 'PutItem', {
      TableName: VIEWS,
      Item: { ...symbol, version: { N: '999999' } },
    });

    const report = await rebuildStage(storesOfCloud(cloud));

    expect(report.differences.map(({ pk, kind, isMoving }) => [pk, kind, isMoving])).toEqual([
      [symbol['pk']?.['S'], 'differs', false],
      [run['pk']?.['S'], 'differs', false],
    ]);
    expect(report).toMatchObject({ isEqual: true, repairedCount: 2 });
  });

  it('writes every row again after the table was emptied', async () => {
    const before = await verifyStage(storesOfCloud(cloud));
    for (const { pk, sk } of await itemsOf(cloud))
      await cloud.call('dynamodb', 'DeleteItem', { TableName: VIEWS, Key: { pk, sk } });

    const report = await rebuildStage(storesOfCloud(cloud));

    expect(report.live.rowCount).toBe(0);
    expect(report.left?.live).toEqual(before.live);
    expect(report.repairedCount).toBe(before.live.rowCount);
  });

  it('takes a row that is only late for what it is', async () => {
    const stores = storesOfCloud(cloud);
    let isPut = false;
    const racing = {
      ...stores,
      tables: {
        live: {
          ...stores.tables.live,
          scan: async function* () {
            // Records come in after the fold and before the scan: live rows are ahead of the rebuilt ones.
            if (!isPut) await putRecords(cloud, tapeLines(400, 600));
            isPut = true;
            yield* stores.tables.live.scan();
          },
        },
        createFresh: stores.tables.createFresh,
      },
    };

    const report = await verifyStage(racing);

    expect(report).toMatchObject({ isEqual: true, differences: [] });
    expect(report.live.rowCount).toBe((await itemsOf(cloud)).length);
  });
});

describe('a backup', () => {
  const newFile = (): string => join(testFolder(), 'backup.gz');

  it('restored into an empty cloud gives the same digests, and the feed and the runs go on', async () => {
    const first = await boot();
    await makeBusy(first);
    const before = await verifyStage(storesOfCloud(first));
    const body = { key: 'documents/large', body: Buffer.from([31, 139, 0, 255]), contentEncoding: 'gzip' };
    await storesOfCloud(first).blobs.put(body);
    const file = newFile();
    const taken = await backup(storesOfCloud(first), file);

    const second = await boot(startMs + DAY_MS);
    const stores = storesOfCloud(second);
    const done = await restore(stores, file);
    const after = await awaitStage(stores);

    expect(taken.blobCount).toBeGreaterThan(0);
    const bodies = [];
    for await (const { key, body: bytes } of stores.blobs.all()) bodies.push([key, Buffer.from(bytes)]);
    expect(bodies).toContainEqual([body.key, body.body]);
    expect(done).toMatchObject({ itemCount: taken.itemCount, blobCount: taken.blobCount, cutItemCount: 0 });
    expect(after).toMatchObject({ isEqual: true, live: before.live, rebuilt: before.rebuilt });
    expect(await itemsOf(second, 'sluice-dev-ledger')).toHaveLength(taken.itemCount);

    const recordCount = async () =>
      ((await ask(second, 'GET', '/feeds/demo')) as { recordCount: number }).recordCount;
    const restored = await recordCount();
    await putRecords(second, tapeLines(400, 410));
    expect(await recordCount()).toBe(restored + 10);

    const offers = async () =>
      ((await ask(second, 'POST', '/workers/claim', { workerId: 'w2' })) as { tasks: unknown[] }).tasks
        .length;
    expect(await second.advanceUntil(async () => (await offers()) > 0, 3_600_000)).toBe(true);
    expect(await verifyStage(stores)).toMatchObject({ isEqual: true });
  });

  it('is refused by a ledger that is not empty, which stays as it was', async () => {
    const cloud = await boot();
    await makeBusy(cloud);
    const file = newFile();
    await backup(storesOfCloud(cloud), file);
    const before = await itemsOf(cloud, 'sluice-dev-ledger');

    await expect(restore(storesOfCloud(cloud), file)).rejects.toMatchObject({
      code: 'ledger_not_empty',
      exitCode: 3,
    });

    expect(await itemsOf(cloud, 'sluice-dev-ledger')).toEqual(before);
  });
});
