/** `run logs`: what the tasks of a run have written. */
import process from 'node:process';
import type { Command } from 'commander';
import { nextCursorHeaders } from '#contracts/runs/task-log.ts';
import type { CommandContext } from '#cli/commands/context.ts';

type GetContext = (command: Command) => CommandContext;

/** Adds the commands below `run`. */
export const addRunTraceCommands = (run: Command, contextOf: GetContext): void => {
  run
    .command('logs <runId>')
    .description('print the logs of a run, by task and attempt')
    .option('--task <key>', 'only those of this task')
    .action(async (runId: string, { task }: { readonly task?: string }, command: Command) =>
      logs(contextOf(command), runId, task),
    );
};

/** Every page, as it comes; with `--json` one document for each. */
const logs = async (
  { client, output }: CommandContext,
  runId: string,
  taskKey: string | undefined,
): Promise<void> => {
  const [nextCursor] = nextCursorHeaders;
  let cursor: string | undefined;
  do {
    const path = `{ws}/runs/${encodeURIComponent(runId)}/logs`;
    const response = await client().open('GET', path, { query: { taskKey, cursor } });
    const text = await response.text();
    cursor = response.headers.get(nextCursor) ?? undefined;
    if (output.isJson) output.result({ text }, () => text);
    else process.stdout.write(text);
  } while (cursor !== undefined);
};
