/** Tasks that a customer's Lambda function makes: what is handed on, lost, delivered twice, overdue and refused. */
import path from 'node:path';
import { describe, expect, it } from 'vitest';

import type { FaultRule } from '#local/dispatch/faults.ts';
import { apiOf, bootTestCloud, inMain, sourceModules } from '#test/support/cloud.ts';
import type { Api, TestCloud } from '#test/support/cloud.ts';
import { callback, claim, deploy, readRun, runEvents, trigger } from '#test/support/cloud-assets.ts';
import { commitsIn, itemsOf, numberingFaults } from '#test/support/cloud-stores.ts';
import { FUNCTION, functionStage, runner } from '#test/support/function-stage.ts';

const MINUTE_MS = 60_000;
const chain = (count: number): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`s${index}`, index === 0 ? [] : [`s${index - 1}`]]),
  );

const start = async (api: Api, assets: Readonly<Record<string, unknown>>): Promise<string> => {
  const runId = await trigger(api, Object.keys(assets));
  await api.cloud.settle();
  return runId;
};

const runTasks = (cloud: TestCloud): number =>
  cloud.counts().functions['sluice-dev-run-task']?.invocations ?? 0;

const mappingOf = (cloud: TestCloud) => {
  const mapping = [...cloud.mappings.values()].find(({ setting }) => setting.id.includes('FunctionTasks'));
  if (!mapping) throw new Error('function-tasks has no consumer');
  return mapping;
};

const attemptsOf = async (api: Api, runId: string): Promise<readonly unknown[]> =>
  (await runEvents(api, runId)).filter(({ type }) => type === 'TaskStarted');

describe('a run whose tasks a function makes', () => {
  it('takes one message and a commit a task, and tokens stand nowhere', async () => {
    const { api, invoked } = await functionStage(chain(5));
    const runId = await start(api, chain(5));

    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED', taskCounts: { succeeded: 5 } });
    expect(invoked.map(({ taskKey, executionLocationId }) => [taskKey, executionLocationId])).toEqual(
      Object.keys(chain(5)).map((name) => [`demo.${name}`, 'runner']),
    );
    const commits = (await commitsIn(api.cloud)).filter(({ stream }) => stream.endsWith(runId));
    expect(commits.map(({ events }) => events.map(({ type }) => type))).toEqual([
      ['RunTriggered', 'PlanCreated', 'TaskDispatched'],
      ['TaskStarted'],
      ...Array.from({ length: 4 }, () => ['TaskCompleted', 'TaskDispatched', 'TaskStarted']),
      ['TaskCompleted', 'RunCompleted'],
    ]);
    expect(runTasks(api.cloud)).toBe(1);
    const kept = await Promise.all(
      ['ledger', 'views', 'control'].map((table) => itemsOf(api.cloud, table as 'ledger')),
    );
    for (const { taskToken } of invoked) expect(JSON.stringify(kept)).not.toContain(taskToken);
    expect(api.cloud.logged.join('\n')).not.toMatch(/eyJ[\w-]+\.[\w-]+\./);
  });

  it('of twenty side by side makes each once', async () => {
    const wide = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`t${index}`, []]));
    const assets = { ...wide, last: Object.keys(wide) };
    const { api, invoked } = await functionStage(assets);
    const runId = await start(api, assets);

    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    expect(new Set(invoked.map(({ attemptId }) => attemptId)).size).toBe(21);
    expect(invoked).toHaveLength(21);
  });

  it('has its output, and may have its logs and its progress by callbacks', async () => {
    const { api } = await functionStage({ a: [] }, async (task) => {
      expect(await callback(api, 'logs', task, { stdout: 'loaded\n', stderr: '' })).toMatchObject({
        status: 200,
      });
      expect(await callback(api, 'heartbeat', task, { progressPct: 40 })).toMatchObject({ status: 200 });
      return { outcome: 'SUCCEEDED', output: { rowCount: 390 }, metrics: { cpuTimeMs: 7 } };
    });
    const runId = await start(api, { a: [] });

    expect(await readRun(api, runId)).toMatchObject({
      state: 'SUCCEEDED',
      tasks: [{ workerId: 'run-task', rowCount: 390 }],
    });
  });

  it('beats for a function that takes longer than a worker may be silent', async () => {
    const { api } = await functionStage({ a: [] }, (_, { sleep }) => sleep(12 * MINUTE_MS));
    const runId = await start(api, { a: [] });
    await api.cloud.advance(13 * MINUTE_MS);

    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    expect(await attemptsOf(api, runId)).toHaveLength(1);
  });

  it('gives up a function that takes longer than an invocation lasts, as a timeout', async () => {
    const { api } = await functionStage({ a: [] }, (_, { sleep }) => sleep(20 * MINUTE_MS));
    const runId = await start(api, { a: [] });
    await api.cloud.advance(15 * MINUTE_MS);

    const completed = (await runEvents(api, runId)).find(({ type }) => type === 'TaskCompleted');
    expect(completed?.data).toMatchObject({
      outcome: 'FAILED',
      error: { category: 'TIMEOUT', message: expect.stringContaining('885 s') as unknown },
    });
  });

  it('leaves what follows to another invocation when little time is left', async () => {
    const { api } = await functionStage(chain(3), (_, { sleep }) => sleep(6 * MINUTE_MS));
    const runId = await start(api, chain(3));
    await api.cloud.advance(19 * MINUTE_MS);

    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    expect(runTasks(api.cloud)).toBe(3);
  });

  it('is cancelled at once, since functions do not hear of it, and is waited for no longer', async () => {
    const { api } = await functionStage({ a: [] }, (_, { sleep }) => sleep(14 * MINUTE_MS));
    const runId = await start(api, { a: [] });
    await api.must('POST', inMain(`/runs/${runId}/cancel`), {});
    expect(await readRun(api, runId)).toMatchObject({ state: 'CANCELLED' });
    await api.cloud.advance(MINUTE_MS);

    expect(mappingOf(api.cloud).idle()).toBe(true);
  });

  it('is waited for when its function hears of a cancel by beats of its own', async () => {
    const { api, invoked } = await functionStage({ a: [] }, (_, { sleep }) => sleep(14 * MINUTE_MS));
    const wish = { kind: 'lambda', workerQueue: 'fn', functionName: FUNCTION };
    await api.must('PUT', runner, { ...wish, capabilities: { cancel: true } });
    const runId = await start(api, { a: [] });
    await api.must('POST', inMain(`/runs/${runId}/cancel`), {});
    const [task] = invoked;
    if (!task) throw new Error('not invoked');
    expect(await callback(api, 'heartbeat', task)).toMatchObject({ body: { shouldCancel: true } });
    expect(await readRun(api, runId)).not.toMatchObject({ state: 'CANCELLED' });
    await api.cloud.advance(5 * MINUTE_MS);

    expect(await readRun(api, runId)).toMatchObject({ state: 'CANCELLED' });
    expect(mappingOf(api.cloud).idle()).toBe(true);
  });
});

