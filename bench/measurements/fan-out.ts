/**
 * A run of 1,000 tasks, one before and one behind all the others, worked off over the HTTP API by as many callers as a
 * busy day has, in one process with its state on disk; then its rerun, and the list of a workspace with many runs.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { dynamoViewWriter } from '#adapters/dynamodb/views.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { ClaimResponse } from '#contracts/runs/claim.ts';
import { RunRead } from '#contracts/runs/read.ts';
import { RerunRequest } from '#contracts/runs/rerun.ts';
import { TriggerRunResponse } from '#contracts/runs/trigger.ts';
import type { Row as ViewRow } from '#domain/kernel/projection.ts';
import { newestFirst } from '#domain/kernel/list-sort.ts';
import { askRerun } from '#domain/run/rerun.ts';
import type { ParentRun } from '#domain/run/rerun.ts';
import { planRerun } from '#domain/run/rerun-plan.ts';
import { runListKeys } from '#domain/run/run-projection.ts';
import { bootBenchCloud, drained } from '#bench/bench-cloud.ts';
import type { BenchCloud } from '#bench/bench-cloud.ts';
import { benchPlan, benchRun } from '#bench/chain-run.ts';
import { runLoad } from '#bench/load.ts';
import type { Measure, Row } from '#bench/measurement.ts';
import { percentile } from '#bench/percentile.ts';

const TASKS = 1_000;
const CALLERS = 200;
/** So many that the callers together hold all the tasks. */
const TASKS_PER_CLAIM = 5;
const IDLE_PAUSE_MS = 500;
const LISTED_MAX = 100_000;
/** Rows are put for so long at most. */
const FILL_MS = 60_000;
const REPEATS = 50;
const SCOPE = { tenantId: 'local', workspaceId: 'bench' };
const WORKSPACE = '/v1/workspaces/bench';

/** Fan-out and join, one hot run, planning of reruns, and the run list. */
export const measure: Measure = async ({ root }) => {
  const conflicts = conflictCounter();
  const bench = await bootBenchCloud(root, { log: conflicts.read });
  try {
    await bench.ask('POST', `${WORKSPACE}/manifests`, manifest());
    const { rows, runId } = await measureFanOut(bench, conflicts.count);
    return [...rows, ...(await measureRerun(bench, runId)), ...(await measureList(bench))];
  } finally {
    await bench.close();
  }
};

const ofTask = (name: string): object => ({ namespace: 'bench', name });

const manifest = (): object => {
  const wide = Array.from({ length: TASKS - 2 }, (_, index) => `wide_${index}`);
  const after = (...names: readonly string[]): object[] =>
    names.map((name) => ({ upstreamKey: ofTask(name) }));
  const noop = { execution: { runner: 'noop' } };
  return {
    ...{ manifestVersion: '1.0', codeVersionId: 'bench' },
    assets: [
      { key: ofTask('root'), id: 'root', ...noop },
      ...wide.map((name) => ({ key: ofTask(name), id: name, dependencies: after('root') })),
      { key: ofTask('join'), id: 'join', ...noop, dependencies: after(...wide) },
    ],
  };
};

/** Appends to runs that lost their race, as the functions count them in their logs. */
const conflictCounter = () => {
  let total = 0;
  return {
    read: (line: string): void => {
      if (!line.includes('"AppendConflicts"')) return;
      const { AppendConflicts, kind } = JSON.parse(line) as { AppendConflicts?: number; kind?: string };
      if (kind === 'run') total += AppendConflicts ?? 0;
    },
    count: (): number => total,
  };
};

const measureFanOut = async (
  bench: BenchCloud,
  conflicts: () => number,
): Promise<{ readonly rows: readonly Row[]; readonly runId: string }> => {
  const { ask } = bench;
  const startedMs = performance.now();
  const body = { selection: ['bench.join'], includeUpstream: true };
  const { runId } = TriggerRunResponse.parse(await ask('POST', `${WORKSPACE}/runs`, body));
  const reportsMs: number[] = [];
  let [left, commands] = [TASKS - 2, 0];
  const load = await runLoad({ callers: CALLERS, repeats: 1 }, async (caller) => {
    while (left > 0) {
      const wish = { workerId: `w${caller}`, waitMs: 2_000, maxTasks: TASKS_PER_CLAIM };
      const { tasks } = ClaimResponse.parse(await ask('POST', `${WORKSPACE}/workers/claim`, wish));
      // What is left is in other hands: the budget of claims is for those who find something.
      if (tasks.length === 0) await pause(IDLE_PAUSE_MS);
      for (const { taskId, taskToken, attempt, attemptId } of tasks) {
        left--;
        const report = { attempt, attemptId, workerId: wish.workerId, outcome: 'SUCCEEDED', output: {} };
        const beganMs = performance.now();
        await ask('POST', `/v1/callbacks/${taskId}/completed`, report, taskToken);
        reportsMs.push(performance.now() - beganMs);
        commands += 2;
      }
    }
  });
  await drained(bench);
  const seconds = (performance.now() - startedMs) / 1_000;
  const run = RunRead.parse(await ask('GET', `${WORKSPACE}/runs/${runId}`));
  if (run.state !== 'SUCCEEDED' || run.taskCounts.succeeded !== TASKS)
    throw new Error(`${runId} is ${run.state} with ${run.taskCounts.succeeded} tasks done`);
  const commits = await commitsOf(bench, runId);
  return {
    runId,
    rows: [
      { what: `run of ${TASKS} tasks by ${CALLERS} workers`, value: seconds, unit: 's' },
      { what: 'lost appends per commit', value: conflicts() / commits, unit: '/commit' },
      { what: 'commands on one hot run', value: commands / load.seconds, unit: '/s', target: 'at least 150' },
      { what: 'completion p50', value: percentile(reportsMs, 50), unit: 'ms' },
      { what: 'completion p99', value: percentile(reportsMs, 99), unit: 'ms', target: 'at most 1,500' },
    ],
  };
};

