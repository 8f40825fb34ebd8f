/** What a user is promised of runs, on one real process (asset reference, section 17.3; what automation brings follows it). */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { AttemptList, RunPage, RunRead } from '#contracts/runs/read.ts';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { PartitionPage } from '#contracts/runs/partitions.ts';
import { askHttp } from '#test/support/http.ts';
import type { HttpAsked } from '#test/support/http.ts';
import { serve } from '#test/support/process.ts';
import type { Serving } from '#test/support/process.ts';

let serving: Serving;
let ask: ReturnType<typeof askHttp>;
beforeAll(async () => {
  serving = await serve(['--ephemeral']);
  ask = askHttp(serving);
});
afterAll(() => serving.stop());

const must = async (method: string, path: string, asked: HttpAsked = {}) => {
  const answer = await ask(method, path, asked);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body;
};

/** Each test has a workspace of its own: nothing of the others is in its way. */
const pipeline = async (workspace: string, execution: object = {}) => {
  const here = `/workspaces/${workspace}`;
  const key = (name: string) => ({ namespace: 'shop', name });
  await must('POST', `${here}/manifests`, {
    body: {
      manifestVersion: '1.0',
      codeVersionId: 'shop-1',
      assets: [
        { key: key('orders'), id: 'orders', execution },
        { key: key('revenue'), id: 'revenue', dependencies: [{ upstreamKey: key('orders') }] },
      ],
    },
  });
  const { runId } = await must('POST', `${here}/runs`, {
    body: { selection: ['shop.orders'], includeDownstream: true },
  });
  const run = `${here}/runs/${String(runId)}`;
  return {
    here,
    run,
    runId: String(runId),
    read: async () => RunRead.parse(await must('GET', run)),
    claim: async (): Promise<DispatchEnvelope> => {
      const body = { workerId: 'w1', maxTasks: 1, waitMs: 20_000 };
      const [task] = ClaimResponse.parse(await must('POST', `${here}/workers/claim`, { body })).tasks;
      if (!task) throw new Error('no task came');
      return task;
    },
  };
};

const report = (task: DispatchEnvelope, kind: string, more: object = {}) =>
  ask('POST', `/callbacks/${task.taskId}/${kind}`, {
    token: task.taskToken,
    body: { attempt: task.attempt, attemptId: task.attemptId, workerId: 'w1', ...more },
  });
const succeeded = { outcome: 'SUCCEEDED' };

it('brings a pipeline to a state that every read tells', async () => {
  const { here, run, runId, read, claim } = await pipeline('acceptance-pipeline');

  for (const taskKey of ['shop.orders', 'shop.revenue']) {
    const task = await claim();
    expect(task.taskKey).toBe(taskKey);
    await report(task, 'completed', succeeded);
  }

  expect(await read()).toMatchObject({
    state: 'SUCCEEDED',
    codeVersion: 'shop-1',
    taskCounts: { total: 2, succeeded: 2 },
  });
  expect(await must('GET', `${run}/why`)).toMatchObject({ waiting: [] });
  await vi.waitFor(async () => {
    const { runs } = RunPage.parse(await must('GET', `${here}/runs?state=SUCCEEDED`));
    expect(runs).toMatchObject([{ runId, tasksSucceeded: 2 }]);
    const { partitions } = PartitionPage.parse(await must('GET', `${here}/partitions`));
    expect(partitions.map(({ assetKey, state }) => [assetKey, state])).toEqual([
      ['shop.orders', 'MATERIALIZED'],
      ['shop.revenue', 'MATERIALIZED'],
    ]);
  }, 10_000);
});

it('tells of a failed task when and as what it is tried again', async () => {
  const retry = { maxAttempts: 2, baseMs: 60_000 };
  const { run, read, claim } = await pipeline('acceptance-retry', { retry });

  const task = await claim();
  const error = { category: 'INFRASTRUCTURE', message: 'the disk is full' };
  expect(await report(task, 'completed', { outcome: 'FAILED', error })).toMatchObject({ status: 200 });

  const { state, tasks } = await read();
  expect(state).toBe('RUNNING');
  expect(tasks[0]).toMatchObject({ taskKey: 'shop.orders', attempt: 1, errorMessage: 'the disk is full' });
  const { attempts } = AttemptList.parse(await must('GET', `${run}/tasks/shop.orders/attempts`));
  expect(attempts).toMatchObject([{ attempt: 1, state: 'FAILED', error, retryAt: tasks[0]?.retryAt }]);
  expect(Date.parse(attempts[0]?.retryAt ?? '')).toBe(Date.parse(attempts[0]?.completedAt ?? '') + 60_000);
  expect(await must('GET', `${run}/why`)).toMatchObject({
    waiting: [
      { reason: 'tasks' },
      { reason: 'retry', subject: 'shop.orders' },
      { reason: 'upstream', subject: 'shop.revenue' },
    ],
  });
});

it('hears a worker through the public API alone, and refuses it once the task is over', async () => {
  const { run, claim } = await pipeline('acceptance-callbacks');

  const task = await claim();
  expect(await report(task, 'started')).toMatchObject({ status: 200, body: { acknowledged: true } });
  expect(await report(task, 'heartbeat', { progressPct: 40, message: 'half' })).toMatchObject({
    status: 200,
    body: { shouldCancel: false },
  });
  expect(await must('GET', `${run}/tasks/shop.orders`)).toMatchObject({
    state: 'RUNNING',
    progressPct: 40,
    progressMessage: 'half',
  });
  expect(await report(task, 'completed', succeeded)).toMatchObject({ status: 200 });
  expect(await report(task, 'completed', succeeded)).toMatchObject({
    status: 200,
    body: { duplicate: true },
  });
  expect(await report(task, 'heartbeat')).toMatchObject({ status: 410, body: { error: 'task_expired' } });
});

it('shows another workspace nothing of it', async () => {
  const { runId } = await pipeline('acceptance-mine');
  const other = '/workspaces/acceptance-theirs';

  for (const path of ['', '/tasks', '/tasks/shop.orders', '/events', '/why', '/logs'])
    expect(await ask('GET', `${other}/runs/${runId}${path}`)).toMatchObject({
      status: 404,
      body: { code: 'run_not_found' },
    });
  expect(await must('GET', `${other}/runs`)).toEqual({ runs: [] });
  expect(await must('GET', `${other}/manifests`)).toMatchObject({ manifests: [] });
  expect(await must('GET', `${other}/partitions`)).toEqual({ partitions: [] });
  const body = { workerId: 'w1', maxTasks: 10, waitMs: 0 };
  expect(await must('POST', `${other}/workers/claim`, { body })).toEqual({ tasks: [] });
});
