import { DeleteObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { s3Client } from '#adapters/sdk/s3-client.ts';
import { createHandler } from '#functions/api-runs/handler.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { assetPlane } from '#test/support/ports-assets.ts';
import type { AssetPlane } from '#test/support/ports-assets.ts';

const keyed = (key: string) => ({ headers: { 'Idempotency-Key': key } });

describe('triggering a run', () => {
  let plane: AssetPlane;
  beforeEach(async () => {
    plane = await assetPlane();
    await plane.deploy({ a: [], b: [] });
  });

  it('under a header and a run key that are alike is one run, and under two that differ none', async () => {
    const first = await plane.trigger(['m.a'], { runKey: 'k' }, keyed('k'));

    expect(first.status).toBe(201);
    expect(await plane.trigger(['m.a'], {}, keyed('k'))).toMatchObject({
      status: 200,
      body: { created: false },
    });
    expect(await plane.trigger(['m.a'], { runKey: 'other' }, keyed('k'))).toMatchObject({
      status: 400,
      body: {
        code: 'invalid_request',
        message: expect.stringContaining('Idempotency-Key and runKey differ'),
      },
    });
  });

  it('puts its attempts, and those of its reruns, into the trace of whoever asked', async () => {
    const traced = (traceId: string) => ({ headers: { traceparent: `00-${traceId}-00f067aa0ba902b7-01` } });
    const failOne = async (): Promise<string> => {
      const [task] = await plane.claim();
      if (!task) throw new Error('there is no task');
      const error = { category: 'DATA_QUALITY', message: 'no rows' };
      await plane.report('completed', task, { body: { outcome: 'FAILED', error } });
      return task.traceparent.slice(3, 35);
    };
    const [one, other] = ['1'.repeat(32), '2'.repeat(32)];

    const { body } = await plane.trigger(['m.a'], {}, traced(one));
    expect(await failOne()).toBe(one);
    const resource = '/runs/{runId}/rerun';
    const runId = String(body['runId']);
    const rerun = plane.inWorkspace(resource, {
      method: 'POST',
      parameters: { runId },
      body: { mode: 'fromFailure' },
      ...traced(other),
    });
    expect(await plane.call(plane.handlers.runs, rerun)).toMatchObject({ status: 201 });
    expect(await failOne()).toBe(other);

    await plane.trigger(['m.b'], {}, { headers: { traceparent: 'nonsense' } });
    expect(await failOne()).toMatch(/^(?!1+$|2+$)[0-9a-f]{32}$/);
  });

  it('under a key has an id that nobody computes without the secret of the stage', async () => {
    const { body } = await plane.trigger(['m.a'], { runKey: 'sched:eod-close:1767225600' });

    // The vector of the formula: this secret, tenant acme, workspace prod.
    expect(body['runId']).toBe('run_hkcoauemkiy6y4sk3a2qpwr54m');
  });

  it('tells whose request a run key was used for, and writes nothing', async () => {
    const { selection, ...more } = { selection: ['m.a'], labels: { desk: 'rates' }, timeoutSec: 60 };
    const asked = { selection, ...more };
    const started = await plane.trigger(selection, { runKey: 'k', ...more });
    const backfill = (body: object) =>
      plane.call(plane.handlers.runs, plane.inWorkspace('/runs/run-key/backfill', { method: 'POST', body }));

    const same = await backfill({ runKey: 'k', ...asked });
    const other = await backfill({ runKey: 'k', selection: ['m.b'] });

    expect(same).toMatchObject({
      status: 200,
      body: {
        runKey: 'k',
        runId: started.body['runId'],
        updated: false,
        createdAt: started.body['createdAt'],
      },
    });
    expect(other).toMatchObject({
      status: 409,
      body: {
        code: 'run_key_conflict',
        details: {
          existingRunId: started.body['runId'],
          existingFingerprint: same.body['requestFingerprint'],
          requestedFingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
      },
    });
    expect(await backfill({ runKey: 'unused', ...asked })).toMatchObject({
      status: 404,
      body: { code: 'run_key_not_found' },
    });
    expect(await backfill(asked)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(await backfill({ runKey: 'k', selection: ['..'] })).toMatchObject({
      status: 400,
      body: { code: 'invalid_selection' },
    });
  });

  it('under a key of before is answered with its run, whatever was deployed since', async () => {
    const daily = { partitioning: { dimensions: [{ name: 'date', kind: 'time', granularity: 'day' }] } };
    const asked = { partitions: [{ key: 'date', value: '2026-01-02' }], labels: { desk: 'rates' } };
    const backfill = (body: object) =>
      plane.call(plane.handlers.runs, plane.inWorkspace('/runs/run-key/backfill', { method: 'POST', body }));
    await plane.deploy({ a: [] }, daily);
    const first = await plane.trigger(['m.a'], { runKey: 'eod', ...asked });
    expect(first.status).toBe(201);

    for (const graph of [{ a: [] }, { b: [] }]) {
      await plane.deploy(graph);
      for (const again of [
        await plane.trigger(['m.a'], { runKey: 'eod', ...asked }),
        await plane.trigger(['m/a'], asked, keyed('eod')),
      ])
        expect(again).toMatchObject({ status: 200, body: { ...first.body, created: false } });
      expect(await backfill({ runKey: 'eod', selection: ['m.a'], ...asked })).toMatchObject({
        status: 200,
        body: { runId: first.body['runId'] },
      });
      expect(await plane.trigger(['m.a'], { runKey: 'eod' })).toMatchObject({
        status: 409,
        body: { code: 'run_key_conflict', details: { existingRunId: first.body['runId'] } },
      });
    }
    const other = { partitions: [{ key: 'date', value: '2026-01-03' }] };
    expect(await plane.trigger(['m.a'], { runKey: 'eod', ...other })).toMatchObject({
      status: 400,
      body: { code: 'invalid_selection' },
    });
    expect(await plane.trigger(['m.a'], { runKey: 'new', ...asked })).toMatchObject({ status: 400 });
  });

  it('under a used key for a partition that is not its run is a conflict', async () => {
    const daily = { partitioning: { dimensions: [{ name: 'date', kind: 'time', granularity: 'day' }] } };
    await plane.deploy({ a: [] }, daily);
    const on = (value: string) => ({ runKey: 'eod', partitions: [{ key: 'date', value }] });
    await plane.trigger(['m.a'], on('2026-01-02'));

    expect(await plane.trigger(['m.a'], on('2026-01-03'))).toMatchObject({
      status: 409,
      body: { code: 'run_key_conflict' },
    });
    const request = { method: 'POST', body: { selection: ['m.a'], ...on('2026-01-03') } };
    expect(
      await plane.call(plane.handlers.runs, plane.inWorkspace('/runs/run-key/backfill', request)),
    ).toMatchObject({ status: 409, body: { code: 'run_key_conflict' } });
  });

  it('of as many tasks as a run may have, with long names and several upstreams, is one run', async () => {
    const name = (index: number): string =>
      `customer_orders_by_day_and_region_${String(index).padStart(4, '0')}`;
    const graph = Object.fromEntries(
      Array.from({ length: runLimits.planTasksMax }, (_, index) => [
        name(index),
        [1, 2, 3].filter((back) => back <= index).map((back) => name(index - back)),
      ]),
    );
    await plane.deploy(graph);

    const { status, body } = await plane.trigger([`m.${name(runLimits.planTasksMax - 1)}`], {
      includeUpstream: true,
    });

    expect(status).toBe(201);
    expect(await plane.getRun(String(body['runId']))).toMatchObject({
      taskCounts: { total: runLimits.planTasksMax },
    });
  });

  it('names the conflict after where its key came from', async () => {
    await plane.trigger(['m.a'], {}, keyed('k'));

    const conflicts = [
      await plane.trigger(['m.b'], {}, keyed('k')),
      await plane.trigger(['m.b'], { runKey: 'k' }),
      await plane.trigger(['m.b'], { runKey: 'k' }, keyed('k')),
    ];

    expect(conflicts.map(({ status, body }) => [status, body['code']])).toEqual([
      [409, 'idempotency_key_reused'],
      [409, 'run_key_conflict'],
      [409, 'run_key_conflict'],
    ]);
  });

  it('fails as a fault of ours when the body of the manifest is gone', async () => {
    const { stage } = plane;
    const client = s3Client(stage.plugin);
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'blobs' }));
    for (const { Key } of Contents) await client.send(new DeleteObjectCommand({ Bucket: 'blobs', Key }));
    expect(Contents).toHaveLength(1);
    const fresh = createHandler(stage.environment, stage.plugin);

    const request = plane.inWorkspace('/runs', { method: 'POST', body: { selection: ['m.a'] } });
    expect(await plane.call(fresh, request)).toMatchObject({ status: 500, body: { code: 'internal' } });
  });

  it('reads the body of each of many manifests', async () => {
    for (let version = 0; version < 21; version++) {
      await plane.deploy({ [`a${version}`]: [] });
      expect((await plane.trigger([`m.a${version}`])).status).toBe(201);
    }
  });
});

describe('deploying a manifest with schedules', () => {
  it('says that they do not tick yet', async () => {
    const plane = await assetPlane();
    const body = {
      manifestVersion: '1.0',
      codeVersionId: '1',
      assets: [{ key: { namespace: 'm', name: 'a' }, id: 'a' }],
      schedules: [{ id: 'daily', cron: '0 6 * * *', assets: ['m.a'] }],
    };

    const answer = await plane.call(
      plane.handlers.runs,
      plane.inWorkspace('/manifests', { method: 'POST', body }),
    );

    expect(answer).toMatchObject({
      status: 201,
      body: { warnings: ['schedules are stored and do not tick yet'] },
    });
  });
});
