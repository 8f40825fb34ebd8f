/**
 * `sluice up`: boots the stack, and when asked plays a tape, starts the demo's asset run and a worker, shows it all
 * advancing, and with `--exit` stops when everything has ended and prints what was done.
 */
import path from 'node:path';
import process from 'node:process';
import { outputDigest } from '#domain/market/output-hash.ts';
import { httpClient } from '#cli/client.ts';
import type { Client } from '#cli/client.ts';
import { awaitRuns, startDemoRun } from '#cli/up/demo-run.ts';
import { followOutput } from '#cli/up/output-follower.ts';
import type { Published } from '#cli/up/output-follower.ts';
import { physicalNameOf } from '#cli/up/physical-names.ts';
import type { Speed } from '#cli/up/producer.ts';
import { showProgress } from '#cli/up/progress.ts';
import type { Progress } from '#cli/up/progress.ts';
import { startStack } from '#cli/up/stack.ts';
import type { Stack, StackSetting } from '#cli/up/stack.ts';
import { takeTape } from '#cli/up/take-tape.ts';
import { demoTape, userTape } from '#cli/up/tape-source.ts';
import type { TapeFormat, TapeSource } from '#cli/up/tape-source.ts';
import { demoWork } from '#cli/worker/demo-work.ts';
import type { Execute } from '#cli/worker-kit/attempt.ts';
import { messageOf } from '#cli/worker-kit/request.ts';
import { runWorker } from '#cli/worker-kit/worker.ts';

export interface UpSetting {
  readonly root: string;
  readonly stateDir: string;
  readonly isEphemeral: boolean;
  readonly port: number;
  readonly awsPort: number;
  readonly tape?: string;
  readonly format: TapeFormat;
  readonly symbol?: string;
  readonly speed: Speed;
  readonly isDemo: boolean;
  readonly hasWorker: boolean;
  readonly isExiting: boolean;
  /** Standstill of ingestion that is borne when it is exiting. */
  readonly patienceMs: number;
  readonly isJson: boolean;
  readonly taskFunctions?: Exclude<StackSetting['taskFunctions'], undefined>;
}

/** The last line of `--exit --json`. */
export interface Summary {
  readonly events: number;
  readonly engineRuns: number;
  readonly published: number;
  readonly failedRuns: number;
  readonly assetRuns: number;
  readonly commits: number;
  readonly awsRequests: number;
  readonly seconds: number;
  /** Of everything on the output stream; with one feed it is the hash that its replay and a simulation print. */
  readonly outputHash: string;
}

/** Runs until everything has ended (`--exit`) or a signal comes; `start` gives the stack to work on. */
export const up = async (
  setting: UpSetting,
  start: (setting: StackSetting) => Promise<Stack> = startStack,
): Promise<void> => {
  const startedMs = performance.now();
  const source = await tapeOf(setting);
  const stack = await start({
    ...setting,
    hasShardLimits: setting.speed !== 'unlimited',
    log: logger(),
  });
  const readySeconds = round((performance.now() - startedMs) / 1000);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  // Whoever reads that the stack is ready may end it at once.
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    announce(setting, stack, readySeconds);
    await work(setting, { stack, source, stop });
  } finally {
    stop.abort();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await stack.close();
  }
};

const WORKSPACE = 'main';

interface Parts {
  readonly stack: Stack;
  readonly source: TapeSource | undefined;
  readonly stop: AbortController;
}

const work = async (setting: UpSetting, { stack, source, stop }: Parts): Promise<void> => {
  const { signal } = stop;
  const client = httpClient({ url: stack.url, token: stack.token, workspace: WORKSPACE });
  const streamName = physicalNameOf(stack.cloud, 'orchestrator-events');
  const follower = followOutput({ awsUrl: stack.awsUrl, streamName }, signal);
  const running: Promise<unknown>[] = [follower.done];
  try {
    if (setting.isDemo) await startDemoRun(client, path.join(setting.root, 'events/demo.manifest.json'));
    const feedId = source?.feedId ?? 'demo';
    if (setting.hasWorker || setting.isDemo)
      running.push(startWorker(stack, demoWork(client, feedId), signal));
    const finishing = finish(setting, { stack, source, client, signal, published: follower.published });
    running.push(finishing);
    // Following ends with the signal alone; when it fails the command fails with it.
    await Promise.race([finishing, follower.done.then(() => finishing)]);
  } finally {
    stop.abort();
    await Promise.allSettled(running);
  }
};

interface Finishing extends Pick<Parts, 'stack' | 'source'> {
  readonly client: Client;
  readonly signal: AbortSignal;
  readonly published: Published;
}

