/** `limit list|get|set|remove`: how many attempts may be under way at once. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import * as z from 'zod';
import type { CommandContext } from '#cli/commands/context.ts';
import { table } from '#cli/output.ts';

const Item = z.object({
  limitId: z.string(),
  capacity: z.int().optional(),
  source: z.string().optional(),
  held: z.int(),
  waiting: z.int(),
});
const List = z.object({ limits: z.array(Item) });
const attempt = { runId: z.string(), taskKey: z.string(), attempt: z.int() };
const Detail = z.object({
  ...Item.shape,
  holders: z.array(z.object({ ...attempt, grantedAt: z.string() })),
  waiters: z.array(z.object({ ...attempt, position: z.int(), priority: z.int(), requestedAt: z.string() })),
});

type GetContext = (command: Command) => CommandContext;

/** Adds the commands. */
export const addLimitCommands = (program: Command, contextOf: GetContext): void => {
  const limit = program
    .command('limit')
    .description('limits of concurrency: workspace, queue:NAME, key:NAME');
  limit
    .command('list')
    .description('list the limits that are set')
    .action(async (_options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const answer = await client().request('GET', '{ws}/limits');
      output.result(answer, () => listTable(List.parse(answer)));
    });
  limit
    .command('get <limitId>')
    .description('show a limit with its holders and its queue')
    .action(async (limitId: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const answer = await client().request('GET', pathOf(limitId));
      output.result(answer, () => detailTable(Detail.parse(answer)));
    });
  limit
    .command('set')
    .argument('<limitId>')
    .argument('<capacity>', 'attempts under way at once; 0 lets none begin', wholeNumber)
    .description('let so many attempts be under way at once; 0 lets none begin')
    .action(async (limitId: string, capacity: number, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const answer = await client().request('PUT', pathOf(limitId), { body: { capacity } });
      output.result(answer, () => lineOf(Item.parse(answer)));
    });
  limit
    .command('remove <limitId>')
    .description('remove a limit that was set; what the manifest declares holds again, or all who wait go')
    .action(async (limitId: string, _options: unknown, command: Command) => {
      const { client, output } = contextOf(command);
      const answer = await client().request('DELETE', pathOf(limitId));
      output.result(answer, () => lineOf(Item.parse(answer)));
    });
};

const pathOf = (limitId: string): string => `{ws}/limits/${encodeURIComponent(limitId)}`;

type Item = z.infer<typeof Item>;

/** The range is the API's to name. */
const wholeNumber = (text: string): number => {
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('give a whole number, for example 4');
};

const capacityOf = ({ capacity }: Item): string => (capacity === undefined ? 'none' : String(capacity));

const lineOf = (item: Item): string =>
  `limit ${item.limitId}: capacity ${capacityOf(item)}, ${item.held} held, ${item.waiting} waiting`;

const listTable = ({ limits }: z.infer<typeof List>): string =>
  table(
    ['LIMIT', 'CAPACITY', 'SET BY', 'HELD', 'WAITING'],
    limits.map((item) => [
      item.limitId,
      capacityOf(item),
      item.source ?? '',
      String(item.held),
      String(item.waiting),
    ]),
  );

const detailTable = (detail: z.infer<typeof Detail>): string => {
  const rows = [
    ...detail.holders.map(({ grantedAt, ...one }) => ['held', ...attemptOf(one), '', grantedAt]),
    ...detail.waiters.map(({ position, priority, requestedAt, ...one }) => [
      String(position),
      ...attemptOf(one),
      String(priority),
      requestedAt,
    ]),
  ];
  return `${lineOf(detail)}\n${table(['PLACE', 'RUN', 'TASK', 'ATTEMPT', 'PRIORITY', 'SINCE'], rows)}`;
};

const attemptOf = (one: z.infer<z.ZodObject<typeof attempt>>): readonly string[] => [
  one.runId,
  one.taskKey,
  String(one.attempt),
];
