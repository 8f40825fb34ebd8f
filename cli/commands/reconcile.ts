/** `reconcile`: asks for every read model and output that is behind the ledger. */
import type { Command } from 'commander';
import { CliError } from '#cli/cli-error.ts';
import type { CommandContext } from '#cli/commands/context.ts';
import { addStoreOptions } from '#cli/commands/store-options.ts';
import type { StoreOptions } from '#cli/commands/store-options.ts';

/** Adds the command. */
export const addReconcileCommand = (
  program: Command,
  contextOf: (command: Command) => CommandContext,
): void => {
  const command = program
    .command('reconcile')
    .description('find streams whose read models or outputs are behind the ledger, and have them caught up');
  addStoreOptions(command).action(async (options: StoreOptions, sub: Command) => {
    const { output, stateDir } = contextOf(sub);
    // The AWS clients take a while to load: only these commands pay for them.
    const { withStores } = await import('#cli/offline/stores.ts');
    const { reconcileStage, reconciliationText } = await import('#cli/offline/reconciliation.ts');
    const report = await withStores(
      { stateDir, stage: options.stage, isAws: options.aws === true },
      reconcileStage,
    );
    output.result(report, () => reconciliationText(report));
    if (report.left.length > 0)
      throw new CliError('streams_behind', `${report.left.length} streams are still behind the ledger`);
  });
};
