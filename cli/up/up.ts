/**
 * `sluice up`: boots the stack, and when asked plays a tape, starts the demo's asset run and a worker, shows it all
 * advancing, and with `--exit` stops when everything has ended and prints what was done.
 */
import path from 'node:path';
import process from 'node:process';
import { outputDigest } from '#domain/market/output-hash.ts';
import { httpClient } from '#cli/client.ts';
import type { Client } from '#cli/client.ts';
import { CliError } from '#cli/cli-error.ts';
import { awaitRuns, startDemoRun } from '#cli/up/demo-run.ts';
import { followOutput } from '#cli/up/output-follower.ts';
import type { Published } from '#cli/up/output-follower.ts';
import { playTape } from '#cli/up/producer.ts';
import type { Speed } from '#cli/up/producer.ts';
import { showProgress } from '#cli/up/progress.ts';
import type { Progress } from '#cli/up/progress.ts';
import { waitFor } from '#cli/up/stream-reader.ts';
import { startStack } from '#cli/up/stack.ts';
import type { Stack } from '#cli/up/stack.ts';
import { demoTape, userTape } from '#cli/up/tape-source.ts';
import type { TapeFormat, TapeSource } from '#cli/up/tape-source.ts';
import { demoWork } from '#cli/worker/demo-work.ts';
import { runWorker } from '#cli/worker/worker.ts';

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
  readonly isJson: boolean;
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

/** Runs until everything has ended (`--exit`) or a signal comes. */
export const up = async (setting: UpSetting): Promise<void> => {
  const startedMs = performance.now();
  const source = await tapeOf(setting);
  const stack = await startStack({ ...setting, log: logger() });
  const readySeconds = round((performance.now() - startedMs) / 1000);
  announce(setting, stack, readySeconds);
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    await work(setting, { stack, source, stop });
  } finally {
    stop.abort();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    await stack.close();
  }
};

interface Parts {
  readonly stack: Stack;
  readonly source: TapeSource | undefined;
  readonly stop: AbortController;
}

const work = async (setting: UpSetting, { stack, source, stop }: Parts): Promise<void> => {
  const { signal } = stop;
  const client = httpClient({ url: stack.url, token: stack.token, workspace: 'main' });
  const streamName = nameOf(stack, 'orchestrator-events');
  const follower = followOutput({ awsUrl: stack.awsUrl, streamName }, signal);
  const progress: Progress = {
    events: 0,
    planned: 0,
    startedAtMs: Date.now(),
    published: follower.published,
    runs: [],
  };
  const hasWork = source !== undefined || setting.isDemo;
  const hideProgress = hasWork ? showProgress(progress, client, signal) : undefined;
  if (setting.isDemo) await startDemoRun(client, path.join(setting.root, 'events/demo.manifest.json'));
  const feedId = source?.feedId ?? 'demo';
  const worker = setting.hasWorker || setting.isDemo ? startWorker(client, feedId, signal) : undefined;
  const playing = source ? play({ setting, stack, client, source, progress, signal }) : Promise.resolve();
  const finishing = playing.then(async () => {
    const states = await awaitRuns(client, signal);
    await hideProgress?.();
    if (!signal.aborted && (hasWork || setting.isExiting))
      report(setting, await summaryOf({ stack, progress, states }));
    if (!setting.isExiting) await untilAborted(signal);
  });
  // Following ends with the signal alone; when it fails the command fails with it.
  await Promise.race([finishing, follower.done.then(() => finishing)]);
  stop.abort();
  await Promise.allSettled([worker, follower.done]);
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

interface Playing {
  readonly setting: UpSetting;
  readonly stack: Stack;
  readonly client: Client;
  readonly source: TapeSource;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const POLL_MS = 200;

/** Creates the feed, plays the tape, and waits until every planned run has been published. */
const play = async ({ setting, stack, client, source, progress, signal }: Playing): Promise<void> => {
  const feed = `{ws}/feeds/${source.feedId}`;
  await client.request('PUT', feed, { body: source.feedConfig });
  await listed(client, source.feedId, signal);
  progress.startedAtMs = Date.now();
  await playTape({
    awsUrl: stack.awsUrl,
    streamName: nameOf(stack, 'market-events'),
    tape: source.records,
    speed: setting.speed,
    signal,
    onProgress: (acknowledged) => (progress.events = acknowledged),
  });
  await closeTape({ stack, client, feed, source, signal });
  while (!signal.aborted) {
    const view = (await client.request('GET', feed)) as { plannedRunCount: number };
    progress.planned = view.plannedRunCount;
    if (isQuiet(stack) && progress.published.terminal.size >= view.plannedRunCount) return;
    await waitFor(POLL_MS, signal);
  }
};

/** Nothing follows the tape's last record, so the feed is told that its time has passed that instant. */
const closeTape = async ({
  stack,
  client,
  feed,
  source,
  signal,
}: Pick<Playing, 'stack' | 'client' | 'source' | 'signal'> & { readonly feed: string }): Promise<void> => {
  let lastAtMs = 0;
  for await (const { recvTsMs } of source.records()) lastAtMs = Math.max(lastAtMs, recvTsMs ?? 0);
  while (!signal.aborted && !isQuiet(stack)) await waitFor(POLL_MS, signal);
  if (!signal.aborted) await client.request('POST', `${feed}/ticks`, { body: { passedMs: lastAtMs } });
};

/** Ingest finds feeds through the read models: records wait until the feed stands there. */
const listed = async (client: Client, feedId: string, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    const { feeds } = (await client.request('GET', '{ws}/feeds')) as { feeds: readonly { feedId: string }[] };
    if (feeds.some((feed) => feed.feedId === feedId)) return;
    await waitFor(POLL_MS, signal);
  }
};

const isQuiet = ({ cloud }: Stack): boolean =>
  [...cloud.mappings.values()].every((mapping) => mapping.idle());

const startWorker = (client: Client, feedId: string, signal: AbortSignal): Promise<void> =>
  runWorker({
    client,
    workerId: `demo-worker-${process.pid}`,
    queue: 'default-queue',
    concurrency: 2,
    execute: demoWork(client, feedId),
    signal,
    onEvent: (text) => note(`worker: ${text}`),
  });

/** The physical name of a stream or queue; the template's names end with the logical one. */
const nameOf = ({ cloud }: Stack, logical: string): string => {
  for (const resources of Object.values(cloud.names)) {
    const found = Object.values(resources).find((name) => name.endsWith(`-${logical}`));
    if (found !== undefined) return found;
  }
  throw new CliError('not_found', `the stack has no ${logical}`);
};

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
      TableName: nameOf(stack, 'ledger'),
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