describe('a function that fails', () => {
  const ends: readonly (readonly [string, () => unknown, object])[] = [
    [
      'by throwing',
      () => {
        throw new RangeError('no such day, password=hunter2');
      },
      {
        category: 'USER_CODE',
        message: `the function ${FUNCTION} failed with RangeError: no such day, password=[redacted]`,
      },
    ],
    [
      'by its answer',
      () => ({ outcome: 'FAILED', error: { category: 'DATA_QUALITY', message: 'no rows' } }),
      { category: 'DATA_QUALITY', message: 'no rows', retryable: false },
    ],
    [
      'by an answer that is none',
      () => ({ outcome: 'DONE' }),
      { category: 'USER_CODE', retryable: false, message: expect.stringContaining('outcome: ') as unknown },
    ],
  ];
  it.each(ends)('%s fails the attempt', async (_, make, error) => {
    const { api } = await functionStage({ a: [] }, make);
    const runId = await start(api, { a: [] });

    const completed = (await runEvents(api, runId)).find(({ type }) => type === 'TaskCompleted');
    expect(completed?.data).toMatchObject({ outcome: 'FAILED', error });
  });

  it('there is none of fails its task for good', async () => {
    const { api } = await functionStage({ a: [] });
    await api.must('PUT', runner, { kind: 'lambda', workerQueue: 'fn', functionName: `${FUNCTION}-gone` });
    const runId = await start(api, { a: [] });

    expect(await readRun(api, runId)).toMatchObject({ state: 'FAILED' });
    expect(JSON.stringify(await runEvents(api, runId))).toContain('"category":"CONFIGURATION"');
  });
});

