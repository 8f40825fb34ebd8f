/**
 * A run of ten steps that do nothing, state on disk and fsynced, at four distances from the core: the loop alone, the
 * product with an in-process runner, the product with an HTTP worker that claims and completes each step, and that
 * with functions in worker threads behind real HTTP. The baseline writes the bytes of such a run to the journal and
 * does nothing else; ratios to it are what compares over time.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { RunnerName } from '#contracts/runs/runner.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { openStateDirectory } from '#local/journal/state-directory.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { bootBenchCloud, drained } from '#bench/bench-cloud.ts';
import type { Ask, BenchCloud } from '#bench/bench-cloud.ts';
import { checkChains, deployChain, playChain, startChain } from '#bench/chain-api.ts';
import { benchRun, STEPS } from '#bench/chain-run.ts';
import { openLedgerRig } from '#bench/ledger-rig.ts';
import { runLoad, spread } from '#bench/load.ts';
import type { Load, LoadResult } from '#bench/load.ts';
import type { Measure, Row } from '#bench/measurement.ts';
import { inlineEnds } from '#bench/watched-functions.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';

const KEPT_WARM = 1_000;
const CALLERS_MAX = 50;

const loads = {
  baseline: [
    { callers: 1, repeats: 40 },
    { callers: CALLERS_MAX, repeats: 60 },
  ],
  loop: [
    { callers: 1, repeats: 60 },
    { callers: CALLERS_MAX, repeats: 60 },
  ],
  product: [
    { callers: 1, repeats: 60 },
    { callers: CALLERS_MAX, repeats: 20 },
  ],
  claims: [
    { callers: 1, repeats: 40 },
    { callers: CALLERS_MAX, repeats: 10 },
  ],
  worker: [
    { callers: 1, repeats: 15 },
    { callers: CALLERS_MAX, repeats: 4 },
  ],
} as const satisfies Readonly<Record<string, readonly Load[]>>;

/** Latency and runs per second of a run of ten empty steps. */
export const measure: Measure = async ({ root }) => {
  const { rows: loop, entries } = await measureLoop();
  const baseline = await measureBaseline(entries);
  const { importModule, ended } = inlineEnds();
  const product = await measureCloud('product', await bootBenchCloud(root, { importModule }), {
    runner: 'noop',
    play: async (ask, workspace) => ended(await startChain(ask, workspace)),
  });
  const byClaims: Way = {
    runner: 'worker',
    play: async (ask, workspace) => {
      await playChain(ask, workspace);
    },
  };
  const claims = await measureCloud('claims', await bootBenchCloud(root), byClaims);
  const threads = await bootBenchCloud(root, { host: 'worker', apiPort: 0 });
  const worker = await measureCloud('worker', threads, byClaims);
  const all = { baseline, loop, product, claims, worker };
  return Object.entries(all).flatMap(([path_, results]) =>
    results.flatMap((result, index) => rowsOf(path_, result, baseline[index])),
  );
};

interface Result {
  readonly load: Load;
  readonly result: LoadResult;
}

const rowsOf = (name: string, { load, result }: Result, baseline: Result | undefined): readonly Row[] => {
  const { p50, p99 } = spread(result);
  const runs = load.callers * load.repeats;
  const of = (what: string): string => `${name}: ${what}, ${load.callers} callers`;
  return [
    { what: of('p50'), value: p50, unit: 'ms/run' },
    { what: of('p99'), value: p99, unit: 'ms/run' },
    { what: of('rate'), value: runs / result.seconds, unit: 'runs/s' },
    { what: of('CPU'), value: result.cpuMs / runs, unit: 'ms/run' },
    ...(baseline === undefined || name === 'baseline'
      ? []
      : [{ what: of('p50 against baseline'), value: p50 / spread(baseline.result).p50, unit: 'x' }]),
  ];
};

/** A commit a step: "step i finished, step i+1 dispatched". */
const playSteps = async (mailbox: Mailbox): Promise<void> => {
  const run = benchRun();
  await mailbox.send(runAggregate, run.trigger, { assumeNew: true });
  for (let index = 0; index < STEPS; index++) await mailbox.send(runAggregate, run.complete(index));
};

const measureLoop = async (): Promise<{
  readonly rows: readonly Result[];
  readonly entries: readonly JournalEntry[];
}> => {
  const rig = await openLedgerRig();
  try {
    const mailbox = rig.mailbox(KEPT_WARM);
    await runLoad({ callers: 10, repeats: 40 }, () => playSteps(mailbox));
    const rows: Result[] = [];
    for (const load of loads.loop) rows.push({ load, result: await runLoad(load, () => playSteps(mailbox)) });
    const entries: JournalEntry[] = [];
    rig.listen((entry) => entries.push(entry));
    await playSteps(mailbox);
    return { rows, entries };
  } finally {
    await rig.close();
  }
};

const measureBaseline = async (entries: readonly JournalEntry[]): Promise<readonly Result[]> => {
  const stateDir = mkdtempSync(path.join(os.tmpdir(), 'sluice-bench-'));
  const directory = openStateDirectory(stateDir);
  try {
    const results: Result[] = [];
    for (const load of loads.baseline) {
      const result = await runLoad(load, async () => {
        for (const entry of entries) {
          directory.journal.append('dynamodb', entry);
          await directory.journal.durable();
        }
      });
      results.push({ load, result });
    }
    return results;
  } finally {
    await directory.close();
    rmSync(stateDir, { recursive: true });
  }
};

/** How a run gets from its start to its end. */
interface Way {
  readonly runner: RunnerName;
  readonly play: (ask: Ask, workspace: string) => Promise<void>;
}

const measureCloud = async (
  name: 'product' | 'claims' | 'worker',
  cloud: BenchCloud,
  way: Way,
): Promise<readonly Result[]> => {
  try {
    const workspaces = Array.from({ length: CALLERS_MAX }, (_, index) => `bench-${index}`);
    for (const workspace of workspaces) await deployChain(cloud.ask, workspace, way.runner);
    const play = (caller: number): Promise<void> => way.play(cloud.ask, workspaces[caller] ?? '');
    await runLoad({ callers: 10, repeats: 2 }, play, () => drained(cloud));
    const results: Result[] = [];
    for (const load of loads[name])
      results.push({ load, result: await runLoad(load, play, () => drained(cloud)) });
    for (const workspace of workspaces) await checkChains(cloud.ask, workspace);
    return results;
  } finally {
    await cloud.close();
  }
};
