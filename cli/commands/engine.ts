/** `engine run|decide|believe`: the regime engine over JSON lines, without a stack. */
import type { Command } from 'commander';
import process from 'node:process';
import { readDocument } from '#cli/commands/read-document.ts';
import type { LineAnswers } from '#cli/files/answer-lines.ts';

interface EngineCommandOptions {
  readonly config?: string;
}

/** Adds the commands. */
export const addEngineCommands = (program: Command): void => {
  const engine = program
    .command('engine')
    .description('the regime engine over JSON lines: standard input to standard output, without a stack');
  const add = (name: string, text: string, config: string, linesOf: LinesOf): void => {
    engine
      .command(name)
      .description(text)
      .option('--config <file>', config)
      .action(async (options: EngineCommandOptions) => answer(options, linesOf));
  };
  add('run', 'RegimeInputSnapshots to RegimeOutputs', 'engine options (JSON or YAML)', async () => {
    const { runLines } = await import('#cli/files/engine-lines.ts');
    return runLines;
  });
  add('decide', 'RegimeOutputs in order to HysteresisDecisions', 'decision hysteresis', async () => {
    const { decideLines } = await import('#cli/files/engine-lines.ts');
    return decideLines;
  });
  add('believe', 'snapshots or RegimeStates in order to HysteresisStates', 'belief hysteresis', async () => {
    const { believeLines } = await import('#cli/files/engine-lines.ts');
    return believeLines;
  });
};

type LinesOf = () => Promise<(config: unknown) => LineAnswers>;

const answer = async ({ config }: EngineCommandOptions, linesOf: LinesOf): Promise<void> => {
  const lines = (await linesOf())(config === undefined ? undefined : readDocument(config));
  const { answerLines } = await import('#cli/files/answer-lines.ts');
  await answerLines(process.stdin, process.stdout, lines);
};
