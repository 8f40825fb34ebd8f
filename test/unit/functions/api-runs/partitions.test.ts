import { beforeEach, describe, expect, it } from 'vitest';
import { TenantId } from '#contracts/ids.ts';
import { AssetPage, SchedulePage } from '#contracts/runs/deployed.ts';
import { PartitionPage } from '#contracts/runs/partitions.ts';
import type { PartitionItem } from '#contracts/runs/partitions.ts';
import { partitionRowKey } from '#domain/run/partition-rows.ts';
import { deployManifestOperation } from '#functions/api-runs/manifests.ts';
import { summarizePartitions } from '#functions/api-runs/partitions.ts';
import type { ApiRequest } from '#functions/shared/http.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { adaptersOf, commandPorts, ledgerEvent, streamedCommits } from '#test/support/ledger.ts';
import { asset, manifest } from '#test/support/manifest-fixtures.ts';
import { assetPlane } from '#test/support/ports-assets.ts';
import type { Answer, AssetPlane } from '#test/support/ports-assets.ts';

const DAY = { partitioning: { dimensions: [{ name: 'date', kind: 'time', granularity: 'day' }] } };
const VENUE = { partitioning: { dimensions: [{ name: 'venue', kind: 'static', values: ['x', 'y', 'z'] }] } };
const dayKey = (day: number): string => `date=d:2026-01-0${day}`;

/** `bars` by day, `regime` from it, and `books` by venue. */
const graph = [
  asset('m', 'bars', [], DAY),
  asset('m', 'regime', ['m.bars'], DAY),
  asset('m', 'books', [], VENUE),
];

const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

const requestFor = (assetKey: string): ApiRequest => ({
  requestId: 'r',
  principal: { kind: 'user', userId: 'u', tenantId: TenantId.parse('acme'), held: [] },
  bearer: undefined,
  path: { workspaceId: 'prod', assetKey },
  query: {},
  idempotencyKey: undefined,
  body: undefined,
  baseUrl: '',
});

