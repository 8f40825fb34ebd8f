/** `location list|set|remove`: queues of your own whose workers are sent their tasks. */
import type { Command } from 'commander';
import * as z from 'zod';
import type { CommandContext } from '#cli/commands/context.ts';
import { paint, table } from '#cli/output.ts';

const Location = z.object({
  executionLocationId: z.string(),
  kind: z.string(),
  workerQueue: z.string(),
  queueName: z.string(),
});
const List = z.object({ executionLocations: z.array(Location), queuePrefix: z.string().optional() });

type GetContext = (command: Command) => CommandContext;

/** Adds the commands. */
export const addLocationCommands = (program: Command, contextOf: GetContext): void => {
  const location = program
    .command('location')
    .description('execution locations: SQS queues whose workers are sent the tasks of a worker queue');
  location
    .command('list')
    .description('list the locations of the workspace')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const answer = await client().request('GET', '{ws}/execution-locations');
      output.result(answer, () => listTable(List.parse(answer)));
    });
  location
    .command('set <id>')
    .description('send the tasks of a worker queue to an SQS queue, from the next run on')
    .requiredOption('--queue <name>', 'the worker queue, as assets name it')
    .requiredOption('--sqs <name>', 'name of the SQS queue; it begins as `location list` says')
    .action(async (id: string, { queue, sqs }: { queue: string; sqs: string }, command: Command) => {
      const { client, output } = contextOf(command);
      const body = { workerQueue: queue, queueName: sqs };
      const answer = await client().request('PUT', pathOf(id), { body });
      output.result(answer, () => lineOf(Location.parse(answer)));
    });
  location
    .command('remove <id>')
    .description('offer the tasks of its worker queue to claims again, from the next run on')
    .action(async (id: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const answer = await client().request('DELETE', pathOf(id));
      output.result(answer, () => `removed ${paint('bold', id)}`);
    });
};

const pathOf = (id: string): string => `{ws}/execution-locations/${encodeURIComponent(id)}`;

type Location = z.infer<typeof Location>;

const lineOf = ({ executionLocationId, workerQueue, queueName }: Location): string =>
  `${paint('bold', executionLocationId)}: tasks of ${workerQueue} are sent to ${queueName}`;

const listTable = ({ executionLocations, queuePrefix }: z.infer<typeof List>): string =>
  [
    table(
      ['LOCATION', 'KIND', 'QUEUE', 'SQS QUEUE'],
      executionLocations.map((one) => [one.executionLocationId, one.kind, one.workerQueue, one.queueName]),
    ),
    ...(queuePrefix === undefined ? [] : [`names of queues begin with ${queuePrefix}`]),
  ].join('\n');
