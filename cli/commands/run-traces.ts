/** `run logs|events`: what the tasks of a run have written, and what happened. */
import process from 'node:process';
import type { Command } from 'commander';
import * as z from 'zod';
import { nextCursorHeaders } from '#contracts/runs/task-log.ts';
import type { CommandContext } from '#cli/commands/context.ts';
import { serverSentEvents } from '#cli/server-sent-events.ts';

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
  run
    .command('events <runId>')
    .description('print the numbered events of a run')
    .option('--after <sequence>', 'only those behind this number', '0')
    .option('--follow', 'go on until the run has ended')
    .action(async (runId: string, options: EventOptions, command: Command) =>
      events(contextOf(command), runId, options),
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

interface EventOptions {
  readonly after: string;
  readonly follow?: boolean;
}

const Event = z.object({
  sequence: z.int(),
  type: z.string(),
  occurredAt: z.string(),
  data: z.object({ taskKey: z.string().optional(), attempt: z.int().optional() }),
});
const EventPage = z.object({ events: z.array(z.unknown()) });
const PAGE_MAX = 200;

/** One line for each event, in order; with `--json` one document. */
const events = async (
  context: CommandContext,
  runId: string,
  { after, follow }: EventOptions,
): Promise<void> => {
  const path = `{ws}/runs/${encodeURIComponent(runId)}/events`;
  const show = (answer: unknown): void => {
    const { sequence, occurredAt, type, data } = Event.parse(answer);
    const { taskKey = '', attempt } = data;
    const subject = attempt === undefined ? taskKey : `${taskKey}#${attempt}`;
    context.output.result(answer, () => `${sequence} ${occurredAt} ${type} ${subject}`.trimEnd());
  };
  if (follow === true) {
    for await (const { data } of serverSentEvents(context.client(), `${path}/stream`, after))
      show(JSON.parse(data));
    return;
  }
  for (let behind = after; ;) {
    const page = EventPage.parse(
      await context.client().request('GET', path, { query: { after: behind, limit: PAGE_MAX } }),
    );
    page.events.forEach(show);
    if (page.events.length < PAGE_MAX) return;
    behind = String(Event.parse(page.events.at(-1)).sequence);
  }
};
