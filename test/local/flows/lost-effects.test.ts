/** For every state in which something is owed: the effect is lost, and the work goes on by its deadline. */
import { describe, expect, it } from 'vitest';

import { apiOf, bootTestCloud, inMain, START_MS } from '#test/support/cloud.ts';
import type { Api, TestCloud } from '#test/support/cloud.ts';
import {
  claim,
  claimOne,
  deploy,
  fail,
  readRun,
  runEvents,
  succeed,
  taskStates,
  trigger,
  wideAssets,
  workOff,
} from '#test/support/cloud-assets.ts';
import { dropControl, purge, executionsOf } from '#test/support/cloud-stores.ts';

const MINUTE_MS = 60_000;

const stage = async (execution: object = {}) => {
  const cloud = await bootTestCloud();
  const api = apiOf(cloud);
  await deploy(api, { a: { execution }, b: ['a'] });
  return { cloud, api, runId: await trigger(api, ['a', 'b']) };
};

/** Lets minutes pass until a task can be claimed; how many passed. */
const minutesToOffer = async (api: Api, limit = 10): Promise<number> => {
  for (let minutes = 0; minutes <= limit; minutes++) {
    const [task] = await claim(api, { maxTasks: 1 });
    if (task) {
      await succeed(api, task);
      return minutes;
    }
    await api.cloud.advance(MINUTE_MS);
  }
  return Infinity;
};

/** Everything a run waits for has a deadline that is not long past. */
const expectNothingSilent = async (api: Api, runId: string): Promise<void> => {
  const { waiting } = await api.must('GET', inMain(`/runs/${runId}/why`));
  for (const { deadlineAt } of waiting as readonly { readonly deadlineAt: string }[])
    expect(Date.parse(deadlineAt)).toBeGreaterThan(api.cloud.clock.nowMs() - 2 * MINUTE_MS);
};

const stopRetries = async (cloud: TestCloud): Promise<void> => {
  for (const { executionArn, status } of await executionsOf(cloud, 'retry-task'))
    if (status === 'RUNNING') await cloud.call('states', 'StopExecution', { executionArn });
};

