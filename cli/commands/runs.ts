/** `deploy`, `run start|list|get|rerun|cancel|why`: asset graphs and their runs. */
import type { Command } from 'commander';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import { CliError } from '#cli/cli-error.ts';
import type { CommandContext } from '#cli/commands/context.ts';
import { addRunTraceCommands } from '#cli/commands/run-traces.ts';
import { addRunWhyCommand } from '#cli/commands/run-why.ts';
import { readDocument } from '#cli/commands/read-document.ts';
import { paint, table } from '#cli/output.ts';

const Deployed = z.object({ manifestId: z.string(), fingerprint: z.string(), assetCount: z.int() });
const Triggered = z.object({ runId: z.string(), state: z.string(), created: z.boolean() });
const RunKeyAnswer = z.object({ runId: z.string(), requestFingerprint: z.string() });
const RunItem = z.object({
  runId: z.string(),
  state: z.string(),
  createdAt: z.string(),
  taskCount: z.int(),
  tasksSucceeded: z.int(),
  tasksFailed: z.int(),
});
const RunPage = z.object({ runs: z.array(RunItem), nextCursor: z.string().optional() });
const RunDetail = z.object({
  runId: z.string(),
  state: z.string(),
  createdAt: z.string(),
  tasks: z.array(
    z.object({
      taskKey: z.string(),
      state: z.string(),
      attempt: z.int(),
      errorMessage: z.string().optional(),
    }),
  ),
});

const ENDED = new Set(['SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMED_OUT']);
const POLL_MS = 250;

type GetContext = (command: Command) => CommandContext;

/** Adds the commands. */
export const addRunCommands = (program: Command, contextOf: GetContext): void => {
  program
    .command('deploy <file>')
    .description('deploy a manifest (JSON or YAML); all its faults are listed at once')
    .action(async (file: string, _options: unknown, command: Command) => deploy(contextOf(command), file));
  const run = program.command('run').description('runs of asset graphs');
  withIntent(run.command('start').description('start a run of the selected assets'))
    .option('--run-key <key>', 'the same key and request answer the same run')
    .option('--wait', 'wait for the end of the run')
    .action(async (options: StartOptions, command: Command) => start(contextOf(command), options));
  run
    .command('list')
    .description('list runs, newest first')
    .option('--limit <count>', 'runs on the page, 1 to 200', '20')
    .option('--cursor <cursor>', 'where the last page ended')
    // `--state` is the state directory of every command.
    .option('--in-state <state>', 'only runs that are so, for example FAILED')
    .option('--asset <key>', 'only runs with a task of this asset')
    .option('--label <pairs>', 'only runs with these labels: key=value, several separated by commas')
    .option('--run-key <key>', 'only the run of this key')
    .option('--since <instant>', 'only runs triggered at or after it')
    .option('--until <instant>', 'only runs triggered before it')
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
  run
    .command('get <runId>')
    .description('show one run with its tasks')
    .action(async (runId: string, _options: unknown, command: Command) => get(contextOf(command), runId));
  run
    .command('rerun <runId>')
    .description('run again what a run left undone, or a subset of it')
    .option('--from-failure', 'every task that did not succeed')
    .option('--select <tasks>', 'these tasks of the run, separated by commas')
    .option('--upstream', 'with --select: include everything they need')
    .option('--downstream', 'with --select: include everything that needs them')
    .option('--latest', 'with the code that is deployed now, not with that of the run')
    .option('--force', 'also when the same rerun is under way or has succeeded')
    .option('--run-key <key>', 'the same key and request answer the same run')
    .option('--label <pair...>', 'label as key=value')
    .action(async (runId: string, options: RerunOptions, command: Command) =>
      rerun(contextOf(command), runId, options),
    );
  run
    .command('cancel <runId>')
    .description('ask a run to end; running attempts are told, and given up after a grace')
    .option('--reason <text>', 'why, for whoever reads the history')
    .action(async (runId: string, options: { reason?: string }, command: Command) =>
      cancel(contextOf(command), runId, options),
    );
  addRunWhyCommand(run, contextOf);
  addRunTraceCommands(run, contextOf);
  const runKey = program.command('run-key').description('names that callers gave their requests to run');
  withIntent(runKey.command('backfill <runKey>'))
    .description('answer the run of a key if this is the request it was started by, else the conflict')
    .action(async (key: string, options: IntentOptions, command: Command) =>
      backfillRunKey(contextOf(command), key, options),
    );
};

/** The options that say what a run is asked to do. */
const withIntent = (command: Command): Command =>
  command
    .requiredOption('--select <assets>', 'assets, separated by commas')
    .option('--upstream', 'include everything the assets need')
    .option('--downstream', 'include everything that needs the assets')
    .option('--partition <key>', 'canonical partition key, for example date=d:2026-01-02')
    .option('--label <pair...>', 'label as key=value')
    .option('--timeout <seconds>', 'stop the run when it has not ended by then');

const backfillRunKey = async (
  { client, output }: CommandContext,
  runKey: string,
  options: IntentOptions,
): Promise<void> => {
  const body = { runKey, ...intentOf(options) };
  const answer = await client().request('POST', '{ws}/runs/run-key/backfill', { body });
  const { runId, requestFingerprint } = RunKeyAnswer.parse(answer);
  output.result(answer, () => `${paint('bold', runId)} ${requestFingerprint}`);
};

const deploy = async ({ client, output }: CommandContext, file: string): Promise<void> => {
  const answer = await client().request('POST', '{ws}/manifests', { body: readDocument(file) });
  const { manifestId, assetCount } = Deployed.parse(answer);
  output.result(answer, () => `deployed ${assetCount} assets as ${paint('bold', manifestId)}`);
};

