/** Plays the world of a seed to its end on the local cloud and holds the laws of runs against what came of it. */
import { expect } from 'vitest';
import { verifyStage } from '#cli/offline/views.ts';
import { LimitList } from '#contracts/runs/concurrency.ts';
import { apiOf, bootTestCloud, inMain, insistOn } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import { storesOfCloud } from '#test/support/busy-stacks.ts';
import { listedRun, readRun } from '#test/support/cloud-assets.ts';
import { commitsIn, numberingFaults } from '#test/support/cloud-stores.ts';
import { randomWorkers } from '#test/support/random-workers.ts';
import type { Said } from '#test/support/random-workers.ts';
import { diceOf, worldOf } from '#test/support/run-chance.ts';
import type { RunWorld } from '#test/support/run-chance.ts';
import { historiesOf, outcomeFaults, ruleFaults, slotUses } from '#test/support/run-laws.ts';

const STEPS_MAX = 300;
/** Long enough for a limit to look after a slot whose return was lost, and for a run's row to be checked. */
const AFTERMATH_MS = 40 * 60_000;
const PAUSES_MS = [0, 1_000, 10_000, 20_000, 45_000];

/** What a story was made of, so that a test can tell whether it met anything. */
export interface Told {
  readonly runs: number;
  readonly faults: number;
  readonly attempts: number;
  readonly steps: number;
}

/** Tells the story of a seed and expects every law to hold. */
export const tellStory = async (seed: number): Promise<Told> => {
  const world = worldOf(seed);
  const dice = diceOf(seed + 1_000_000);
  const cloud = await bootTestCloud({ faults: world.faults, seed });
  const api = apiOf(cloud);
  await insistOn(() => api.ask('POST', inMain('/manifests'), { body: world.manifest }));
  await cloud.settle();
  const runIds: string[] = [];
  for (const { body } of world.calls)
    runIds.push(String((await insistOn(() => api.ask('POST', inMain('/runs'), { body }))).body['runId']));
  const workers = randomWorkers(api, dice);
  let steps = 0;
  for (; steps < STEPS_MAX && !(await haveEnded(api, runIds)); steps++) {
    for (const [index, { cancelAtStep }] of world.calls.entries())
      if (cancelAtStep === steps)
        await insistOn(() => api.ask('POST', inMain(`/runs/${runIds[index]}/cancel`), { body: {} }));
    await workers.step();
    await cloud.settle();
    await expectSlots(api, world);
    await cloud.advance(dice.pick(PAUSES_MS));
  }
  await cloud.advance(AFTERMATH_MS);
  await expectLaws(api, world, { runIds, said: workers });
  const attempts = [...historiesOf(await commitsIn(cloud), 'run').values()]
    .flat()
    .filter(({ type }) => type === 'TaskDispatched').length;
  return { runs: runIds.length, faults: cloud.counts().faults, attempts, steps };
};

const haveEnded = async (api: Api, runIds: readonly string[]): Promise<boolean> => {
  for (const runId of runIds) {
    const { body } = await insistOn(() => api.ask('GET', inMain(`/runs/${runId}`)));
    if (body['completedAt'] === undefined) return false;
  }
  return true;
};

/** Whoever is at work holds a slot, and no limit has given out more than it has. */
const expectSlots = async (api: Api, world: RunWorld): Promise<void> => {
  for (const { limitId, capacity, held, entitled } of slotUses(await commitsIn(api.cloud))) {
    expect(capacity).toBe(world.capacities[limitId]);
    expect(held.length).toBeLessThanOrEqual(capacity);
    expect(held).toEqual(expect.arrayContaining([...entitled]));
    // A lost word lets a slot be held for longer.
    if (world.faults.length === 0) expect(held).toEqual(entitled);
  }
};

interface Ended {
  readonly runIds: readonly string[];
  readonly said: Said;
}

const expectLaws = async (api: Api, world: RunWorld, { runIds, said }: Ended): Promise<void> => {
  const commits = await commitsIn(api.cloud);
  expect(numberingFaults(commits)).toEqual([]);
  expect(said.odd).toEqual([]);
  const histories = [...historiesOf(commits, 'run').values()];
  expect(histories).toHaveLength(runIds.length);
  for (const events of histories) {
    expect(events.filter(({ type }) => type === 'RunCompleted')).toHaveLength(1);
    expect(outcomeFaults(events, said)).toEqual([]);
    expect(ruleFaults(events)).toEqual([]);
  }
  await insistOn(() => api.ask('GET', inMain('/runs')));
  for (const runId of runIds) await expectCounts(api, runId);
  for (const { held } of slotUses(commits)) expect(held).toEqual([]);
  const { limits } = LimitList.parse((await insistOn(() => api.ask('GET', inMain('/limits')))).body);
  expect(limits.map(({ limitId, held, waiting }) => [limitId, held, waiting])).toEqual(
    Object.keys(world.capacities)
      .sort()
      .map((limitId) => [limitId, 0, 0]),
  );
  expect(await verifyStage(storesOfCloud(api.cloud))).toMatchObject({ isEqual: true, differences: [] });
};

/** The counters of a run are those of its tasks, in the ledger's answer and in the list's. */
const expectCounts = async (api: Api, runId: string): Promise<void> => {
  const { tasks, taskCounts, state } = await readRun(api, runId);
  const count = (...states: readonly string[]): number =>
    tasks.filter((task) => states.includes(task.state)).length;
  expect(taskCounts).toEqual({
    ...{ total: tasks.length, pending: 0, queued: 0, running: 0 },
    ...{ succeeded: count('SUCCEEDED'), failed: count('FAILED'), skipped: count('SKIPPED') },
    ...{ cancelled: count('CANCELLED'), timedOut: count('TIMED_OUT') },
  });
  expect(await listedRun(api, runId)).toMatchObject({
    ...{ state, taskCount: tasks.length, tasksSucceeded: count('SUCCEEDED') },
    tasksFailed: count('FAILED', 'TIMED_OUT'),
  });
};
