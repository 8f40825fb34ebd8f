/** Tasks of in-process runners: no worker, no offer, no execution, one commit each, whatever is lost or comes twice. */
import { describe, expect, it } from 'vitest';

import type { FaultRule } from '#local/dispatch/faults.ts';
import type { ImportModule } from '#local/lambda/direct-host.ts';
import type { CreateHandler } from '#local/lambda/function-contract.ts';
import { apiOf, bootTestCloud, inMain, sourceModules } from '#test/support/cloud.ts';
import type { Answer, Api, TestCloud } from '#test/support/cloud.ts';
import {
  claimOne,
  deploy,
  listedRun,
  manifestOf,
  readRun,
  runEvents,
  succeed,
  taskStates,
  trigger,
  workOff,
} from '#test/support/cloud-assets.ts';
import type { AssetPlan } from '#test/support/cloud-assets.ts';
import {
  commitsIn,
  dropControl,
  itemsOf,
  numberingFaults,
  executionsOf,
} from '#test/support/cloud-stores.ts';

const MINUTE_MS = 60_000;

const noop = (...after: readonly string[]) => ({ after, execution: { runner: 'noop' } });

/** `s0` to `s<count - 1>`, each behind the one before, all of them in process. */
const chain = (count: number): AssetPlan =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `s${index}`,
      noop(...(index === 0 ? [] : [`s${index - 1}`])),
    ]),
  );

const stage = async (assets: AssetPlan, options: Parameters<typeof bootTestCloud>[0] = {}) => {
  const cloud = await bootTestCloud(options);
  const api = apiOf(cloud);
  await deploy(api, assets);
  return { cloud, api };
};

const start = async (api: Api, assets: AssetPlan): Promise<string> => {
  const runId = await trigger(api, Object.keys(assets));
  await api.cloud.settle();
  return runId;
};

/** Functions that run so many tasks in one invocation. */
const boundedTo =
  (inlineStepsMax: number): ImportModule =>
  async (setting) => {
    const { createHandler } = (await sourceModules(setting)) as { readonly createHandler: CreateHandler };
    const LIMITS = JSON.stringify({ inlineStepsMax });
    const bounded: CreateHandler = (environment, plugin) => createHandler({ ...environment, LIMITS }, plugin);
    return { createHandler: bounded };
  };

/** Asks until there is an answer that is no server's fault. */
const insist = async (api: Api, path: string, body: object): Promise<Answer> => {
  for (let tries = 1; ; tries++) {
    const answer = await api.ask('POST', inMain(path), { body });
    if (answer.status < 500 || tries === 20) return answer;
  }
};

const commitsOf = async (cloud: TestCloud, runId: string) =>
  (await commitsIn(cloud)).filter(({ stream }) => stream.endsWith(runId));

const mappingOf = (cloud: TestCloud) => {
  const mapping = [...cloud.mappings.values()].find(({ setting }) => setting.id.includes('RunInlineQueue'));
  if (!mapping) throw new Error('inline-runs has no consumer');
  return mapping;
};

/** What happened to tasks, without repeated sendings. */
const lasting = async (api: Api, runId: string): Promise<readonly string[]> =>
  (await runEvents(api, runId))
    .filter(({ type }) => type !== 'TaskRedispatched')
    .map(({ type, data }) => `${type} ${String(data['taskKey'])} ${String(data['attempt'])}`);

describe('a run of in-process tasks', () => {
  it('ends by itself: ten steps in eleven commits, without an offer or an execution', async () => {
    const assets = chain(10);
    const { cloud, api } = await stage(assets);
    const runId = await start(api, assets);
    expect(await readRun(api, runId)).toMatchObject({
      state: 'SUCCEEDED',
      taskCounts: { succeeded: 10 },
      tasks: expect.arrayContaining([
        expect.objectContaining({ taskKey: 'demo.s9', workerId: 'run-inline', attempt: 1 }),
      ]) as unknown,
    });
    expect(await listedRun(api, runId)).toMatchObject({ state: 'SUCCEEDED', tasksSucceeded: 10 });
    expect(await commitsOf(cloud, runId)).toHaveLength(11);
    expect(cloud.counts().functions['sluice-dev-run-inline']).toMatchObject({ invocations: 1 });
    // The rate bucket of whoever asked is all there is.
    expect((await itemsOf(cloud, 'control')).map(({ pk }) => pk?.S)).toEqual([
      'bucket#requests#local/user/tester',
    ]);
    expect(await executionsOf(cloud, 'retry-task')).toEqual([]);
  });

  it('goes on beside workers, and hands on to them and back', async () => {
    const assets: AssetPlan = {
      in: noop(),
      w: ['in'],
      mid: noop('w', 'in'),
      out: ['mid'],
      group: noop('out', 'w'),
    };
    const { api } = await stage(assets);
    const runId = await start(api, assets);
    expect(taskStates(await readRun(api, runId))).toMatchObject({
      in: 'SUCCEEDED',
      w: 'QUEUED',
      mid: 'PENDING',
    });
    await succeed(api, await claimOne(api));
    await api.cloud.settle();
    expect(taskStates(await readRun(api, runId))).toMatchObject({ mid: 'SUCCEEDED', out: 'QUEUED' });
    await succeed(api, await claimOne(api));
    await api.cloud.settle();
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED', taskCounts: { succeeded: 5 } });
  });

  it('sends itself on beyond its bound, farther than Lambda follows a loop by itself', async () => {
    const assets = chain(40);
    const { cloud, api } = await stage(assets, { importModule: boundedTo(2) });
    const runId = await start(api, assets);
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED', taskCounts: { succeeded: 40 } });
    expect(cloud.counts().functions['sluice-dev-run-inline']?.invocations).toBeGreaterThan(16);
    expect(mappingOf(cloud).counts()).toMatchObject({ loopsStopped: 0 });
  });

  it('of two hundred side by side runs each of them once', async () => {
    const assets: AssetPlan = Object.fromEntries(
      Array.from({ length: 200 }, (_, index) => [`s${index}`, noop()]),
    );
    const { api } = await stage(assets);
    const runId = await start(api, assets);
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED', taskCounts: { succeeded: 200 } });
    const started = (await lasting(api, runId)).filter((line) => line.startsWith('TaskStarted'));
    expect(new Set(started).size).toBe(started.length);
  });
});