describe('when something is lost,', () => {
  it('a message delivered again has the function invoked once', async () => {
    const { api, invoked } = await functionStage({ a: [] }, (_, { sleep }) => sleep(MINUTE_MS));
    mappingOf(api.cloud).stop();
    const runId = await start(api, { a: [] });
    const QueueUrl = 'http://127.0.0.1/000000000000/sluice-dev-function-tasks';
    const body = { stream: `run#local/main/${runId}`, taskKey: 'demo.a', attempt: 1, sendNo: 1 };
    for (let count = 0; count < 12; count++)
      await api.cloud.call('sqs', 'SendMessage', { QueueUrl, MessageBody: JSON.stringify(body) });
    mappingOf(api.cloud).start();
    await api.cloud.advance(2 * MINUTE_MS);
    await api.cloud.call('sqs', 'SendMessage', { QueueUrl, MessageBody: JSON.stringify(body) });
    await api.cloud.settle();

    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    expect(invoked).toHaveLength(1);
  });

  const answers: readonly (readonly [string, FaultRule['kind']])[] = [
    ['an invocation whose answer is lost', 'lost-answer'],
    ['an invocation that is throttled', 'throttle'],
    ['an invocation that breaks', 'server-error'],
  ];
  it.each(answers)('%s fails its attempt, and the next one succeeds', async (_, kind) => {
    const { api } = await functionStage({ a: [] }, () => undefined, {
      faults: [{ service: 'lambda', operation: 'Invoke', kind, hitsMax: 1 }],
    });
    const runId = await start(api, { a: [] });
    await api.cloud.advance(MINUTE_MS);

    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    const completed = (await runEvents(api, runId)).find(({ type }) => type === 'TaskCompleted');
    expect(completed?.data).toMatchObject({ outcome: 'FAILED', error: { category: 'INFRASTRUCTURE' } });
  });

  it('an invocation that ends behind the start is found by the heartbeat timeout', async () => {
    const { api, invoked } = await functionStage({ a: [] }, () => undefined, {
      // No token can be made for what was begun.
      faults: [
        {
          service: 'secretsmanager',
          operation: 'GetSecretValue',
          resource: 'sluice-dev-task-token-key',
          kind: 'server-error',
          hitsMax: 1,
        },
      ],
    });
    const runId = await start(api, { a: [] });
    expect(invoked).toHaveLength(0);
    await api.cloud.advance(10 * MINUTE_MS);

    expect(JSON.stringify(await runEvents(api, runId))).toContain('heartbeat_timeout');
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  });

  const rules: readonly (readonly [string, FaultRule])[] = [
    ...[2, 4, 6].flatMap((call) =>
      (['server-error', 'lost-answer', 'throttle', 'duplicate'] as const).map((kind): [string, FaultRule] => [
        `append ${call} by ${kind}`,
        {
          service: 'dynamodb',
          operation: 'PutItem',
          resource: 'sluice-dev-ledger',
          kind,
          calls: Array.from({ length: 4 }, (__, more) => call + 3 + more),
        },
      ]),
    ),
    ['every sending', { service: 'sqs', operation: 'SendMessageBatch', kind: 'server-error', hitsMax: 6 }],
    ['a duplicate of each sending', { service: 'sqs', operation: 'SendMessageBatch', kind: 'duplicate' }],
    ['a duplicate of each invocation', { service: 'lambda', operation: 'Invoke', kind: 'duplicate' }],
  ];
  it.each(rules)('%s, the run ends well all the same', async (_, rule) => {
    const { api } = await functionStage(chain(3), () => undefined, { faults: [rule] });
    const body = { selection: Object.keys(chain(3)).map((name) => `demo.${name}`), runKey: 'only' };
    let answer = await api.ask('POST', inMain('/runs'), { body });
    for (let tries = 0; answer.status >= 500 && tries < 20; tries++)
      answer = await api.ask('POST', inMain('/runs'), { body });
    await api.cloud.advance(30 * MINUTE_MS);

    expect(await readRun(api, String(answer.body['runId']))).toMatchObject({ state: 'SUCCEEDED' });
    expect(numberingFaults(await commitsIn(api.cloud))).toEqual([]);
  });
});

describe('a location that is a function', () => {
  it('is listed beside queues, and refused when it is out of reach or not named as its kind is', async () => {
    const { api } = await functionStage({ a: [] });
    const wish = { kind: 'lambda', workerQueue: 'fn', functionName: FUNCTION };

    expect(await api.must('GET', inMain('/execution-locations'))).toMatchObject({
      executionLocations: [{ ...wish, executionLocationId: 'runner' }],
    });
    expect(
      await api.ask('PUT', runner, { body: { ...wish, functionName: 'sluice-dev-commands' } }),
    ).toMatchObject({
      status: 400,
      body: { code: 'function_not_allowed', details: { prefix: 'sluice-dev-worker-yw3l55s5hy-' } },
    });
    for (const body of [
      { workerQueue: 'fn', functionName: FUNCTION },
      { kind: 'lambda', workerQueue: 'fn', queueName: FUNCTION },
      { ...wish, queueName: FUNCTION },
      { kind: 'vm', workerQueue: 'fn' },
    ])
      expect(await api.ask('PUT', runner, { body })).toMatchObject({
        status: 400,
        body: { code: 'invalid_request' },
      });
  });

  it('that is removed leaves runs after it to claims', async () => {
    const { api, invoked } = await functionStage({ a: [] });
    await api.must('DELETE', runner);
    await start(api, { a: [] });

    expect(invoked).toHaveLength(0);
    expect(await claim(api, { queue: 'fn' })).toHaveLength(1);
  });
});

it('the example function makes a task', async () => {
  const cloud = await bootTestCloud({
    ownFunctions: [{ name: FUNCTION, file: 'docs/examples/task-function.mjs' }],
    importModule: async (setting) =>
      setting.name === FUNCTION
        ? ((await import(path.resolve('docs/examples/task-function.mjs'))) as Readonly<
            Record<string, unknown>
          >)
        : sourceModules(setting),
  });
  const api = apiOf(cloud);
  await api.must('PUT', runner, { kind: 'lambda', workerQueue: 'fn', functionName: FUNCTION });
  await deploy(api, { a: { execution: { queue: 'fn' } } });
  const runId = await start(api, { a: [] });

  expect(await readRun(api, runId)).toMatchObject({
    state: 'SUCCEEDED',
    tasks: [{ rowCount: 390, deltaTable: 'demo.a', deltaVersion: 1 }],
  });
});
