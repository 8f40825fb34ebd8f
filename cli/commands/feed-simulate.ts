/** `feed simulate`: what a feed would publish of a recorded buffer, without a stack. */
import type { Command } from 'commander';
import process from 'node:process';
import type { CommandContext } from '#cli/commands/context.ts';
import { openLog } from '#cli/commands/open-log.ts';
import { documentOf } from '#cli/commands/read-document.ts';

interface SimulateOptions {
  readonly config?: string;
  readonly log: string;
  readonly records?: boolean;
}

/** Adds the command to `feed`. */
export const addSimulateCommand = (feed: Command, contextOf: (command: Command) => CommandContext): void => {
  feed
    .command('simulate')
    .description('print what a feed would publish of a recorded buffer, as JSON lines, without a stack')
    .option('--config <file>', 'scheduler and engine (JSON or YAML); a captured feed brings its own')
    .requiredOption(
      '--log <file>',
      'RawInputBufferRecords in order or a captured feed, one a line, plain or gzip; - is standard input',
    )
    .option('--records', 'print one record per planned run instead of its events')
    .action(async (options: SimulateOptions, command: Command) => simulate(contextOf(command), options));
};

const simulate = async (
  { output }: CommandContext,
  { config, log, records }: SimulateOptions,
): Promise<void> => {
  const { answerLines } = await import('#cli/files/answer-lines.ts');
  const { simulateLines, unknownMembers } = await import('#cli/files/simulate.ts');
  const given = documentOf(config);
  const lines = simulateLines(given, records === true);
  const unknown = unknownMembers(given);
  if (unknown.length > 0) output.note(`these members of ${config} do nothing: ${unknown.join(', ')}`);
  await answerLines(await openLog(log), process.stdout, lines);
  // What stands on standard output are events alone.
  const outputHash = lines.outputHash();
  if (outputHash === undefined) return;
  output.note(output.isJson ? JSON.stringify({ outputHash }) : `output hash ${outputHash}`);
};