describe('a run whose effect was lost', () => {
  it('offers a dispatched task again', async () => {
    const { cloud, api, runId } = await stage();
    expect(await dropControl(cloud, (pk) => pk.startsWith('offers#'))).toBe(1);
    expect(await claim(api)).toEqual([]);
    expect(await minutesToOffer(api)).toBeLessThanOrEqual(3);
    expect((await runEvents(api, runId)).map(({ type }) => type)).toContain('TaskRedispatched');
    await workOff(api);
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('offers again what a worker took and never started', async () => {
    const lost = { service: 'dynamodb', operation: 'DeleteItem', kind: 'lost-answer', calls: [1] } as const;
    const api = apiOf(await bootTestCloud({ faults: [lost] }));
    await deploy(api, { a: [] });
    const runId = await trigger(api, ['a']);
    expect(await api.ask('POST', inMain('/workers/claim'), { body: { workerId: 'w1' } })).toMatchObject({
      status: 500,
    });
    expect(await minutesToOffer(api)).toBeLessThanOrEqual(3);
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('gives a task up as lost after five repeats, and says so', async () => {
    const { cloud, api, runId } = await stage();
    for (let minutes = 0; minutes < 90; minutes++) {
      await dropControl(cloud, (pk) => pk.startsWith('offers#'));
      await cloud.advance(MINUTE_MS);
    }
    const run = await readRun(api, runId);
    expect(run.state).toBe('FAILED');
    expect(JSON.stringify(run.tasks)).toContain('dispatch_lost');
    const repeats = (await runEvents(api, runId)).filter(({ type }) => type === 'TaskRedispatched');
    expect(repeats).toHaveLength(5);
  });

  it.each(['before its instant', 'at once'])(
    'retries although its execution was stopped %s',
    async (when) => {
      const { cloud, api, runId } = await stage({ retry: { baseMs: 90_000 } });
      await fail(api, await claimOne(api));
      await cloud.settle();
      if (when === 'before its instant') await cloud.advance(MINUTE_MS);
      await stopRetries(cloud);
      await expectNothingSilent(api, runId);
      await cloud.advance(when === 'at once' ? 89_000 : 29_000);
      expect(await claim(api)).toEqual([]);
      expect(await minutesToOffer(api)).toBeLessThanOrEqual(3);
      expect(await executionsOf(cloud, 'retry-task')).toMatchObject([{ status: 'ABORTED' }]);
      await workOff(api);
      expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    },
  );

  it('hands an in-process task over again although its message was lost, and tells what it waits for', async () => {
    const cloud = await bootTestCloud();
    const api = apiOf(cloud);
    const mapping = [...cloud.mappings.values()].find(({ setting }) => setting.id.includes('RunInline'));
    mapping?.stop();
    await deploy(api, { a: { execution: { runner: 'noop' } }, b: ['a'] });
    const runId = await trigger(api, ['a', 'b']);
    await cloud.settle();
    await purge(cloud, 'inline-runs');
    mapping?.start();
    await cloud.settle();
    const { waiting } = await api.must('GET', inMain(`/runs/${runId}/why`));
    expect(waiting).toContainEqual({
      reason: 'inline_runner',
      subject: 'demo.a',
      deadlineAt: new Date(START_MS + MINUTE_MS).toISOString(),
    });
    expect(await minutesToOffer(api)).toBeLessThanOrEqual(3);
    expect((await runEvents(api, runId)).map(({ type }) => type)).toContain('TaskRedispatched');
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('retries although its execution could never be started', async () => {
    const fault = { service: 'states', operation: 'StartExecution', kind: 'server-error' } as const;
    const api = apiOf(await bootTestCloud({ faults: [fault] }));
    await deploy(api, { a: { execution: { retry: { baseMs: 1_000 } } } });
    const runId = await trigger(api, ['a']);
    expect(await fail(api, await claimOne(api))).toMatchObject({ status: 200 });
    expect(await minutesToOffer(api)).toBeLessThanOrEqual(3);
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('retries once although the name of its execution was taken and closed', async () => {
    const { cloud, api, runId } = await stage({ retry: { baseMs: 30_000 } });
    const first = await claimOne(api);
    await fail(api, first);
    await cloud.settle();
    await stopRetries(cloud);
    // The same report again performs what is owed again: the name is closed, and stays so for 90 days.
    expect(await fail(api, first)).toMatchObject({ status: 200, body: { duplicate: true } });
    await cloud.settle();
    expect(await minutesToOffer(api)).toBeLessThanOrEqual(3);
    await workOff(api);
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    const dispatched = (await runEvents(api, runId)).filter(({ type }) => type === 'TaskDispatched');
    expect(dispatched.map(({ data }) => [data['taskKey'], data['attempt']])).toEqual([
      ['demo.a', 1],
      ['demo.a', 2],
      ['demo.b', 1],
    ]);
  });

  it('fails a silent worker at its heartbeat deadline and makes another attempt', async () => {
    const { cloud, api, runId } = await stage({ heartbeatTimeoutSec: 60, retry: { baseMs: 1_000 } });
    await claimOne(api);
    await cloud.advance(90_000 - 1);
    expect(taskStates(await readRun(api, runId))).toMatchObject({ a: 'RUNNING' });
    expect(await minutesToOffer(api)).toBeLessThanOrEqual(3);
    const failures = (await runEvents(api, runId)).filter(({ data }) => data['failure'] !== undefined);
    expect(failures.map(({ data }) => data['failure'])).toEqual(['heartbeat_timeout']);
    await workOff(api);
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('sends what waits for the window although all offers before it were lost', async () => {
    const cloud = await bootTestCloud();
    const api = apiOf(cloud);
    await deploy(api, wideAssets(110));
    const runId = await trigger(api, Object.keys(wideAssets(110)));
    await cloud.settle();
    await dropControl(cloud, (pk) => pk.startsWith('offers#'));
    await cloud.advance(3 * MINUTE_MS);
    let done = 0;
    for (let more = await workOff(api); more > 0; more = await workOff(api)) done += more;
    expect(done).toBe(110);
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('decides a queued report although its message was lost, by the silence of its worker', async () => {
    const cloud = await bootTestCloud();
    const api = apiOf(cloud);
    const names = Object.keys(wideAssets(20));
    const policy = { execution: { heartbeatTimeoutSec: 60, retry: { baseMs: 1_000 } } };
    await deploy(api, Object.fromEntries(names.map((name) => [name, policy])));
    const runId = await trigger(api, names);
    const tasks = [...(await claim(api)), ...(await claim(api))];
    for (const mapping of cloud.mappings.values())
      if (mapping.setting.id.includes('CommandsQueue')) mapping.stop();
    const [lost, ...others] = tasks;
    if (lost) expect(await succeed(api, lost)).toMatchObject({ status: 200 });
    await purge(cloud, 'commands.fifo');
    for (const mapping of cloud.mappings.values())
      if (mapping.setting.id.includes('CommandsQueue')) mapping.start();
    for (const task of others) await succeed(api, task);
    await cloud.settle();
    expect(await readRun(api, runId)).toMatchObject({ state: 'RUNNING', taskCounts: { succeeded: 19 } });
    expect(await minutesToOffer(api)).toBeLessThanOrEqual(4);
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  });
});

describe('a dropped control table', () => {
  it('in the middle of a run delays it and changes nothing', async () => {
    const { cloud, api, runId } = await stage({ retry: { baseMs: 1_000 } });
    const first = await claimOne(api);
    await dropControl(cloud);
    await fail(api, first);
    await cloud.advance(1_000);
    await dropControl(cloud);
    expect(await minutesToOffer(api)).toBeLessThanOrEqual(3);
    await dropControl(cloud);
    expect(await minutesToOffer(api)).toBeLessThanOrEqual(3);
    expect(taskStates(await readRun(api, runId))).toEqual({ a: 'SUCCEEDED', b: 'SUCCEEDED' });
    expect(cloud.clock.nowMs() - START_MS).toBeLessThan(10 * MINUTE_MS);
  });
});