describe('a run of in-process tasks, when something is lost,', () => {
  const assets = chain(4);

  it('ends the same although the control table is dropped in the middle', async () => {
    const { cloud, api } = await stage({ ...chain(3), w: ['s0'], z: noop('w', 's2') });
    const runId = await start(api, { ...chain(3), w: [], z: [] });
    await dropControl(cloud);
    await cloud.advance(3 * MINUTE_MS);
    expect(await workOff(api)).toBe(1);
    await cloud.settle();
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED', taskCounts: { succeeded: 5 } });
  });

  it('ends the same although its message is delivered many times at once', async () => {
    const { cloud, api } = await stage(assets);
    mappingOf(cloud).stop();
    const runId = await start(api, assets);
    const QueueUrl = 'http://127.0.0.1/000000000000/sluice-dev-inline-runs';
    const MessageBody = JSON.stringify({ stream: `run#local/main/${runId}` });
    for (let count = 0; count < 25; count++)
      await cloud.call('sqs', 'SendMessage', { QueueUrl, MessageBody });
    mappingOf(cloud).start();
    await cloud.settle();
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED', taskCounts: { succeeded: 4 } });
    expect(await commitsOf(cloud, runId)).toHaveLength(5);
  });

  it('fails a task nobody runs after five repeats, and says so', async () => {
    const { cloud, api } = await stage(assets);
    mappingOf(cloud).stop();
    const runId = await start(api, assets);
    await cloud.advance(80 * MINUTE_MS);
    expect(await readRun(api, runId)).toMatchObject({
      state: 'FAILED',
      taskCounts: { failed: 1, skipped: 3 },
    });
    expect(JSON.stringify(await readRun(api, runId))).toContain('dispatch_lost');
  });

  const rules: readonly (readonly [string, FaultRule])[] = [
    ...Array.from({ length: 5 }, (_, call) => call + 1).flatMap((call) =>
      (['server-error', 'lost-answer', 'throttle', 'duplicate'] as const).map((kind): [string, FaultRule] => [
        `append ${call} by ${kind}`,
        // More calls than the SDK tries, so that the function fails.
        {
          service: 'dynamodb',
          operation: 'PutItem',
          resource: 'sluice-dev-ledger',
          kind,
          calls: Array.from({ length: 4 }, (__, more) => call + 1 + more),
        },
      ]),
    ),
    [
      'every sending of its message',
      { service: 'sqs', operation: 'SendMessageBatch', kind: 'server-error', hitsMax: 6 },
    ],
    [
      'answers of sendings',
      { service: 'sqs', operation: 'SendMessageBatch', kind: 'lost-answer', hitsMax: 6 },
    ],
    ['a duplicate of each sending', { service: 'sqs', operation: 'SendMessageBatch', kind: 'duplicate' }],
    ['reads', { service: 'dynamodb', operation: 'Query', kind: 'server-error', hitsMax: 12 }],
  ];
  it.each(rules)('%s, ends the same', async (_, rule) => {
    const calm = await stage(assets);
    const expected = await lasting(calm.api, await start(calm.api, assets));
    const cloud = await bootTestCloud({ faults: [rule] });
    const api = apiOf(cloud);
    await insist(api, '/manifests', manifestOf(assets));
    const selection = Object.keys(assets).map((name) => `demo.${name}`);
    const started = await insist(api, '/runs', { selection, runKey: 'only' });
    const runId = String(started.body['runId']);
    await cloud.advance(20 * MINUTE_MS);
    expect(await lasting(api, runId)).toEqual(expected);
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    expect(numberingFaults(await commitsIn(cloud))).toEqual([]);
  });
});