const commitsOf = async ({ cloud }: BenchCloud, runId: string): Promise<number> => {
  const answer = await cloud.call('dynamodb', 'Query', {
    TableName: 'sluice-dev-ledger',
    KeyConditionExpression: '#s = :s AND #q >= :one',
    ExpressionAttributeNames: { '#s': 'stream', '#q': 'sequence' },
    ExpressionAttributeValues: { ':s': { S: `run#local/bench/${runId}` }, ':one': { N: '1' } },
    Select: 'COUNT',
  });
  return Number(answer['Count']);
};

const measureRerun = async ({ ask }: BenchCloud, runId: string): Promise<readonly Row[]> => {
  const plan = benchPlan(TASKS, true);
  const { trigger } = benchRun(plan);
  if (trigger.command.type !== 'TriggerRun') throw new Error('a run begins with its trigger');
  const parent: ParentRun = {
    ...{ header: trigger.command.header, plan, state: 'FAILED' },
    tasks: plan.tasks.map(({ key }, index) => ({
      taskKey: key,
      state: index < TASKS / 2 ? 'SUCCEEDED' : 'SKIPPED',
    })),
  };
  const request = RerunRequest.parse({ mode: 'fromFailure' });
  const planned = await runLoad({ callers: 1, repeats: REPEATS }, () => {
    const asked = askRerun(parent, request);
    if (asked.kind === 'rejected' || planRerun(parent, asked).kind === 'rejected')
      throw new Error('the rerun was refused');
    return Promise.resolve();
  });
  const body = { mode: 'subset', selection: ['bench.root'], includeDownstream: true };
  const beganMs = performance.now();
  await ask('POST', `${WORKSPACE}/runs/${runId}/rerun`, body);
  return [
    { what: `rerun planning, ${TASKS} tasks, p50`, value: percentile(planned.latenciesMs, 50), unit: 'ms' },
    { what: `rerun over HTTP, ${TASKS} tasks`, value: performance.now() - beganMs, unit: 'ms' },
  ];
};

/** Copies the row of a run until the list is long, and reads its first page. */
const measureList = async (bench: BenchCloud): Promise<readonly Row[]> => {
  await drained(bench);
  const { ask, cloud } = bench;
  const views = dynamoViewWriter({ client: dynamodbClient(cloud.plugin), table: 'sluice-dev-views' });
  const pages = await Promise.all(runListKeys(SCOPE).map((listKey) => views.list({ listKey, limit: 1 })));
  const template = pages.flatMap(({ rows }) => rows)[0];
  if (!template) throw new Error('no run has a row');
  const untilMs = performance.now() + FILL_MS;
  let count = 0;
  for (; count < LISTED_MAX && performance.now() < untilMs; count += 100)
    await Promise.all(Array.from({ length: 100 }, (_, index) => views.put(copyOf(template, count + index))));
  const listed = await runLoad({ callers: 1, repeats: REPEATS * 4 }, async () => {
    await ask('GET', `${WORKSPACE}/runs`);
  });
  return [
    { what: 'runs in the list', value: count, unit: 'runs' },
    { what: 'run list p50', value: percentile(listed.latenciesMs, 50), unit: 'ms' },
    { what: 'run list p99', value: percentile(listed.latenciesMs, 99), unit: 'ms' },
  ];
};

const copyOf = (template: ViewRow, index: number): ViewRow => {
  const runId = `run_${String(index).padStart(26, '0')}`;
  const keys = runListKeys(SCOPE);
  return {
    ...template,
    pk: `run#local/bench/${runId}`,
    data: { ...template.data, runId, statuses: 'S', taskCount: 1, assetMarks: '' },
    listKey: keys[index % keys.length] ?? '',
    listSort: newestFirst(index * 1_000, runId),
  };
};
