/** `rebuild`: makes the read models what the ledger says, or tells where they differ. */
import type { Command } from 'commander';
import { CliError } from '#cli/cli-error.ts';
import type { CommandContext } from '#cli/commands/context.ts';
import { addStoreOptions } from '#cli/commands/store-options.ts';
import type { StoreOptions } from '#cli/commands/store-options.ts';

interface RebuildOptions extends StoreOptions {
  readonly verify?: boolean;
}

/** Adds the command. */
export const addRebuildCommand = (
  program: Command,
  contextOf: (command: Command) => CommandContext,
): void => {
  const command = program
    .command('rebuild')
    .description('fold the ledger into fresh read models, and repair the live ones where they differ')
    .option('--verify', 'only compare; exit code 1 when a row differs');
  addStoreOptions(command).action(async (options: RebuildOptions, sub: Command) => {
    const { output, stateDir } = contextOf(sub);
    // The AWS clients take a while to load: only these commands pay for them.
    const { withStores } = await import('#cli/offline/stores.ts');
    const { rebuildStage, verifyStage, viewsText } = await import('#cli/offline/views.ts');
    const report = await withStores(
      { stateDir, stage: options.stage, isAws: options.aws === true },
      options.verify === true ? verifyStage : rebuildStage,
    );
    output.result(report, () => viewsText(report));
    if (!report.isEqual) throw new CliError('views_differ', 'the read models differ from the ledger');
  });
};
