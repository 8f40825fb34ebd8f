/** `feed update|start|drain|stop`: a feed through its life. */
import type { Command } from 'commander';
import type { CommandContext } from '#cli/commands/context.ts';
import { readDocument } from '#cli/commands/read-document.ts';
import { paint } from '#cli/output.ts';

type GetContext = (command: Command) => CommandContext;

const moves = {
  start: 'start a feed that was created or drained (role operator)',
  drain: 'stop the planning of a feed; what was planned is run (role operator)',
  stop: 'end a feed for good (role operator)',
} as const;

/** Adds the commands to `feed`. */
export const addLifecycleCommands = (feed: Command, contextOf: GetContext): void => {
  feed
    .command('update <feedId> <file>')
    .description('change the configuration of a drained feed (JSON or YAML); it is started with feed start')
    .action(async (feedId: string, file: string, _options: unknown, command: Command) =>
      update(contextOf(command), feedId, file),
    );
  for (const [move, text] of Object.entries(moves))
    feed
      .command(`${move} <feedId>`)
      .description(text)
      .action(async (feedId: string, _options: unknown, command: Command) =>
        moveFeed(contextOf(command), feedId, move),
      );
};

const stateOf = (answer: unknown): string => String((answer as { readonly state: unknown }).state);

/** A feed that is not there is not created: its name may have been mistyped. */
const update = async ({ client, output }: CommandContext, feedId: string, file: string): Promise<void> => {
  const path = `{ws}/feeds/${encodeURIComponent(feedId)}`;
  const body = readDocument(file);
  await client().request('GET', path);
  const answer = await client().request('PUT', path, { body });
  output.result(answer, () => `feed ${paint('bold', feedId)} is ${stateOf(answer)} with this configuration`);
};

const moveFeed = async ({ client, output }: CommandContext, feedId: string, move: string): Promise<void> => {
  const answer = await client().request('POST', `{ws}/feeds/${encodeURIComponent(feedId)}/${move}`);
  output.result(answer, () => `feed ${paint('bold', feedId)} is ${stateOf(answer)}`);
};