interface IntentOptions {
  readonly select: string;
  readonly upstream?: boolean;
  readonly downstream?: boolean;
  readonly partition?: string;
  readonly label?: readonly string[];
  readonly timeout?: string;
}

interface StartOptions extends IntentOptions {
  readonly runKey?: string;
  readonly wait?: boolean;
}

/** What a run is asked to do, as the API names it. */
const intentOf = (options: IntentOptions): object => ({
  selection: assetsIn(options.select),
  includeUpstream: options.upstream === true,
  includeDownstream: options.downstream === true,
  ...(options.partition === undefined ? {} : { partitionKey: options.partition }),
  labels: Object.fromEntries((options.label ?? []).map(splitLabel)),
  // What is no number is refused by the API, which names the member and its range.
  ...(options.timeout === undefined ? {} : { timeoutSec: numberOr(options.timeout) }),
});

const start = async (context: CommandContext, options: StartOptions): Promise<void> => {
  const answer = await context.client().request('POST', '{ws}/runs', {
    body: {
      ...intentOf(options),
      ...(options.runKey === undefined ? {} : { runKey: options.runKey }),
    },
  });
  const { runId, created } = Triggered.parse(answer);
  if (options.wait !== true) {
    context.output.result(answer, () => `${created ? 'started' : 'found'} ${paint('bold', runId)}`);
    return;
  }
  for (;;) {
    const detail = await context.client().request('GET', `{ws}/runs/${runId}`);
    if (ENDED.has(RunDetail.parse(detail).state)) {
      showRun(context, detail);
      return;
    }
    await pause(POLL_MS);
  }
};

const assetsIn = (text: string): readonly string[] => text.split(',').map((asset) => asset.trim());

const numberOr = (text: string): number | string => (/^\d+$/.test(text) ? Number(text) : text);

const splitLabel = (pair: string): readonly [string, string] => {
  const at = pair.indexOf('=');
  if (at < 1) throw new CliError('invalid_request', `label ${pair} is not key=value`, { exitCode: 2 });
  return [pair.slice(0, at), pair.slice(at + 1)];
};

interface ListOptions {
  readonly limit: string;
  readonly cursor?: string;
  readonly inState?: string;
  readonly asset?: string;
  readonly label?: string;
  readonly runKey?: string;
  readonly since?: string;
  readonly until?: string;
}

const list = async (
  { client, output }: CommandContext,
  { asset, inState, ...filters }: ListOptions,
): Promise<void> => {
  const answer = await client().request('GET', '{ws}/runs', {
    query: { ...filters, assetKey: asset, state: inState },
  });
  const { runs, nextCursor } = RunPage.parse(answer);
  output.result(answer, () => {
    const rows = runs.map((run) => [
      run.runId,
      run.state,
      run.createdAt,
      `${run.tasksSucceeded}/${run.taskCount}`,
      String(run.tasksFailed),
    ]);
    const more = nextCursor === undefined ? '' : `\nmore with --cursor ${nextCursor}`;
    return table(['RUN', 'STATE', 'CREATED', 'DONE', 'FAILED'], rows) + more;
  });
};

const get = async (context: CommandContext, runId: string): Promise<void> =>
  showRun(context, await context.client().request('GET', `{ws}/runs/${encodeURIComponent(runId)}`));

const showRun = ({ output }: CommandContext, answer: unknown): void => {
  const run = RunDetail.parse(answer);
  output.result(answer, () => {
    const rows = run.tasks.map((task) => [
      task.taskKey,
      task.state,
      String(task.attempt),
      task.errorMessage ?? '',
    ]);
    return `${paint('bold', run.runId)} ${run.state}\n${table(['TASK', 'STATE', 'ATTEMPT', 'ERROR'], rows)}`;
  });
};

interface RerunOptions extends Omit<StartOptions, 'select' | 'partition' | 'wait' | 'timeout'> {
  readonly fromFailure?: boolean;
  readonly select?: string;
  readonly latest?: boolean;
  readonly force?: boolean;
}

const rerun = async (
  { client, output }: CommandContext,
  runId: string,
  options: RerunOptions,
): Promise<void> => {
  const isSubset = options.select !== undefined;
  const closure = options.upstream === true || options.downstream === true;
  if (isSubset === (options.fromFailure === true) || (closure && !isSubset))
    throw new CliError(
      'usage',
      'choose --from-failure, or --select with --upstream and --downstream as wanted',
      { exitCode: 2 },
    );
  const answer = await client().request('POST', `{ws}/runs/${encodeURIComponent(runId)}/rerun`, {
    body: {
      mode: isSubset ? 'subset' : 'fromFailure',
      ...(options.select === undefined ? {} : { selection: assetsIn(options.select) }),
      includeUpstream: options.upstream === true,
      includeDownstream: options.downstream === true,
      force: options.force === true,
      codeVersion: options.latest === true ? 'latest' : 'parent',
      ...(options.runKey === undefined ? {} : { runKey: options.runKey }),
      labels: Object.fromEntries((options.label ?? []).map(splitLabel)),
    },
  });
  const started = Triggered.parse(answer);
  output.result(answer, () => `${started.created ? 'started' : 'found'} ${paint('bold', started.runId)}`);
};

const Cancelled = z.object({ runId: z.string(), state: z.string() });

const cancel = async (
  { client, output }: CommandContext,
  runId: string,
  body: { readonly reason?: string },
): Promise<void> => {
  const answer = await client().request('POST', `{ws}/runs/${encodeURIComponent(runId)}/cancel`, { body });
  const { state } = Cancelled.parse(answer);
  output.result(answer, () => `${paint('bold', runId)} ${state}`);
};
