import { describe, expect, it } from 'vitest';

import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { apiOf, bootTestCloud } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import {
  claim,
  claimOne,
  deploy,
  fail,
  listedRun,
  readRun,
  runEvents,
  succeed,
  trigger,
  wideAssets,
} from '#test/support/cloud-assets.ts';
import { seededChance } from '#local/dispatch/faults.ts';
import { commitsIn, itemsOf, numberingFaults } from '#test/support/cloud-stores.ts';

const start = async (count: number): Promise<{ readonly api: Api; readonly runId: string }> => {
  const api = apiOf(await bootTestCloud());
  const assets = wideAssets(count);
  await deploy(api, assets);
  const runId = await trigger(api, Object.keys(assets));
  await api.cloud.settle();
  return { api, runId };
};

/** Claims with many workers at once until nothing is offered, or as many tasks are in hand as wanted. */
const claimMany = async (api: Api, wanted: number): Promise<readonly DispatchEnvelope[]> => {
  const tasks: DispatchEnvelope[] = [];
  for (;;) {
    const claims = Array.from({ length: Math.min(10, Math.ceil((wanted - tasks.length) / 10)) }, (_, index) =>
      claim(api, { workerId: `w${index}` }),
    );
    const came = (await Promise.all(claims)).flat();
    tasks.push(...came);
    await api.cloud.settle();
    if (came.length === 0 || tasks.length >= wanted) return tasks;
  }
};

/** Every task was dispatched, started and ended exactly once, nothing is owed, and all readers agree. */
const expectConservation = async (api: Api, runId: string, count: number): Promise<void> => {
  const { cloud } = api;
  const events = await runEvents(api, runId);
  const times = (type: string) => {
    const keys = events.filter((event) => event.type === type).map(({ data }) => data['taskKey']);
    return { all: keys.length, distinct: new Set(keys).size };
  };
  for (const type of ['TaskDispatched', 'TaskStarted', 'TaskCompleted'])
    expect([type, times(type)]).toEqual([type, { all: count, distinct: count }]);
  const run = await readRun(api, runId);
  expect(run).toMatchObject({ state: 'SUCCEEDED', taskCounts: { total: count, succeeded: count } });
  expect(await listedRun(api, runId)).toMatchObject({
    state: 'SUCCEEDED',
    taskCount: count,
    tasksSucceeded: count,
  });
  expect(numberingFaults(await commitsIn(cloud))).toEqual([]);
  const offers = (await itemsOf(cloud, 'control')).filter(({ pk }) => pk?.S?.startsWith('offers#'));
  expect(offers).toEqual([]);
  expect(cloud.faultLines()).toEqual([]);
};

describe('a run of many tasks', () => {
  it.each([1, 10])('of %i tasks ends with all of them done once', async (count) => {
    const { api, runId } = await start(count);
    for (const task of await claimMany(api, count))
      expect(await succeed(api, task)).toMatchObject({ status: 200 });
    await api.cloud.settle();
    await expectConservation(api, runId, count);
  });

  it('offers at most its window of 100 and says that the others wait for it', async () => {
    const { api, runId } = await start(130);
    const offered = (await runEvents(api, runId)).filter(({ type }) => type === 'TaskDispatched');
    expect(offered).toHaveLength(100);
    const why = await api.must('GET', `/v1/workspaces/main/runs/${runId}/why`);
    const reasons = (why['waiting'] as readonly { readonly reason: string }[]).map(({ reason }) => reason);
    expect(reasons.filter((reason) => reason === 'dispatch_window')).toHaveLength(30);
    expect(reasons.filter((reason) => reason === 'worker')).toHaveLength(100);
  });

  it('ends as it should although what is said of all its tasks is more than a commit holds', async () => {
    const chance = seededChance(7);
    const letters = 'abcdefghijklmnopqrstuvwxyz0123456789_';
    const noise = (): string =>
      Array.from({ length: 175 }, () => letters[Math.floor(chance() * letters.length)]).join('');
    const names = Array.from({ length: 1_999 }, (_, index) => `t${index}_${noise()}`);
    const api = apiOf(await bootTestCloud());
    await deploy(api, { root: [], ...Object.fromEntries(names.map((name) => [name, ['root']])) });
    const fallen = await trigger(api, ['root'], { includeDownstream: true });
    await fail(api, await claimOne(api), 'DATA_QUALITY');
    const cancelled = await trigger(api, ['root'], { includeDownstream: true });
    await succeed(api, await claimOne(api));
    await api.cloud.settle();
    await api.must('POST', `/v1/workspaces/main/runs/${cancelled}/cancel`, {});
    await api.cloud.settle();

    expect(await readRun(api, fallen)).toMatchObject({ state: 'FAILED', taskCounts: { skipped: 1_999 } });
    expect(await readRun(api, cancelled)).toMatchObject({
      state: 'CANCELLED',
      taskCounts: { succeeded: 1, cancelled: 1_999 },
    });
    expect(api.cloud.faultLines()).toEqual([]);
  });

  it('of 500 tasks loses nothing when 200 workers finish at the same instant', async () => {
    const { api, runId } = await start(500);
    let done = 0;
    while (done < 500) {
      const tasks = await claimMany(api, 200);
      expect(tasks.length).toBeGreaterThan(0);
      const answers = await Promise.all(tasks.map((task) => succeed(api, task)));
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      await api.cloud.settle();
      done += tasks.length;
    }
    expect(done).toBe(500);
    await expectConservation(api, runId, 500);
  });
});
