/** `feed dashboard FEED`: how a feed and its layers are doing, once or again and again. */
import type { Command } from 'commander';
import type { CommandContext } from '#cli/commands/context.ts';
import { milliseconds } from '#cli/commands/milliseconds.ts';
import { untilStopped } from '#cli/commands/until-stopped.ts';
import { dashboardFrame } from '#cli/dashboard/frame.ts';
import { wholeDashboard } from '#cli/feed/layer-pages.ts';

interface DashboardOptions {
  readonly follow?: boolean;
  readonly every: number;
}

/** Adds the command. */
export const addFeedDashboardCommand = (
  feed: Command,
  contextOf: (command: Command) => CommandContext,
): void => {
  feed
    .command('dashboard <feedId>')
    .description('show how a feed and its layers are doing')
    .option('--follow', 'draw it again and again, until stopped')
    .option('--every <ms>', 'with --follow, from one reading to the next', milliseconds, 5_000)
    .action(async (feedId: string, { follow, every }: DashboardOptions, command: Command) => {
      const { client, output } = contextOf(command);
      const http = client();
      const read = (): Promise<object> =>
        wholeDashboard(http, `{ws}/feeds/${encodeURIComponent(feedId)}/dashboard`);
      const frameOf = (model: unknown): string =>
        output.isJson ? JSON.stringify(model) : dashboardFrame(feedId, model);
      if (follow !== true) {
        const model = await read();
        output.result(model, () => frameOf(model));
        return;
      }
      const { followDashboard } = await import('#cli/dashboard/follow.ts');
      const isScreen = !output.isJson;
      await untilStopped((signal) => followDashboard({ read, frameOf, everyMs: every, isScreen, signal }));
    });
};
