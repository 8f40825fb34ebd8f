/** `location list|set|remove`: queues of your own whose workers are sent their tasks, and functions that make them. */
import { Option } from 'commander';
import type { Command } from 'commander';
import * as z from 'zod';
import { LocationCapabilities, LocationLifecycle } from '#contracts/runs/locations.ts';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import type { CommandContext } from '#cli/commands/context.ts';
import { paint, table } from '#cli/output.ts';

const Location = z.object({
  executionLocationId: z.string(),
  kind: z.string(),
  workerQueue: z.string(),
  queueName: z.string().optional(),
  functionName: z.string().optional(),
  lifecycle: z.string().default('active'),
});
const List = z.object({ executionLocations: z.array(Location), queuePrefix: z.string().optional() });

type GetContext = (command: Command) => CommandContext;

/** Adds the commands. */
export const addLocationCommands = (program: Command, contextOf: GetContext): void => {
  const location = program
    .command('location')
    .description(
      'execution locations: SQS queues and Lambda functions that the tasks of a worker queue are sent to',
    );
  location
    .command('list')
    .description('list the locations of the workspace')
    .option('--archived', 'list archived ones, too')
    .action(async ({ archived }: { readonly archived?: true }, command: Command) => {
      const { client, output } = contextOf(command);
      const query = archived ? '?includeArchived=true' : '';
      const answer = await client().request('GET', `{ws}/execution-locations${query}`);
      output.result(answer, () => listTable(List.parse(answer)));
    });
  location
    .command('set <id>')
    .description(
      'send the tasks of a worker queue to an SQS queue or a Lambda function, from the next run on',
    )
    .requiredOption('--queue <name>', 'the worker queue, as assets name it')
    .option('--sqs <name>', 'name of the SQS queue; it begins as `location list` says')
    .option('--function <name>', 'name of the Lambda function; it begins so too')
    .addOption(
      new Option('--lifecycle <word>', 'whether it takes work')
        .choices(LocationLifecycle.options)
        .default('active'),
    )
    .addOption(abilities('--can <what...>', 'what attempts there can do'))
    .addOption(abilities('--cannot <what...>', 'what they cannot; the rest is as the kind has it'))
    .action(async (id: string, wish: Wish, command: Command) => {
      const { client, output } = contextOf(command);
      const body = bodyOf(wish);
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

const abilities = (flags: string, description: string): Option =>
  new Option(flags, description).choices(Object.keys(LocationCapabilities.unwrap().shape));

interface Wish {
  readonly queue: string;
  readonly sqs?: string;
  readonly function?: string;
  readonly lifecycle: LocationLifecycle;
  readonly can?: readonly string[];
  readonly cannot?: readonly string[];
}

const bodyOf = (wish: Wish): object => {
  const { queue: workerQueue, sqs, function: functionName, lifecycle } = wish;
  if ((sqs === undefined) === (functionName === undefined))
    throw usage('name either an SQS queue with --sqs or a Lambda function with --function');
  const place = sqs === undefined ? { kind: 'lambda', functionName } : { queueName: sqs };
  return { workerQueue, lifecycle, ...place, ...capabilitiesOf(wish) };
};

const capabilitiesOf = ({ can = [], cannot = [] }: Wish): object => {
  const both = can.filter((ability) => cannot.includes(ability));
  if (both.length > 0) throw usage(`${both.join(', ')} cannot be both in --can and in --cannot`);
  const capabilities = Object.fromEntries([
    ...can.map((ability) => [ability, true] as const),
    ...cannot.map((ability) => [ability, false] as const),
  ]);
  return can.length + cannot.length === 0 ? {} : { capabilities };
};

const usage = (message: string): CliError => new CliError('usage', message, { exitCode: exitCodes.usage });

const pathOf = (id: string): string => `{ws}/execution-locations/${encodeURIComponent(id)}`;

type Location = z.infer<typeof Location>;

const targetOf = ({ queueName, functionName }: Location): string => queueName ?? functionName ?? '';

const lineOf = (location: Location): string => {
  const { executionLocationId, workerQueue, lifecycle } = location;
  const note = lifecycle === 'active' ? '' : ` (${lifecycle})`;
  return `${paint('bold', executionLocationId)}: tasks of ${workerQueue} are sent to ${targetOf(location)}${note}`;
};

const listTable = ({ executionLocations, queuePrefix }: z.infer<typeof List>): string =>
  [
    table(
      ['LOCATION', 'KIND', 'QUEUE', 'SENT TO', 'LIFECYCLE'],
      executionLocations.map((one) => [
        one.executionLocationId,
        one.kind,
        one.workerQueue,
        targetOf(one),
        one.lifecycle,
      ]),
    ),
    ...(queuePrefix === undefined ? [] : [`names of queues and functions begin with ${queuePrefix}`]),
  ].join('\n');
