import { describe, expect, it } from 'vitest';

import { apiOf, bootTestCloud, inMain, START_MS } from '#test/support/cloud.ts';
import {
  callback,
  claim,
  claimOne,
  deploy,
  fail,
  listedRun,
  readRun,
  runEvents,
  succeed,
  taskStates,
  trigger,
  workOff,
} from '#test/support/cloud-assets.ts';
import { executionsOf } from '#test/support/cloud-stores.ts';

const bootApi = async () => {
  const cloud = await bootTestCloud();
  return { cloud, api: apiOf(cloud) };
};

describe('a run of assets', () => {
  it('goes from deploy to lineage through claim, started, heartbeat and completed', async () => {
    const { cloud, api } = await bootApi();
    await deploy(api, { raw: [], clean: ['raw'] });
    const runId = await trigger(api, ['clean'], { includeUpstream: true, labels: { team: 'a' } });

    const raw = await claimOne(api);
    expect(raw).toMatchObject({ taskKey: 'demo.raw', attempt: 1, runId, workspaceId: 'main' });
    expect(await claim(api)).toEqual([]);
    expect(await callback(api, 'started', raw)).toMatchObject({ status: 200, body: { acknowledged: true } });
    await cloud.advance(10_000);
    const beat = await callback(api, 'heartbeat', raw, { progressPct: 40, message: 'reading' });
    expect(beat).toMatchObject({ status: 200, body: { shouldCancel: false } });
    const lineage = { deltaTable: 'lake.raw', deltaVersion: 7, deltaPartition: 'day=1', rowCount: 3 };
    expect(await succeed(api, raw, { materializationId: 'mat-1', ...lineage })).toMatchObject({
      status: 200,
      body: { finalState: 'SUCCEEDED' },
    });
    await succeed(api, await claimOne(api));
    await cloud.settle();

    const run = await readRun(api, runId);
    expect(run).toMatchObject({ state: 'SUCCEEDED', labels: { team: 'a' }, taskCounts: { succeeded: 2 } });
    expect(run.tasks.find(({ taskKey }) => taskKey === 'demo.raw')).toMatchObject({
      ...lineage,
      materializationId: 'mat-1',
      attempt: 1,
    });
    expect(await listedRun(api, runId)).toMatchObject({
      state: 'SUCCEEDED',
      taskCount: 2,
      tasksSucceeded: 2,
      tasksFailed: 0,
    });
    expect(cloud.faultLines()).toEqual([]);
  });

  it('numbers its history without gaps', async () => {
    const { api } = await bootApi();
    await deploy(api, { a: [], b: ['a'] });
    const runId = await trigger(api, ['a', 'b']);
    await workOff(api);
    const events = await runEvents(api, runId);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    expect([events[0]?.type, events.at(-1)?.type]).toEqual(['RunTriggered', 'RunCompleted']);
  });

  it('retries a retryable failure at its very millisecond through Step Functions', async () => {
    const { cloud, api } = await bootApi();
    await deploy(api, { a: { execution: { retry: { baseMs: 2_345, maxAttempts: 2 } } } });
    const runId = await trigger(api, ['a']);
    const first = await claimOne(api);
    await cloud.advance(1_001);
    await fail(api, first);
    await cloud.settle();
    expect(await executionsOf(cloud, 'retry-task')).toMatchObject([{ status: 'RUNNING' }]);
    const why = await api.must('GET', inMain(`/runs/${runId}/why`));
    expect(why).toMatchObject({
      waiting: expect.arrayContaining([expect.objectContaining({ reason: 'retry' })]),
    });

    await cloud.advance(2_344);
    expect(await claim(api)).toEqual([]);
    await cloud.advance(1);
    expect(await executionsOf(cloud, 'retry-task')).toMatchObject([{ status: 'SUCCEEDED' }]);
    expect(await claimOne(api)).toMatchObject({ attempt: 2 });
    const dispatched = (await runEvents(api, runId)).filter(({ type }) => type === 'TaskDispatched');
    expect(dispatched.map(({ occurredAt }) => Date.parse(occurredAt) - START_MS)).toEqual([0, 1_001 + 2_345]);
  });

  it('fails after its last attempt and refuses the attempts before', async () => {
    const { cloud, api } = await bootApi();
    await deploy(api, { a: { execution: { retry: { baseMs: 1_000, maxAttempts: 2 } } } });
    const runId = await trigger(api, ['a']);
    const first = await claimOne(api);
    await fail(api, first);
    await cloud.advance(1_000);
    expect(await succeed(api, first)).toMatchObject({ status: 409, body: { code: 'stale_attempt' } });
    await fail(api, await claimOne(api));
    await cloud.settle();
    const run = await readRun(api, runId);
    expect(run).toMatchObject({ state: 'FAILED', outcomeReason: 'task demo.a failed' });
  });

  it('fails without a retry when the error is not retryable, and skips all that follows', async () => {
    const { cloud, api } = await bootApi();
    await deploy(api, { a: [], b: ['a'], c: ['b'], other: [] });
    const runId = await trigger(api, ['a', 'b', 'c', 'other']);
    const tasks = await claim(api);
    for (const task of tasks)
      await (task.taskKey === 'demo.a' ? fail(api, task, 'DATA_QUALITY') : succeed(api, task));
    await cloud.settle();
    const run = await readRun(api, runId);
    expect(run.state).toBe('FAILED');
    expect(taskStates(run)).toEqual({ a: 'FAILED', b: 'SKIPPED', c: 'SKIPPED', other: 'SUCCEEDED' });
    expect(await executionsOf(cloud, 'retry-task')).toEqual([]);
  });

  it('hands a task to a worker that was already waiting for it', async () => {
    const { cloud, api } = await bootApi();
    await deploy(api, { a: [] });
    const waiting = claim(api, { waitMs: 20_000 });
    await cloud.advance(5_000);
    await trigger(api, ['a']);
    await cloud.advance(2_000);
    expect(await waiting).toMatchObject([{ taskKey: 'demo.a' }]);
  });

  it('answers a waiting worker with nothing when nothing came', async () => {
    const { cloud, api } = await bootApi();
    const waiting = claim(api, { waitMs: 1_500 });
    await cloud.advance(1_500);
    expect(await waiting).toEqual([]);
  });

  it('is found again under its run key, and refuses another request under it', async () => {
    const { api } = await bootApi();
    await deploy(api, { a: [], b: [] });
    const runId = await trigger(api, ['a'], { runKey: 'daily' });
    expect(await trigger(api, ['a'], { runKey: 'daily' })).toBe(runId);
    const other = await api.ask('POST', inMain('/runs'), {
      body: { selection: ['demo.b'], runKey: 'daily' },
    });
    expect(other).toMatchObject({ status: 409, body: { code: 'run_key_conflict' } });
  });
});
