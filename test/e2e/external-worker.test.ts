/** A worker of somebody else's, in another process than the stack, by HTTP alone (asset reference, section 17.1). */
import { afterAll, expect, it } from 'vitest';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import { AttemptList, RunRead } from '#contracts/runs/read.ts';
import { serve } from '#test/support/process.ts';
import type { Serving } from '#test/support/process.ts';

let serving: Serving | undefined;
afterAll(() => serving?.stop());

it('takes a task by its envelope, starts it, completes it with Delta lineage, and all of it is read back', async () => {
  serving = await serve(['--ephemeral']);
  const { client } = serving;
  await client.request('POST', '{ws}/manifests', {
    body: {
      manifestVersion: '1.0',
      codeVersionId: 'external-1',
      assets: [{ key: { namespace: 'analytics', name: 'extract' }, id: 'extract' }],
    },
  });
  const { runId } = (await client.request('POST', '{ws}/runs', {
    body: { selection: ['analytics.extract'] },
  })) as { runId: string };

  const { tasks } = ClaimResponse.parse(
    await client.request('POST', '{ws}/workers/claim', {
      body: { workerId: 'external', maxTasks: 10, waitMs: 20_000 },
    }),
  );
  const [task, ...others] = tasks;
  if (!task) throw new Error('no task came');
  expect(others).toEqual([]);
  expect(task).toMatchObject({
    tenantId: 'local',
    workspaceId: 'main',
    runId,
    taskKey: 'analytics.extract',
    attempt: 1,
    attemptId: expect.stringMatching(/^att_[0-9a-f]{24}$/),
    dispatchId: `dispatch:${runId}:analytics.extract:1`,
    workerQueue: 'default-queue',
    heartbeatTimeoutSec: 300,
  });
  const report = (kind: string, more: object = {}) =>
    client.request('POST', `/v1/callbacks/${task.taskId}/${kind}`, {
      token: task.taskToken,
      body: { attempt: task.attempt, attemptId: task.attemptId, workerId: 'external', ...more },
    });
  const output = {
    materializationId: 'mat-1',
    rowCount: 10,
    byteSize: 100,
    outputPath: 's3://lake/extract',
    deltaTable: 'analytics.extract',
    deltaVersion: 42,
    deltaPartition: 'date=2025-01-15',
  };

  expect(await report('started')).toMatchObject({ acknowledged: true });
  expect(await report('heartbeat', { progressPct: 50 })).toMatchObject({ shouldCancel: false });
  expect(await report('completed', { outcome: 'SUCCEEDED', output })).toMatchObject({
    acknowledged: true,
    finalState: 'SUCCEEDED',
  });
  expect(await report('completed', { outcome: 'SUCCEEDED', output })).toMatchObject({ duplicate: true });

  const run = RunRead.parse(await client.request('GET', `{ws}/runs/${runId}`));
  expect(run).toMatchObject({ state: 'SUCCEEDED', tasks: [{ state: 'SUCCEEDED', attempt: 1, ...output }] });
  expect(run.tasks[0]?.executionLineageRef).toBe(
    JSON.stringify({
      runId,
      taskKey: 'analytics.extract',
      attempt: 1,
      materializationId: 'mat-1',
      deltaTable: 'analytics.extract',
      deltaVersion: 42,
      deltaPartition: 'date=2025-01-15',
    }),
  );
  const { attempts } = AttemptList.parse(
    await client.request('GET', `{ws}/runs/${runId}/tasks/analytics.extract/attempts`),
  );
  expect(attempts).toMatchObject([{ attempt: 1, state: 'SUCCEEDED', workerId: 'external', progressPct: 50 }]);
});