/** Shows everything advancing until it has ended, and with `--exit` returns; else it serves until the signal. */
const finish = async (setting: UpSetting, parts: Finishing): Promise<void> => {
  const { stack, source, client, signal, published } = parts;
  const progress: Progress = { events: 0, planned: 0, startedAtMs: Date.now(), published, runs: [] };
  const hasWork = source !== undefined || setting.isDemo;
  const hideProgress = hasWork ? showProgress(progress, client, signal) : undefined;
  let states: readonly string[];
  try {
    const stallMaxMs = setting.isExiting ? setting.patienceMs : Infinity;
    if (source) await takeTape({ stack, client, source, speed: setting.speed, progress, stallMaxMs, signal });
    states = await awaitRuns(client, signal);
  } finally {
    await hideProgress?.();
  }
  if (!signal.aborted && (hasWork || setting.isExiting))
    report(setting, await summaryOf({ stack, progress, states }));
  if (!setting.isExiting) await untilAborted(signal);
};

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    // A timer that is not unreferenced keeps the process alive while it only serves.
    const alive = setInterval(() => undefined, 60_000);
    const done = (): void => {
      clearInterval(alive);
      resolve();
    };
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });

const tapeOf = (setting: UpSetting): Promise<TapeSource | undefined> => {
  if (setting.tape !== undefined)
    return userTape(setting.tape, { format: setting.format, symbol: setting.symbol });
  return setting.isDemo ? demoTape(setting.root) : Promise.resolve(undefined);
};

/** Its claims are short, since the stack waits for the last of them before it closes. */
const startWorker = (stack: Stack, execute: Execute, signal: AbortSignal): Promise<void> =>
  runWorker({
    url: stack.url,
    workspace: WORKSPACE,
    token: () => stack.token,
    workerId: `demo-worker-${process.pid}`,
    queue: 'default-queue',
    concurrency: 2,
    claimWaitMs: 1_000,
    execute,
    signal,
    onEvent: (text) => note(`worker: ${text}`),
  }).catch((error: unknown) => note(`worker: ${messageOf(error)}`));

const summaryOf = async ({
  stack,
  progress,
  states,
}: {
  readonly stack: Stack;
  readonly progress: Progress;
  readonly states: readonly string[];
}): Promise<Summary> => {
  const { published } = progress;
  const { requests } = stack.cloud.counts();
  return {
    events: progress.events,
    engineRuns: published.terminal.size,
    published: published.records,
    failedRuns: failedCount(published),
    assetRuns: states.length,
    commits: await commitCount(stack),
    awsRequests: Object.values(requests).reduce((sum, count) => sum + count, 0),
    seconds: round(Math.max(0, (published.lastAtMs - progress.startedAtMs) / 1000)),
    outputHash: outputDigest(published.hash),
  };
};

/** Commits in the ledger: its items less documents and states kept apart. */
const commitCount = async (stack: Stack): Promise<number> => {
  let commits = 0;
  let start: unknown;
  do {
    const page = (await stack.cloud.call('dynamodb', 'Scan', {
      TableName: physicalNameOf(stack.cloud, 'ledger'),
      Select: 'COUNT',
      FilterExpression: 'attribute_exists(#count)',
      ExpressionAttributeNames: { '#count': 'count' },
      ...(start === undefined ? {} : { ExclusiveStartKey: start }),
    })) as { readonly Count: number; readonly LastEvaluatedKey?: unknown };
    commits += page.Count;
    start = page.LastEvaluatedKey;
  } while (start !== undefined);
  return commits;
};

const failedCount = ({ terminal }: Published): number =>
  [...terminal.values()].filter((type) => type === 'EngineRunFailed').length;

const announce = ({ isJson }: UpSetting, stack: Stack, readySeconds: number): void => {
  const { url, awsUrl, tokenFile, stateDir } = stack;
  if (isJson) print(JSON.stringify({ ready: true, url, awsUrl, tokenFile, stateDir, readySeconds }));
  note(`ready in ${readySeconds} s: HTTP API ${url}, AWS endpoint ${awsUrl}, token ${tokenFile}`);
};

/** With `--json` the summary is the last line of a command that ends; one that goes on serving prints none. */
const report = ({ isJson, isExiting }: UpSetting, summary: Summary): void => {
  if (isJson) {
    if (isExiting) print(JSON.stringify(summary));
    return;
  }
  const lines = Object.entries(summary).map(([name, value]) => `  ${name.padEnd(12)}${value}`);
  print(`done\n${lines.join('\n')}`);
};

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const note = (text: string): void => void process.stderr.write(`${text}\n`);
const round = (seconds: number): number => Math.round(seconds * 100) / 100;

/** Faults of functions on standard error; their metrics and routine lines are left out. */
const logger = (): ((text: string) => void) => (text) => {
  if (/"level":"(error|warn)"/.test(text) || !text.includes('{"')) note(text);
};
