/** `partition list|summary`, `asset list`, `schedule list`: what is deployed and how its partitions stand. */
import type { Command } from 'commander';
import * as z from 'zod';
import type { CommandContext } from '#cli/commands/context.ts';
import { paint, table } from '#cli/output.ts';

const PartitionPage = z.object({
  partitions: z.array(
    z.object({
      assetKey: z.string(),
      partitionKey: z.string(),
      state: z.string(),
      staleReason: z.string().optional(),
      lastMaterializationAt: z.string().optional(),
    }),
  ),
  nextCursor: z.string().optional(),
});
const Summary = z.object({
  totalPartitions: z.int(),
  materializedPartitions: z.int(),
  stalePartitions: z.int(),
  missingPartitions: z.int(),
});
const Known = z.object({ state: z.string(), removedAt: z.string().optional() });
const AssetPage = z.object({
  assets: z.array(Known.extend({ assetKey: z.string(), upstreamAssetKeys: z.array(z.string()).default([]) })),
  nextCursor: z.string().optional(),
});
const SchedulePage = z.object({
  schedules: z.array(Known.extend({ scheduleId: z.string(), cronExpression: z.string().default('') })),
  nextCursor: z.string().optional(),
});

type GetContext = (command: Command) => CommandContext;

/** Adds the commands. */
export const addPartitionCommands = (program: Command, contextOf: GetContext): void => {
  const partition = program.command('partition').description('partitions of assets');
  paged(partition.command('list'))
    .description('list partitions by asset and key, and whether they are stale')
    .option('--asset <key>', 'only those of this asset')
    .option('--stale', 'only what is stale')
    .action(async (options: ListOptions, command: Command) => list(contextOf(command), options));
  partition
    .command('summary <asset>')
    .description('count the partitions of an asset by how they stand')
    .action(async (asset: string, _options: unknown, command: Command) =>
      summarize(contextOf(command), asset),
    );
  paged(program.command('asset').description('assets that are or were deployed').command('list'))
    .description('list assets by key; removed ones say since when')
    .action(async (options: PageOptions, command: Command) => listAssets(contextOf(command), options));
  paged(program.command('schedule').description('schedules of the manifest').command('list'))
    .description('list schedules by id; removed ones say since when')
    .action(async (options: PageOptions, command: Command) => listSchedules(contextOf(command), options));
};

const paged = (command: Command): Command =>
  command
    .option('--limit <count>', 'entries on the page, 1 to 200', '50')
    .option('--cursor <cursor>', 'where the last page ended');

interface PageOptions {
  readonly limit: string;
  readonly cursor?: string;
}

interface ListOptions extends PageOptions {
  readonly asset?: string;
  readonly stale?: boolean;
}

const more = (nextCursor: string | undefined): string =>
  nextCursor === undefined ? '' : `\nmore with --cursor ${nextCursor}`;

const list = async (
  { client, output }: CommandContext,
  { asset, stale, ...page }: ListOptions,
): Promise<void> => {
  const query = { ...page, assetKey: asset, staleOnly: stale === true ? 'true' : undefined };
  const answer = await client().request('GET', '{ws}/partitions', { query });
  const { partitions, nextCursor } = PartitionPage.parse(answer);
  output.result(answer, () => {
    const rows = partitions.map((item) => [
      item.assetKey,
      item.partitionKey,
      item.state,
      item.staleReason ?? '',
      item.lastMaterializationAt ?? '',
    ]);
    return table(['ASSET', 'PARTITION', 'STATE', 'STALE', 'MATERIALIZED'], rows) + more(nextCursor);
  });
};

const summarize = async ({ client, output }: CommandContext, asset: string): Promise<void> => {
  // A slash would be a segment of the path of its own.
  const assetKey = encodeURIComponent(asset.replace('/', '.'));
  const answer = await client().request('GET', `{ws}/assets/${assetKey}/partitions/summary`);
  const counts = Summary.parse(answer);
  output.result(
    answer,
    () =>
      `${paint('bold', asset)} ${counts.totalPartitions} partitions: ${counts.materializedPartitions} materialized, ` +
      `${counts.stalePartitions} of them stale, ${counts.missingPartitions} missing`,
  );
};

const listAssets = async ({ client, output }: CommandContext, query: PageOptions): Promise<void> => {
  const answer = await client().request('GET', '{ws}/assets', { query: { ...query } });
  const { assets, nextCursor } = AssetPage.parse(answer);
  output.result(answer, () => {
    const rows = assets.map((asset) => [
      asset.assetKey,
      asset.state,
      asset.upstreamAssetKeys.join(' '),
      asset.removedAt ?? '',
    ]);
    return table(['ASSET', 'STATE', 'NEEDS', 'REMOVED'], rows) + more(nextCursor);
  });
};

const listSchedules = async ({ client, output }: CommandContext, query: PageOptions): Promise<void> => {
  const answer = await client().request('GET', '{ws}/schedules', { query: { ...query } });
  const { schedules, nextCursor } = SchedulePage.parse(answer);
  output.result(answer, () => {
    const rows = schedules.map((schedule) => [
      schedule.scheduleId,
      schedule.state,
      schedule.cronExpression,
      schedule.removedAt ?? '',
    ]);
    return table(['SCHEDULE', 'STATE', 'CRON', 'REMOVED'], rows) + more(nextCursor);
  });
};