describe('partitions', () => {
  let plane: AssetPlane;
  beforeEach(async () => {
    plane = await assetPlane();
  });

  const get = (
    path: string,
    query: Readonly<Record<string, string>> = {},
    over: object = {},
  ): Promise<Answer> => plane.call(plane.handlers.runs, plane.inWorkspace(path, { query, ...over }));
  const deploy = (assets: readonly object[], more: object = {}): Promise<Answer> =>
    plane.call(
      plane.handlers.runs,
      plane.inWorkspace('/manifests', { method: 'POST', body: manifest(assets, more) }),
    );
  const compact = () => plane.handlers.compact(ledgerEvent(plane.stage));
  const list = async (query: Readonly<Record<string, string>> = {}): Promise<PartitionPage> =>
    PartitionPage.parse((await get('/partitions', query)).body);
  const summary = (assetKey: string): Promise<Answer> =>
    get('/assets/{assetKey}/partitions/summary', {}, { parameters: { assetKey } });
  /** A run of one partition, whose tasks all end so. */
  const run = async (
    selection: readonly string[],
    partitionKey?: string,
    isSuccess = true,
  ): Promise<string> => {
    const body = { selection, ...(partitionKey === undefined ? {} : { partitionKey }) };
    const answer = await plane.trigger(selection, body);
    if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
    for (const _each of selection) {
      plane.pass(1_000);
      const [task] = await plane.claim();
      if (!task) throw new Error('a task is ready');
      await plane.report('completed', task, {
        body: isSuccess
          ? {
              outcome: 'SUCCEEDED',
              output: { materializationId: 'mat', deltaTable: task.taskKey, deltaVersion: 42 },
            }
          : { outcome: 'FAILED', error: { category: 'DATA_QUALITY', message: 'gap in tape' } },
      });
    }
    await compact();
    return String(answer.body['runId']);
  };
  const namesOf = ({ partitions }: PartitionPage) =>
    partitions.map((item) => [item.assetKey, item.partitionKey]);
  const staleOf = ({ partitions }: PartitionPage) =>
    partitions.map(({ assetKey, staleReason }: PartitionItem) => [assetKey, staleReason]);

  it('have the lineage of the run and the task that made them, byte for byte', async () => {
    await deploy(graph);
    const runId = await run(['m.bars'], dayKey(2));

    const { partitions } = await list({ assetKey: 'm/bars' });

    const detail = await plane.getRun(runId);
    const [task] = detail['tasks'] as readonly Record<string, unknown>[];
    expect(partitions).toEqual([
      {
        assetKey: 'm.bars',
        partitionKey: dayKey(2),
        partitionValues: { date: '2026-01-02' },
        state: 'MATERIALIZED',
        lastMaterializationRunId: runId,
        lastMaterializationAt: task?.['completedAt'],
        lastMaterializationCodeVersion: 'git-1',
        lastAttemptRunId: runId,
        lastAttemptAt: task?.['completedAt'],
        lastAttemptOutcome: 'succeeded',
        isStale: false,
        materializationId: 'mat',
        deltaTable: 'm.bars',
        deltaVersion: 42,
        deltaPartition: dayKey(2),
        executionLineageRef: task?.['executionLineageRef'],
      },
    ]);
    expect(partitions[0]?.executionLineageRef).toBe(
      `{"runId":"${runId}","taskKey":"m.bars","attempt":1,"materializationId":"mat","deltaTable":"m.bars","deltaVersion":42,"deltaPartition":"${dayKey(2)}"}`,
    );
  });

  it('are listed by asset and key, page by page, with a cursor only where more follow', async () => {
    await deploy(graph);
    await run(['m.regime'], dayKey(1));
    await run(['m.bars'], dayKey(2));
    await run(['m.bars'], dayKey(1));
    await run(['m.books'], 'venue=s:eA');
    const all = [
      ['m.bars', dayKey(1)],
      ['m.bars', dayKey(2)],
      ['m.books', 'venue=s:eA'],
      ['m.regime', dayKey(1)],
    ];
    expect(await list()).toMatchObject({ partitions: all.map(([assetKey]) => ({ assetKey })) });

    for (const limit of [1, 3, 4]) {
      const seen: (readonly string[])[] = [];
      let cursor: string | undefined;
      do {
        const page = await list({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) });
        expect(page.partitions.length).toBe(Math.min(limit, all.length - seen.length));
        seen.push(...namesOf(page));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(seen).toEqual(all);
    }
  });

  it('refuse a cursor of another list, and an asset key that is none', async () => {
    await deploy(graph);
    await run(['m.bars'], dayKey(1));
    await run(['m.bars'], dayKey(2));
    const { nextCursor = '' } = await list({ assetKey: 'm.bars', limit: '1' });
    expect(namesOf(await list({ assetKey: 'm.bars', limit: '1', cursor: nextCursor }))).toEqual([
      ['m.bars', dayKey(2)],
    ]);

    expect(await get('/partitions', { cursor: nextCursor })).toMatchObject({
      status: 400,
      body: { code: 'invalid_cursor' },
    });
    expect(await get('/partitions', { assetKey: 'Bars' })).toMatchObject({
      status: 400,
      body: { code: 'invalid_asset_key' },
    });
  });

  it('are stale for the reason that holds when they are read', async () => {
    await deploy(graph);
    await run(['m.bars'], dayKey(1), false);
    await run(['m.regime'], dayKey(1));
    expect(staleOf(await list())).toEqual([
      ['m.bars', 'NEVER_MATERIALIZED'],
      ['m.regime', 'UPSTREAM_NEVER_MATERIALIZED'],
    ]);

    await run(['m.bars'], dayKey(1));
    const changed = await list({ staleOnly: 'true' });
    expect(staleOf(changed)).toEqual([['m.regime', 'UPSTREAM_CHANGED']]);
    expect(changed.partitions[0]).toMatchObject({
      state: 'STALE',
      staleSince: changed.partitions[0]?.staleCauses?.[0]?.materializedAt,
      staleCauses: [{ assetKey: 'm.bars', partitionKey: dayKey(1) }],
    });

    await run(['m.regime'], dayKey(1));
    expect(staleOf(await list())).toEqual([
      ['m.bars', undefined],
      ['m.regime', undefined],
    ]);
  });

  it('are stale by age once their lag has passed, and by code after a deploy of other code', async () => {
    const fast = { ...DAY, freshness: { maximumLagMinutes: 10 } };
    await deploy([asset('m', 'bars', [], fast)]);
    await run(['m.bars'], dayKey(1));
    plane.pass(10 * 60_000);
    expect(staleOf(await list())).toEqual([['m.bars', undefined]]);
    plane.pass(1);
    expect(staleOf(await list())).toEqual([['m.bars', 'FRESHNESS_POLICY']]);

    await deploy([asset('m', 'bars', [], fast)], { codeVersionId: 'git-2' });
    expect(staleOf(await list())).toEqual([['m.bars', 'CODE_CHANGED']]);
  });

  it('tell a failure after the last success before anything else', async () => {
    await deploy(graph);
    const made = await run(['m.bars'], dayKey(1));
    const failed = await run(['m.bars'], dayKey(1), false);

    expect((await list()).partitions).toMatchObject([
      {
        state: 'MATERIALIZED_BUT_LAST_ATTEMPT_FAILED',
        lastMaterializationRunId: made,
        lastAttemptRunId: failed,
        lastAttemptOutcome: 'failed',
        isStale: false,
      },
    ]);
  });

  it('have an empty key where an asset ran without a partition', async () => {
    await deploy([asset('m', 'plain', []), asset('m', 'after', ['m.plain'])]);
    await run(['m.plain', 'm.after']);

    const { partitions } = await list();

    expect(partitions).toMatchObject([
      { assetKey: 'm.after', partitionKey: '', isStale: false },
      { assetKey: 'm.plain', partitionKey: '', isStale: false },
    ]);
    expect(partitions[0]).not.toHaveProperty('partitionValues');
  });

  it('are counted, with those that static dimensions promise', async () => {
    await deploy(graph);
    await run(['m.bars'], dayKey(1));
    await run(['m.bars'], dayKey(2), false);
    await run(['m.regime'], dayKey(1));
    await run(['m.bars'], dayKey(1));
    await run(['m.books'], 'venue=s:eA');

    expect((await summary('m.bars')).body).toEqual({
      assetKey: 'm.bars',
      totalPartitions: 2,
      materializedPartitions: 1,
      stalePartitions: 0,
      missingPartitions: 1,
    });
    expect((await summary('m.regime')).body).toMatchObject({ totalPartitions: 1, stalePartitions: 1 });
    expect((await summary('m.books')).body).toMatchObject({
      totalPartitions: 3,
      materializedPartitions: 1,
      missingPartitions: 2,
    });
  });

  it('are not found where there are none, before and after a deploy', async () => {
    const none = { status: 404, body: { code: 'partitions_not_found' } };
    expect(await summary('m.bars')).toMatchObject(none);
    expect(await list()).toEqual({ partitions: [] });
    await deploy(graph);
    expect(await summary('m.bars')).toMatchObject(none);
    expect(await summary('bars')).toMatchObject({ status: 400, body: { code: 'invalid_asset_key' } });
  });

  it('of one workspace or tenant are seen in no other', async () => {
    await deploy(graph);
    await run(['m.bars'], dayKey(1));
    const seenBy = async (claims: { readonly tenant_id: string; readonly workspace_id: string }) => {
      const token = await plane.issuer.token(claims);
      const parameters = { workspaceId: claims.workspace_id, assetKey: 'm.bars' };
      const counted = await get('/assets/{assetKey}/partitions/summary', {}, { token, parameters });
      return [(await get('/partitions', {}, { token, parameters })).body, counted.body['code']];
    };

    const nothing = [{ partitions: [] }, 'partitions_not_found'];
    expect(await seenBy({ tenant_id: 'acme', workspace_id: 'test' })).toEqual(nothing);
    expect(await seenBy({ tenant_id: 'other', workspace_id: 'prod' })).toEqual(nothing);
    const foreign = await plane.issuer.token({ workspace_id: 'test' });
    expect(await get('/partitions', {}, { token: foreign })).toMatchObject({ status: 404 });
  });

  describe('in great numbers', () => {
    const put = async (name: string, count: number, codeVersion = 'git-1'): Promise<void> => {
      const { views } = adaptersOf(plane.stage);
      const at = new Date(plane.stage.clock.nowMs()).toISOString();
      const runId = `run_${'0'.repeat(26)}`;
      for (let index = 0; index < count; index++) {
        const partitionKey = `n=i:${10_000 + index}`;
        const data = {
          assetKey: `m.${name}`,
          partitionKey,
          lastAttemptRunId: runId,
          lastAttemptAt: at,
          lastAttemptOutcome: 'succeeded',
          lastMaterializationRunId: runId,
          lastMaterializationAt: at,
          lastMaterializationCodeVersion: codeVersion,
        };
        const key = partitionRowKey({ tenantId: 'acme', workspaceId: 'prod' }, `m.${name}`, partitionKey);
        await views.replace({ ...key, version: 'v|v', data }, undefined);
      }
    };

    it.each([
      ['within an asset', { a: 1_000, b: 0 }],
      ['between two', { a: 950, b: 60 }],
    ])('are looked through a thousand at a time, %s', async (_, { a, b }) => {
      await deploy(['a', 'b', 'c'].map((name) => asset('m', name, [])));
      await put('a', a);
      await put('b', b);
      await put('c', 1, 'git-0');

      const first = await list({ staleOnly: 'true' });
      const second = await list({ staleOnly: 'true', cursor: first.nextCursor ?? '' });

      expect(first).toEqual({ partitions: [], nextCursor: expect.any(String) as string });
      expect(namesOf(second)).toEqual([['m.c', 'n=i:10000']]);
      expect(second.nextCursor).toBeUndefined();
    });

    it('are found behind assets without any, two hundred of which one request passes', async () => {
      const name = (index: number): string => `a${String(index).padStart(3, '0')}`;
      await deploy(Array.from({ length: 202 }, (_, index) => asset('m', name(index), [])));
      await put(name(201), 1);

      const first = await list();
      const second = await list({ cursor: first.nextCursor ?? '' });

      expect(first).toEqual({ partitions: [], nextCursor: expect.any(String) as string });
      expect(namesOf(second)).toEqual([['m.a201', 'n=i:10000']]);
      expect(second.nextCursor).toBeUndefined();
    });

    it('are counted up to twenty thousand', async () => {
      await deploy([asset('m', 'a', [])]);
      await put('a', 1);
      const { ledger, blobs, views } = adaptersOf(plane.stage);
      const { rows } = await views.partition('partition#acme/prod/m.a');
      let pages = 0;
      const endless = {
        ...views,
        partition: () => {
          pages += 1;
          return Promise.resolve({
            rows: Array.from({ length: 100 }, () => rows[0] ?? expect.fail()),
            next: 'p#',
          });
        },
      };
      const ports = { ledger, blobs, views: endless, nowMs: plane.stage.clock.nowMs };

      await expect(summarizePartitions(ports)(requestFor('m.a'))).rejects.toMatchObject({
        code: 'too_many_partitions',
      });

      expect(pages).toBe(201);
    });

    it('are read a few at a time where each has many upstreams', async () => {
      const many = Array.from({ length: 300 }, (_, index) => `u${index}`);
      await deploy([
        ...many.map((name) => asset('m', name, [])),
        asset(
          'm',
          'a',
          many.map((name) => `m.${name}`),
        ),
      ]);
      await put('a', 5);
      plane.stage.requests();

      const { partitions } = await list({ assetKey: 'm.a' });

      expect(partitions).toHaveLength(5);
      expect(partitions[0]?.staleCauses).toHaveLength(20);
      // Three partitions and their two thousand places at most with each page.
      expect(plane.stage.requests()['dynamodb.BatchGetItem']).toBeGreaterThan(2);
    });
  });

  describe('of what was removed', () => {
    const schedule = (id: string) => ({ id, cron: '0 6 * * *', assets: ['m/bars'] });
    const assets = async (query: Readonly<Record<string, string>> = {}) =>
      AssetPage.parse((await get('/assets', query)).body);
    const schedules = async () => SchedulePage.parse((await get('/schedules')).body).schedules;

    it('stay listed and are stale no more; the asset is listed as removed until it is deployed again', async () => {
      await deploy(graph);
      await run(['m.regime'], dayKey(1));
      expect(staleOf(await list())).toEqual([['m.regime', 'UPSTREAM_NEVER_MATERIALIZED']]);
      const answer = await deploy(graph.slice(0, 1));
      await compact();

      expect((await list()).partitions).toMatchObject([
        { assetKey: 'm.regime', state: 'MATERIALIZED', isStale: false, isAssetRemoved: true },
      ]);
      const end = { state: 'REMOVED', removedByManifestId: answer.body['manifestId'] };
      expect(await assets()).toMatchObject({
        assets: [
          { assetKey: 'm.bars', state: 'ACTIVE', id: 'id-m-bars', upstreamAssetKeys: [], partitioning: {} },
          { assetKey: 'm.books', ...end },
          { assetKey: 'm.regime', ...end },
        ],
      });

      await deploy(graph);
      await compact();
      expect((await assets()).assets.map(({ state }) => state)).toEqual(['ACTIVE', 'ACTIVE', 'ACTIVE']);
      expect((await list()).partitions[0]).not.toHaveProperty('isAssetRemoved');
    });

    it('is listed page by page among the rest', async () => {
      await deploy(['a', 'b', 'c', 'd', 'e'].map((name) => asset('m', name, [])));
      await deploy(
        ['b', 'd'].map((name) =>
          asset('m', name, [], { description: 'kept', freshness: { maximumLagMinutes: 5 } }),
        ),
      );
      await compact();
      for (const limit of [1, 2, 5]) {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await assets({ limit: String(limit), ...(cursor === undefined ? {} : { cursor }) });
          seen.push(...page.assets.map(({ assetKey, state }) => `${assetKey} ${state}`));
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        expect(seen).toEqual(['m.a REMOVED', 'm.b ACTIVE', 'm.c REMOVED', 'm.d ACTIVE', 'm.e REMOVED']);
      }
    });

    it('are schedules too', async () => {
      expect(await schedules()).toEqual([]);
      await deploy(graph, { schedules: [schedule('a'), schedule('b')] });
      await deploy(graph, { schedules: [schedule('b')] });
      await compact();

      expect(await schedules()).toMatchObject([
        { scheduleId: 'a', state: 'REMOVED' },
        {
          scheduleId: 'b',
          state: 'ACTIVE',
          cronExpression: '0 6 * * *',
          timezone: 'UTC',
          assetSelection: ['m.bars'],
        },
      ]);
    });

    it('gives way when five deploys came between, one for each try', async () => {
      const { ledger, blobs, views } = adaptersOf(plane.stage);
      let tries = 0;
      const overtaken = {
        send: () => {
          tries += 1;
          return Promise.resolve({
            kind: 'rejected' as const,
            rejection: { code: 'contention' as const, message: 'overtaken' },
            state: { status: 'none' as const },
            version: 0,
          });
        },
      };
      const deployOnce = deployManifestOperation({
        ledger,
        blobs,
        views,
        mailbox: overtaken as unknown as Mailbox,
      });

      await expect(deployOnce({ ...requestFor('m.a'), body: manifest(graph) })).rejects.toMatchObject({
        code: 'contention',
      });

      expect(tries).toBe(5);
    });

    it('is not known after the body of the manifest before was lost; the deploy says so and repairs', async () => {
      await deploy(graph);
      const { blobs } = adaptersOf(plane.stage);
      const lost = deployManifestOperation({
        ledger: adaptersOf(plane.stage).ledger,
        views: adaptersOf(plane.stage).views,
        blobs: { ...blobs, get: () => Promise.resolve(undefined) },
        mailbox: mailbox(commandPorts(plane.stage)),
      });
      const schedules = [schedule('a')];

      const answer = await lost({ ...requestFor('m.a'), body: manifest(graph.slice(0, 1), { schedules }) });

      expect(answer).toMatchObject({
        status: 201,
        body: { warnings: [/schedules/, /is lost/].map(matching) },
      });
      await compact();
      expect((await assets()).assets).toHaveLength(1);
    });

    it('counts each removal once when two deploys meet', async () => {
      await deploy(graph);
      const both = await Promise.all([deploy(graph.slice(0, 1)), deploy(graph.slice(0, 2))]);
      await compact();

      expect(both.map(({ status }) => status)).toEqual([201, 201]);
      const removed = streamedCommits(plane.stage)
        .flatMap(({ events }) => events)
        .filter(({ type }) => type === 'ManifestDeployed')
        .map(({ data }) => [data['assetCount'], data['removedAssets']]);
      // Either may come first; the other is compared with it and not with what both had seen.
      const narrowFirst = [
        [1, ['m.books', 'm.regime']],
        [2, undefined],
      ];
      const wideFirst = [
        [2, ['m.books']],
        [1, ['m.regime']],
      ];
      expect([narrowFirst, wideFirst]).toContainEqual(removed.slice(1));
    });
  });
});
