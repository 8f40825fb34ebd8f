/** The `sluice` command: parses arguments, runs one command, and turns failures into one line and an exit code. */
import { Command, CommanderError } from 'commander';
import path from 'node:path';
import process from 'node:process';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { addAccessCommands } from '#cli/commands/access.ts';
import { addBackupCommands } from '#cli/commands/backup.ts';
import { commandContext } from '#cli/commands/context.ts';
import type { CommandContext, GlobalOptions } from '#cli/commands/context.ts';
import { addDoctorCommand } from '#cli/commands/doctor.ts';
import { addEngineCommands } from '#cli/commands/engine.ts';
import { addFeedCommands } from '#cli/commands/feeds.ts';
import { addLayerCommands } from '#cli/commands/layers.ts';
import { addLocationCommands } from '#cli/commands/locations.ts';
import { addLimitCommands } from '#cli/commands/limits.ts';
import { addMarketCommands } from '#cli/commands/market.ts';
import { addPartitionCommands } from '#cli/commands/partitions.ts';
import { addRebuildCommand } from '#cli/commands/rebuild.ts';
import { addReconcileCommand } from '#cli/commands/reconcile.ts';
import { addRunCommands } from '#cli/commands/runs.ts';
import { addStatusCommands } from '#cli/commands/status.ts';
import { addUpCommand } from '#cli/commands/up.ts';
import { addWorkerCommand } from '#cli/commands/worker.ts';
import { DEFAULT_STATE_DIR } from '#cli/discovery.ts';

const root = path.resolve(import.meta.dirname, '..');

/** Runs one command line; answers the exit code: 0 done, 1 unexpected, 2 usage, 3 port or state. */
export const main = async (argv: readonly string[]): Promise<number> => {
  const isJson = argv.includes('--json');
  try {
    await program(isJson).parseAsync([...argv]);
    return exitCodes.done;
  } catch (error) {
    return explain(error, isJson);
  }
};

const program = (isJson: boolean): Command => {
  const command = new Command('sluice')
    .description('durable, replayable orchestration on AWS serverless')
    .version('0.1.0')
    .option('--json', 'print one JSON document a line')
    .option('--state <dir>', 'state directory of the local stack', DEFAULT_STATE_DIR)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    // With --json a usage error is written by `explain`, as one JSON document.
    .configureOutput(isJson ? { outputError: () => undefined } : {});
  const contextOf = (sub: Command): CommandContext => commandContext(sub.optsWithGlobals<GlobalOptions>());
  addUpCommand(command, root);
  addStatusCommands(command, contextOf);
  addRunCommands(command, contextOf);
  addPartitionCommands(command, contextOf);
  addLimitCommands(command, contextOf);
  addLocationCommands(command, contextOf);
  addFeedCommands(command, contextOf);
  addAccessCommands(command, contextOf);
  addEngineCommands(command);
  addLayerCommands(command, contextOf);
  addMarketCommands(command, contextOf);
  addWorkerCommand(command, contextOf);
  addRebuildCommand(command, contextOf);
  addReconcileCommand(command, contextOf);
  addBackupCommands(command, contextOf);
  addDoctorCommand(command, { root, contextOf });
  for (const sub of allCommands(command)) sub.exitOverride();
  return command;
};

const allCommands = (command: Command): readonly Command[] =>
  command.commands.flatMap((sub) => [sub, ...allCommands(sub)]);

const explain = (error: unknown, isJson: boolean): number => {
  if (error instanceof CommanderError) {
    // Help that was asked for ends with 0; without --json Commander has already said what is wrong otherwise.
    if (error.exitCode === 0) return exitCodes.done;
    if (isJson)
      process.stderr.write(
        `${JSON.stringify({ code: 'usage', message: error.message.replace(/^error: /, '') })}\n`,
      );
    return exitCodes.usage;
  }
  if (error instanceof CliError) {
    const { code, message, details } = error;
    process.stderr.write(isJson ? `${JSON.stringify({ code, message, details })}\n` : `${text(error)}\n`);
    return error.exitCode;
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    isJson ? `${JSON.stringify({ code: 'unexpected', message })}\n` : `unexpected: ${message}\n`,
  );
  return exitCodes.unexpected;
};

interface Fault {
  readonly path: string;
  readonly message: string;
}

const text = ({ code, message, details }: CliError): string => {
  const { faults, issues } = (details ?? {}) as { faults?: readonly Fault[]; issues?: readonly Fault[] };
  const lines = (faults ?? issues ?? []).map(
    ({ path, message }) => `  ${path === '' ? '' : `${path}: `}${message}`,
  );
  return [`${code}: ${message}`, ...lines].join('\n');
};
