/**
 * From ready to started, and what lies between one task and the next: ten-task runs on the wall clock, state on disk, by
 * workers that claim, by workers with a queue of their own, and by an in-process runner. In the second part the consumers
 * of the ledger's stream stand still while runs come to their end: what they do lies on no run's way.
 */
import { RunEventPage, RunRead } from '#contracts/runs/read.ts';
import { bootBenchCloud, drained } from '#bench/bench-cloud.ts';
import type { BenchCloud } from '#bench/bench-cloud.ts';
import { deployChain, deploySentChain, playChain, playSentChain, startChain } from '#bench/chain-api.ts';
import type { SentQueue } from '#bench/chain-api.ts';
import { STEPS } from '#bench/chain-run.ts';
import { runLoad } from '#bench/load.ts';
import type { Measure, Row } from '#bench/measurement.ts';
import { percentile } from '#bench/percentile.ts';
import { inlineEnds } from '#bench/watched-functions.ts';

const LOADS = [
  { callers: 1, repeats: 20 },
  { callers: 10, repeats: 5 },
] as const;
const CALLERS_MAX = 10;

/** Starts a run of a caller's workspace and takes it to its end; its id. */
interface Way {
  readonly name: string;
  readonly workspaceOf: (caller: number) => string;
  readonly play: (caller: number) => Promise<string>;
}

/** Waits before a task is started, and hops between tasks. */
export const measure: Measure = async ({ root }) => {
  const ends = inlineEnds();
  const bench = await bootBenchCloud(root, { importModule: ends.importModule });
  try {
    const ways = await waysOf(bench, ends.ended);
    const rows: Row[] = [];
    for (const way of ways) rows.push(...(await measureWaits(bench, way)));
    await drained(bench);
    for (const way of ways) rows.push(...(await measureHops(bench, way)));
    return rows;
  } finally {
    await bench.close();
  }
};

const waysOf = async (
  bench: BenchCloud,
  ended: (runId: string) => Promise<void>,
): Promise<readonly Way[]> => {
  const { ask } = bench;
  const [claims, inline, sent] = ['claims', 'inline', 'sent'].map(
    (name) => (caller: number) => `${name}-${caller}`,
  ) as [Way['workspaceOf'], Way['workspaceOf'], Way['workspaceOf']];
  const queues: SentQueue[] = [];
  for (let caller = 0; caller < CALLERS_MAX; caller++) {
    await deployChain(ask, claims(caller), 'worker');
    await deployChain(ask, inline(caller), 'noop');
    queues.push(await deploySentChain(bench, sent(caller)));
  }
  const queueOf = (caller: number) => queues[caller] ?? { workspace: '', url: '' };
  return [
    { name: 'own queue', workspaceOf: sent, play: (caller) => playSentChain(bench, queueOf(caller)) },
    { name: 'claims', workspaceOf: claims, play: (caller) => playChain(ask, claims(caller)) },
    {
      name: 'inline',
      workspaceOf: inline,
      play: async (caller) => {
        const runId = await startChain(ask, inline(caller));
        await ended(runId);
        return runId;
      },
    },
  ];
};

const measureWaits = async (bench: BenchCloud, way: Way): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  for (const load of LOADS) {
    const runs: { readonly caller: number; readonly runId: string }[] = [];
    await runLoad(load, async (caller) => {
      runs.push({ caller, runId: await way.play(caller) });
    });
    const waitsMs: number[] = [];
    for (const { caller, runId } of runs)
      waitsMs.push(...(await waitsOf(bench, way.workspaceOf(caller), runId)));
    const of = (what: string): string => `${way.name}: ready to started ${what}, ${load.callers} callers`;
    rows.push(
      { what: of('p50'), value: percentile(waitsMs, 50), unit: 'ms' },
      { what: of('p99'), value: percentile(waitsMs, 99), unit: 'ms' },
    );
  }
  return rows;
};

/** Milliseconds between each task's dispatch and its start, as the ledger has them. */
const waitsOf = async ({ ask }: BenchCloud, workspace: string, runId: string): Promise<readonly number[]> => {
  const page = await ask('GET', `/v1/workspaces/${workspace}/runs/${runId}/events?limit=200`);
  const dispatchedAtMs = new Map<unknown, number>();
  const waits: number[] = [];
  for (const { type, data, occurredAt } of RunEventPage.parse(page).events) {
    const taskKey = data['taskKey'];
    if (type === 'TaskDispatched') dispatchedAtMs.set(taskKey, Date.parse(occurredAt));
    const readyAtMs = dispatchedAtMs.get(taskKey);
    if (type === 'TaskStarted' && readyAtMs !== undefined) waits.push(Date.parse(occurredAt) - readyAtMs);
  }
  if (waits.length !== STEPS) throw new Error(`${runId} has ${waits.length} tasks that were started`);
  return waits;
};

/** A run without any consumer of the ledger's stream, and the executions that were started for it. */
const measureHops = async (bench: BenchCloud, way: Way): Promise<readonly Row[]> => {
  const consumers = [...bench.mappings.values()].filter(({ setting }) =>
    setting.sourceArn.includes(':dynamodb:'),
  );
  const delivered = (): number => consumers.reduce((sum, { counts }) => sum + counts().invocations, 0);
  for (const consumer of consumers) consumer.stop();
  try {
    bench.resetCounts();
    const before = delivered();
    const runId = await way.play(0);
    const run = RunRead.parse(await bench.ask('GET', `/v1/workspaces/${way.workspaceOf(0)}/runs/${runId}`));
    if (run.state !== 'SUCCEEDED') throw new Error(`${runId} is ${run.state} while nobody reads the stream`);
    const hops = (delivered() - before) / STEPS;
    const executions = (bench.counts().requests['states.StartExecution'] ?? 0) / STEPS;
    return [
      { what: `${way.name}: stream invocations on the way`, value: hops, unit: '/task', target: '0' },
      { what: `${way.name}: state machine executions`, value: executions, unit: '/task', target: '0' },
    ];
  } finally {
    for (const consumer of consumers) consumer.start();
  }
};
