/** A thousand tasks and two hundred HTTP workers that all work and finish at the same instants. */
import { expect, it } from 'vitest';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { apiOf, bootTestCloud } from '#test/support/cloud.ts';
import {
  claim,
  deploy,
  listedRun,
  readRun,
  runEvents,
  succeed,
  trigger,
  wideAssets,
} from '#test/support/cloud-assets.ts';
import { commitsIn, numberingFaults } from '#test/support/cloud-stores.ts';

const TASKS = 1_000;
const WORKERS = 200;

it('completes a run of 1,000 tasks by 200 workers, none of whom meets an error because others finished too', async () => {
  const api = apiOf(await bootTestCloud());
  const assets = wideAssets(TASKS);
  await deploy(api, assets);
  const startedMs = performance.now();
  const before = api.cloud.counts().requests;
  const runId = await trigger(api, Object.keys(assets));
  await api.cloud.settle();

  const statuses: number[] = [];
  const ofWorker = new Map<string, number>();
  for (let rounds = 0; statuses.length < TASKS && rounds < TASKS; rounds++) {
    const workers = Array.from({ length: WORKERS }, (_, index) => `w${(index + rounds * 100) % WORKERS}`);
    const claims = await Promise.all(workers.map((workerId) => claim(api, { workerId, maxTasks: 1 })));
    const reports = claims.flatMap((tasks, index): Promise<number>[] => {
      const workerId = workers[index] ?? '';
      return tasks.map(async (task: DispatchEnvelope) => {
        ofWorker.set(workerId, (ofWorker.get(workerId) ?? 0) + 1);
        return (await succeed(api, task, {}, workerId)).status;
      });
    });
    statuses.push(...(await Promise.all(reports)));
    await api.cloud.settle();
  }
  const seconds = (performance.now() - startedMs) / 1_000;

  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  expect(statuses).toHaveLength(TASKS);
  expect(ofWorker.size).toBe(WORKERS);
  const counted = { total: TASKS, succeeded: TASKS, failed: 0, running: 0, queued: 0, pending: 0 };
  expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED', taskCounts: counted });
  expect(await listedRun(api, runId)).toMatchObject({ state: 'SUCCEEDED', tasksSucceeded: TASKS });
  const events = await runEvents(api, runId);
  expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
  for (const type of ['TaskDispatched', 'TaskStarted', 'TaskCompleted']) {
    const keys = events.filter((event) => event.type === type).map(({ data }) => data['taskKey']);
    expect([type, keys.length, new Set(keys).size]).toEqual([type, TASKS, TASKS]);
  }
  const commits = await commitsIn(api.cloud);
  expect(numberingFaults(commits)).toEqual([]);
  expect(api.cloud.faultLines()).toEqual([]);

  const own = commits.filter(({ stream }) => stream.includes(runId)).length;
  const costs = Object.entries(api.cloud.counts().requests).flatMap(([name, count]) =>
    /^(dynamodb|sqs|states|s3|lambda)\./.test(name) ? [`${name} ${count - (before[name] ?? 0)}`] : [],
  );
  console.log(`${seconds.toFixed(1)} s, ${events.length} events in ${own} commits; ${costs.join(', ')}`);
});
