/** `backup` and `restore`: the ledger and its bodies in one file. */
import type { Command } from 'commander';
import { CliError } from '#cli/cli-error.ts';
import type { CommandContext } from '#cli/commands/context.ts';
import { addStoreOptions } from '#cli/commands/store-options.ts';
import type { StoreOptions } from '#cli/commands/store-options.ts';

type GetContext = (command: Command) => CommandContext;

/** Adds the commands. */
export const addBackupCommands = (program: Command, contextOf: GetContext): void => {
  addStoreOptions(
    program
      .command('backup')
      .description('write every commit and body of the stage into one file')
      .argument('<file>'),
  ).action(async (file: string, options: StoreOptions, sub: Command) =>
    backup(contextOf(sub), options, file),
  );
  addStoreOptions(
    program
      .command('restore')
      .description('put a backup into an empty ledger and wait for the read models')
      .argument('<file>'),
  ).action(async (file: string, options: StoreOptions, sub: Command) =>
    restore(contextOf(sub), options, file),
  );
};

const backup = async (
  { output, stateDir }: CommandContext,
  { stage, aws }: StoreOptions,
  file: string,
): Promise<void> => {
  const { withStores } = await import('#cli/offline/stores.ts');
  const { backup: takeBackup } = await import('#cli/offline/backup.ts');
  const report = await withStores({ stateDir, stage, isAws: aws === true }, (stores) =>
    takeBackup(stores, file),
  );
  output.result({ file, ...report }, () =>
    [
      `${report.itemCount} items and ${report.blobCount} bodies in ${file}, as of ${report.createdAt}`,
      ...(report.laterCommitCount === 0 ? [] : [`${report.laterCommitCount} later commits are not in it`]),
    ].join('\n'),
  );
};

const restore = async (
  { output, stateDir }: CommandContext,
  { stage, aws }: StoreOptions,
  file: string,
): Promise<void> => {
  const { withStores } = await import('#cli/offline/stores.ts');
  const { restore: restoreBackup } = await import('#cli/offline/restore.ts');
  const { awaitStage, viewsText } = await import('#cli/offline/views.ts');
  const { report, views } = await withStores({ stateDir, stage, isAws: aws === true }, async (stores) => {
    const done = await restoreBackup(stores, file);
    output.note(`${done.itemCount} items and ${done.blobCount} bodies restored; waiting for the read models`);
    return { report: done, views: await awaitStage(stores) };
  });
  output.result({ file, ...report, views }, () =>
    [
      `restored what ${file} held as of ${report.createdAt}`,
      ...(report.cutItemCount === 0
        ? []
        : [`left out ${report.cutItemCount} items behind gaps of their streams`]),
      viewsText(views),
    ].join('\n'),
  );
  if (!views.isEqual)
    throw new CliError('views_differ', 'the read models have not caught up with the ledger');
};
