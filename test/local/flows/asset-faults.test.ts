import { describe, expect, it } from 'vitest';

import { ClaimResponse } from '#contracts/runs/claim.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { FaultRule } from '#local/dispatch/faults.ts';
import { apiOf, bootTestCloud, inMain, insistOn } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import {
  callback,
  listedRun,
  manifestOf,
  readRun,
  runEvents,
  taskStates,
} from '#test/support/cloud-assets.ts';
import { commitsIn, numberingFaults } from '#test/support/cloud-stores.ts';

const MINUTE_MS = 60_000;

let claimCount = 0;

/** A worker that fails task `b` once and insists on every claim and report. */
const workOnce = async (api: Api): Promise<void> => {
  const headers = { 'idempotency-key': `claim-${claimCount++}` };
  const claimed = await insistOn(() =>
    api.ask('POST', inMain('/workers/claim'), { body: { workerId: 'w1', maxTasks: 10 }, headers }),
  );
  const { tasks } = ClaimResponse.parse(claimed.body);
  await Promise.all(tasks.map((task) => report(api, task)));
  await api.cloud.settle();
};

const report = async (api: Api, task: DispatchEnvelope): Promise<void> => {
  const outcome =
    task.taskKey === 'demo.b' && task.attempt === 1
      ? { outcome: 'FAILED', error: { category: 'INFRASTRUCTURE', message: 'once' } }
      : { outcome: 'SUCCEEDED', output: { deltaTable: task.taskKey, deltaVersion: 1 } };
  const answer = await insistOn(() => callback(api, 'completed', task, outcome));
  // An attempt whose claim was answered by an error may have been given up by now; nothing else is refused.
  expect([200, 409]).toContain(answer.status);
};

const wide = Object.fromEntries(Array.from({ length: 24 }, (_, index) => [`w${index}`, ['a']]));
const assets = {
  a: { execution: { heartbeatTimeoutSec: 30, retry: { baseMs: 1_000, maxAttempts: 8 } } },
  b: { after: ['a'], execution: { heartbeatTimeoutSec: 30, retry: { baseMs: 1_000, maxAttempts: 8 } } },
  ...Object.fromEntries(
    Object.entries(wide).map(([name, after]) => [
      name,
      { after, execution: { heartbeatTimeoutSec: 30, retry: { baseMs: 1_000, maxAttempts: 8 } } },
    ]),
  ),
  gate: { after: ['a'], execution: { runner: 'noop', retry: { maxAttempts: 8 } } },
  group: { after: ['gate', 'b'], execution: { runner: 'noop', retry: { maxAttempts: 8 } } },
  last: {
    after: ['group', ...Object.keys(wide)],
    execution: { heartbeatTimeoutSec: 30, retry: { maxAttempts: 8 } },
  },
};

/** Runs the assets to their end whatever happens; the run. */
const runToEnd = async (api: Api): Promise<string> => {
  await insistOn(() => api.ask('POST', inMain('/manifests'), { body: manifestOf(assets) }));
  const selection = Object.keys(assets).map((name) => `demo.${name}`);
  const started = await insistOn(() =>
    api.ask('POST', inMain('/runs'), { body: { selection, runKey: 'only' } }),
  );
  const runId = String(started.body['runId']);
  for (let minutes = 0; minutes < 120; minutes++) {
    await workOnce(api);
    const { body } = await insistOn(() => api.ask('GET', inMain(`/runs/${runId}`)));
    if (body['state'] !== 'RUNNING') break;
    await api.cloud.advance(20_000);
  }
  await api.cloud.advance(3 * MINUTE_MS);
  return runId;
};

const used: readonly (readonly [FaultRule['service'], string])[] = [
  ['dynamodb', 'PutItem'],
  ['dynamodb', 'Query'],
  ['dynamodb', 'GetItem'],
  ['dynamodb', 'DeleteItem'],
  ['dynamodb', 'UpdateItem'],
  ['dynamodb', 'BatchGetItem'],
  ['sqs', 'SendMessageBatch'],
  ['states', 'StartExecution'],
  ['s3', 'PutObject'],
  ['s3', 'GetObject'],
  ['secretsmanager', 'GetSecretValue'],
];

const kinds = ['lost-answer', 'throttle', 'duplicate'] as const;

const TASKS = Object.keys(assets).length;

const expectDone = async (api: Api, runId: string): Promise<void> => {
  const run = await readRun(api, runId);
  expect(new Set(Object.values(taskStates(run)))).toEqual(new Set(['SUCCEEDED']));
  expect(run).toMatchObject({ state: 'SUCCEEDED', taskCounts: { total: TASKS, succeeded: TASKS } });
  const ofWorkers = run.tasks.filter(({ workerId }) => workerId === 'w1');
  expect(ofWorkers).toHaveLength(TASKS - 2);
  expect(ofWorkers.every(({ taskKey, deltaTable }) => deltaTable === taskKey)).toBe(true);
  const ended = (await runEvents(api, runId)).filter(({ data }) => data['outcome'] === 'SUCCEEDED');
  expect(ended.filter(({ type }) => type === 'TaskCompleted')).toHaveLength(TASKS);
  expect(await listedRun(api, runId)).toMatchObject({ state: 'SUCCEEDED', tasksSucceeded: TASKS });
  expect(numberingFaults(await commitsIn(api.cloud))).toEqual([]);
};

describe('a run of assets, when an operation of AWS fails now and then,', () => {
  it.each(used.flatMap(([service, operation]) => kinds.map((kind) => [service, operation, kind] as const)))(
    '%s.%s by %s: ends with every task done once',
    async (service, operation, kind) => {
      const rule = { service, operation, kind, probability: 0.2, hitsMax: 15 } as const;
      const api = apiOf(await bootTestCloud({ faults: [rule], seed: 3 }));
      await expectDone(api, await runToEnd(api));
    },
  );

  it.each([1, 2, 3])('ends the same when everything fails now and then, seed %i', async (seed) => {
    const rules = used.flatMap(([service, operation]) =>
      kinds.map((kind) => ({ service, operation, kind, probability: 0.06, hitsMax: 6 })),
    );
    const api = apiOf(await bootTestCloud({ faults: rules, seed }));
    await expectDone(api, await runToEnd(api));
  });
});
