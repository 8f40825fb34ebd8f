/** `feed list|get|create|resume`, and where the other commands of market feeds are added. */
import type { Command } from 'commander';
import * as z from 'zod';
import type { CommandContext } from '#cli/commands/context.ts';
import { addLifecycleCommands } from '#cli/commands/feed-lifecycle.ts';
import { addReplayCommands } from '#cli/commands/feed-replay.ts';
import { addFeedDashboardCommand } from '#cli/commands/feed-dashboard.ts';
import { addFeedLayerCommands } from '#cli/commands/feed-layers.ts';
import { addSimulateCommand } from '#cli/commands/feed-simulate.ts';
import { readDocument } from '#cli/commands/read-document.ts';
import { paint, table } from '#cli/output.ts';

const FeedItem = z.object({
  feedId: z.string(),
  state: z.string(),
  recordCount: z.int(),
  tickCount: z.int(),
  lastTickMs: z.int().nullable(),
  halts: z
    .array(
      z.object({ symbol: z.string(), status: z.string(), blockedSinceMs: z.int(), errorDetail: z.string() }),
    )
    .optional(),
});
const FeedPage = z.object({ feeds: z.array(FeedItem), nextCursor: z.string().optional() });

type GetContext = (command: Command) => CommandContext;

/** Adds the commands. */
export const addFeedCommands = (program: Command, contextOf: GetContext): void => {
  const feed = program.command('feed').description('market feeds');
  feed
    .command('list')
    .description('list the feeds of the workspace')
    .action(async (_options: unknown, command: Command) => list(contextOf(command)));
  feed
    .command('get <feedId>')
    .description('show one feed as the ledger has it')
    .action(async (feedId: string, _options: unknown, command: Command) => get(contextOf(command), feedId));
  feed
    .command('create <feedId> <file>')
    .description('create and start a feed from its configuration (JSON or YAML)')
    .action(async (feedId: string, file: string, _options: unknown, command: Command) =>
      create(contextOf(command), feedId, file),
    );
  feed
    .command('resume <feedId>')
    .description('let the halted deliveries of a feed go on (role approver)')
    .requiredOption('--reason <text>', 'why they may go on; it is kept in the history of the feed')
    .action(async (feedId: string, { reason }: { readonly reason: string }, command: Command) =>
      resume(contextOf(command), feedId, reason),
    );
  addLifecycleCommands(feed, contextOf);
  addReplayCommands(feed, contextOf);
  addSimulateCommand(feed, contextOf);
  addFeedLayerCommands(feed, contextOf);
  addFeedDashboardCommand(feed, contextOf);
};

const instant = (atMs: number | null): string => (atMs === null ? 'none yet' : new Date(atMs).toISOString());

const list = async ({ client, output }: CommandContext): Promise<void> => {
  const answer = await client().request('GET', '{ws}/feeds');
  const { feeds } = FeedPage.parse(answer);
  output.result(answer, () =>
    table(
      ['FEED', 'STATE', 'RECORDS', 'TICKS', 'LAST TICK'],
      feeds.map((item) => [
        item.feedId,
        item.state,
        String(item.recordCount),
        String(item.tickCount),
        instant(item.lastTickMs),
      ]),
    ),
  );
};

const get = async ({ client, output }: CommandContext, feedId: string): Promise<void> => {
  const answer = await client().request('GET', `{ws}/feeds/${encodeURIComponent(feedId)}`);
  const feed = FeedItem.parse(answer);
  output.result(answer, () =>
    [
      `${paint('bold', feed.feedId)} ${feed.state}`,
      `records  ${feed.recordCount}`,
      `ticks    ${feed.tickCount}, the last planned for ${instant(feed.lastTickMs)}`,
      ...(feed.halts ?? []).map(
        ({ symbol, status, blockedSinceMs, errorDetail }) =>
          `${status.padEnd(9)}${symbol} since ${instant(blockedSinceMs)}: ${errorDetail}`,
      ),
    ].join('\n'),
  );
};

const create = async ({ client, output }: CommandContext, feedId: string, file: string): Promise<void> => {
  const answer = await client().request('PUT', `{ws}/feeds/${encodeURIComponent(feedId)}`, {
    body: readDocument(file),
  });
  output.result(answer, () => `feed ${paint('bold', feedId)} is ${FeedItem.parse(answer).state}`);
};

const resume = async ({ client, output }: CommandContext, feedId: string, reason: string): Promise<void> => {
  const answer = await client().request('POST', `{ws}/feeds/${encodeURIComponent(feedId)}/resume`, {
    body: { reason },
  });
  output.result(answer, () => `feed ${paint('bold', feedId)} goes on`);
};
