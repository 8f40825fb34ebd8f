/** From the deploy to the logs over the public API of a real process (asset reference, section 17.2). */
import { afterAll, expect, it, vi } from 'vitest';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import { nextCursorHeaders } from '#contracts/runs/task-log.ts';
import { RunRead } from '#contracts/runs/read.ts';
import { askHttp } from '#test/support/http.ts';
import { serve } from '#test/support/process.ts';
import type { Serving } from '#test/support/process.ts';

let serving: Serving | undefined;
afterAll(() => serving?.stop());

const manifest = {
  manifestVersion: '1.0',
  codeVersionId: 'users-1',
  assets: [{ key: { namespace: 'analytics', name: 'users' }, id: 'users' }],
  schedules: [{ id: 'daily', cron: '0 10 * * *', assets: ['analytics.users'] }],
};
const delta = { deltaTable: 'analytics.users', deltaVersion: 17, deltaPartition: 'date=2025-01-15' };

it('deploys, runs, hears the worker, and answers the run with its lineage and its logs page by page', async () => {
  serving = await serve(['--ephemeral']);
  const ask = askHttp(serving);
  const inMain = (path: string): string => `/workspaces/main${path}`;

  const key = { headers: { 'idempotency-key': 'deploy-1' } };
  const deployed = await ask('POST', inMain('/manifests'), { body: manifest, ...key });
  expect(deployed).toMatchObject({ status: 201, body: { codeVersionId: 'users-1' } });
  expect(await ask('POST', inMain('/manifests'), { body: manifest, ...key })).toMatchObject({
    body: { manifestId: deployed.body['manifestId'] },
  });

  const triggered = await ask('POST', inMain('/runs'), { body: { selection: ['analytics.users'] } });
  expect(triggered).toMatchObject({ status: 201, body: { created: true } });
  const run = inMain(`/runs/${String(triggered.body['runId'])}`);
  const readRun = async (query = '') => RunRead.parse((await ask('GET', `${run}${query}`)).body);

  expect((await readRun('?atSequence=2')).tasks).toMatchObject([{ taskKey: 'analytics.users', attempt: 0 }]);

  const claim = { workerId: 'w1', maxTasks: 1, waitMs: 20_000 };
  const claimed = await ask('POST', inMain('/workers/claim'), { body: claim });
  const [task] = ClaimResponse.parse(claimed.body).tasks;
  if (!task) throw new Error('no task came');
  const report = (kind: string, more: object = {}) =>
    ask('POST', `/callbacks/${task.taskId}/${kind}`, {
      token: task.taskToken,
      body: { attempt: task.attempt, attemptId: task.attemptId, workerId: 'w1', ...more },
    });

  expect(await report('started')).toMatchObject({ status: 200 });
  const stored = await ask('POST', `${run}/logs`, {
    body: { taskKey: 'analytics.users', attempt: 1, stdout: 'read 10 users', stderr: 'one was skipped' },
  });
  expect(stored.status).toBe(200);
  expect(stored.body['path']).toContain('attempt-1.log');
  expect(
    await report('completed', { outcome: 'SUCCEEDED', output: { materializationId: 'mat-1', ...delta } }),
  ).toMatchObject({ status: 200, body: { finalState: 'SUCCEEDED' } });

  const read = await readRun();
  expect(read).toMatchObject({ state: 'SUCCEEDED', tasks: [{ state: 'SUCCEEDED', ...delta }] });
  expect(read.tasks[0]?.executionLineageRef).toMatch(/./);

  const page = await vi.waitFor(async () => {
    const first = await ask('GET', `${run}/logs?limit=1`);
    expect(first.status).toBe(200);
    return first;
  }, 10_000);
  expect(page.text).toContain('read 10 users');
  expect(page.text).toContain('one was skipped');
  const cursor = page.headers.get(nextCursorHeaders[0]) ?? '';
  expect(cursor).not.toBe('');
  expect(page.headers.get(nextCursorHeaders[1])).toBe(cursor);
  const behind = await ask('GET', `${run}/logs?limit=1&cursor=${encodeURIComponent(cursor)}`);
  expect(behind).toMatchObject({ status: 200, text: '' });
  for (const header of nextCursorHeaders) expect(behind.headers.get(header)).toBeNull();
});
