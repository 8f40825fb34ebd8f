/** `status` and `tail`: what runs here, and what happens in it. */
import type { Command } from 'commander';
import { setTimeout as pause } from 'node:timers/promises';
import * as z from 'zod';
import type { CommandContext } from '#cli/commands/context.ts';
import { untilStopped } from '#cli/commands/until-stopped.ts';
import type { Endpoint } from '#cli/discovery.ts';
import { paint, table } from '#cli/output.ts';

type GetContext = (command: Command) => CommandContext;

/** Adds the commands. */
export const addStatusCommands = (program: Command, contextOf: GetContext): void => {
  program
    .command('status')
    .description('show where the stack listens, whether it is ready, and what it is called')
    .action(async (_options: unknown, command: Command) => status(contextOf(command)));
  program
    .command('tail')
    .description('follow runs and engine runs of the workspace as they change')
    .option('--once', 'print what is there and stop')
    .action(async (options: { readonly once?: boolean }, command: Command) =>
      options.once === true
        ? tail(contextOf(command))
        : untilStopped((signal) => tail(contextOf(command), signal)),
    );
};

type Status = Partial<Endpoint> & {
  readonly url: string;
  readonly workspace: string;
  readonly ready: boolean;
};

const status = async ({ target, client, output }: CommandContext): Promise<void> => {
  const { url, workspace, endpoint } = target();
  const health = z.object({ status: z.string() }).parse(await client().request('GET', '/ready'));
  const value: Status = { url, workspace, ready: health.status === 'ready', ...endpoint };
  output.result(value, () => {
    const { names, ...places } = value;
    const rows = Object.entries(places).map(([name, text]) => [name, String(text)]);
    const called = Object.entries(names ?? {}).flatMap(([kind, list]) =>
      list.map((name, index) => [index === 0 ? kind : '', name]),
    );
    return table(['WHAT', 'VALUE'], [...rows, ...called]);
  });
};

const RunItems = z.object({ runs: z.array(z.object({ runId: z.string(), state: z.string() })) });
const FeedItems = z.object({ feeds: z.array(z.object({ feedId: z.string() })) });
const EngineRuns = z.object({
  runs: z.array(
    z.object({ run_id: z.string(), symbol: z.string(), status: z.string(), engine_timestamp_ms: z.int() }),
  ),
});

const POLL_MS = 1_000;
const NEWEST = 50;

interface Line {
  readonly id: string;
  readonly state: string;
  readonly text: string;
}

/** Tells changes until the signal; without one, what is there now. */
const tail = async (context: CommandContext, signal?: AbortSignal): Promise<void> => {
  const seen = new Map<string, string>();
  do {
    for (const line of await currentLines(context)) {
      if (seen.get(line.id) === line.state) continue;
      seen.set(line.id, line.state);
      context.output.result({ id: line.id, state: line.state }, () => line.text);
    }
    if (signal) await pause(POLL_MS, undefined, { signal }).catch(() => undefined);
  } while (signal?.aborted === false);
};

const currentLines = async ({ client }: CommandContext): Promise<readonly Line[]> => {
  const { runs } = RunItems.parse(await client().request('GET', '{ws}/runs', { query: { limit: NEWEST } }));
  const { feeds } = FeedItems.parse(await client().request('GET', '{ws}/feeds'));
  const lines: Line[] = runs.map(({ runId, state }) => ({
    id: runId,
    state,
    text: `${paint('cyan', runId)} ${state}`,
  }));
  for (const { feedId } of feeds) {
    const page = EngineRuns.parse(
      await client().request('GET', `{ws}/feeds/${feedId}/runs`, { query: { limit: NEWEST } }),
    );
    for (const run of page.runs.toReversed())
      lines.push({
        id: run.run_id,
        state: run.status,
        text: `${paint('cyan', feedId)} ${run.symbol} ${new Date(run.engine_timestamp_ms).toISOString()} ${run.status}`,
      });
  }
  return lines;
};
