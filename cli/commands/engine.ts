/** `engine run|decide|believe|compose|snapshot|evaluate`: the regime engine over JSON lines, without a stack. */
import { Option } from 'commander';
import type { Command } from 'commander';
import process from 'node:process';
import { documentOf } from '#cli/commands/read-document.ts';
import { RegimeKey } from '#contracts/market/regime-evaluation.ts';
import type { LineAnswers } from '#cli/files/answer-lines.ts';

interface EngineCommandOptions {
  readonly config?: string;
}

interface DecideOptions extends EngineCommandOptions {
  readonly regimeLog?: string;
}

interface BelieveOptions extends EngineCommandOptions {
  readonly store?: string;
}

interface ComposeOptions extends EngineCommandOptions {
  readonly features?: boolean;
}

interface EvaluateOptions {
  readonly key: RegimeKey;
  readonly values?: string;
}

/** Adds the commands. */
export const addEngineCommands = (program: Command): void => {
  const engine = program
    .command('engine')
    .description('the regime engine over JSON lines: standard input to standard output, without a stack');
  engine
    .command('run')
    .description('RegimeInputSnapshots to RegimeOutputs')
    .option('--config <file>', 'engine options (JSON or YAML)')
    .action(async ({ config }: EngineCommandOptions) => {
      const { runLines } = await import('#cli/files/engine-lines.ts');
      await answer(runLines(documentOf(config)));
    });
  engine
    .command('decide')
    .description('RegimeOutputs in order to HysteresisDecisions')
    .option('--config <file>', 'decision hysteresis')
    .option('--regime-log <folder>', 'append what was decided to a regime log, one file per UTC day')
    .action(async ({ config, regimeLog }: DecideOptions) => {
      const { decideLines } = await import('#cli/files/engine-lines.ts');
      const { regimeLogFolder } = await import('#cli/files/regime-log-files.ts');
      const keep = regimeLog === undefined ? undefined : regimeLogFolder(regimeLog);
      await answer(decideLines(documentOf(config), keep));
    });
  engine
    .command('believe')
    .description('snapshots or RegimeStates in order to HysteresisStates')
    .option('--config <file>', 'belief hysteresis')
    .option('--store <file>', 'keep the states, and go on from those that are there')
    .action(async ({ config, store }: BelieveOptions) => {
      const { believeLines } = await import('#cli/files/engine-lines.ts');
      await answer(believeLines(documentOf(config), store));
    });
  engine
    .command('compose')
    .description('the market events of a run to the snapshot the engine is given')
    .option('--config <file>', 'engine options (JSON or YAML)')
    .option('--features', 'the features alone')
    .action(async ({ config, features }: ComposeOptions) => {
      const { composeLines } = await import('#cli/files/compose-lines.ts');
      await answer(composeLines(documentOf(config), features === true ? 'features' : 'snapshots'));
    });
  engine
    .command('snapshot')
    .description('RegimeInputSnapshots to the line they are kept as, and what is missing in them')
    .action(async () => {
      const { snapshotLines } = await import('#cli/files/engine-lines.ts');
      await answer(snapshotLines());
    });
  addEvaluate(engine);
};

const addEvaluate = (engine: Command): void => {
  engine
    .command('evaluate')
    .description('a regime log to one RegimeEvaluation per symbol')
    .addOption(
      new Option('--key <regime>', 'what the engine said, or what was selected')
        .choices(RegimeKey.options)
        .default('stabilized'),
    )
    .option('--values <file>', 'numbers that came after records, by record_id (JSON or YAML)')
    .action(async ({ key, values }: EvaluateOptions) => {
      const { evaluateLines } = await import('#cli/files/regime-log-files.ts');
      await answer(evaluateLines(key, documentOf(values)));
    });
};

const answer = async (lines: LineAnswers): Promise<void> => {
  const { answerLines } = await import('#cli/files/answer-lines.ts');
  await answerLines(process.stdin, process.stdout, lines);
};
