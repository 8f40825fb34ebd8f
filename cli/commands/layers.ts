/** `layers gate|analyse|show`: the later layers of a feed over JSON lines, without a stack. */
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import process from 'node:process';
import type { CommandContext } from '#cli/commands/context.ts';
import { CliError } from '#cli/cli-error.ts';
import { documentOf } from '#cli/commands/read-document.ts';

interface LayerOptions {
  readonly config?: string;
  readonly store?: string;
}

interface GateOptions extends LayerOptions {
  readonly firstHysteresis?: boolean;
}

interface ShowCommandOptions {
  readonly asOf?: number;
  readonly window?: number;
}

const CONFIG = 'state_gate, analysis_engine and hysteresis as in a feed (JSON or YAML)';

/** Adds the commands. */
export const addLayerCommands = (program: Command, contextOf: (command: Command) => CommandContext): void => {
  const layers = program
    .command('layers')
    .description('the later layers over JSON lines: standard input to standard output, without a stack');
  layers
    .command('gate')
    .description('orchestrator events to state gate events; {"resume":"SYMBOL"} resumes a halted symbol')
    .option('--config <file>', CONFIG)
    .option('--store <file>', 'keep what came of each line, and go on from it')
    .option('--first-hysteresis', 'judge as soon as hysteresis has spoken, as the reference does')
    .action(async (options: GateOptions, command: Command) => gate(options, contextOf(command)));
  layers
    .command('analyse')
    .description('state gate events to analysis engine events; {"resume":"SYMBOL"} resumes a halted symbol')
    .option('--config <file>', CONFIG)
    .option('--store <file>', 'keep what came of each line, and go on from it')
    .action(async ({ config, store }: LayerOptions) => {
      const { answerLines } = await import('#cli/files/answer-lines.ts');
      const { analyseLines } = await import('#cli/files/layer-lines.ts');
      await answerLines(process.stdin, process.stdout, analyseLines(documentOf(config), store));
    });
  layers
    .command('show')
    .description('events of all three streams, in any order, to one dashboard view model at the end')
    .option(
      '--as-of <ms>',
      'the instant of the model; the latest engine timestamp when left out',
      milliseconds,
    )
    .option('--window <ms>', 'age from which events are stale; 0, the default, for never', milliseconds)
    .action(async ({ asOf, window }: ShowCommandOptions) => {
      const { answerLines } = await import('#cli/files/answer-lines.ts');
      const { showLines } = await import('#cli/files/layer-lines.ts');
      await answerLines(process.stdin, process.stdout, showLines({ asOfMs: asOf, windowMs: window }));
    });
};

const gate = async (
  { config, store, firstHysteresis }: GateOptions,
  { output }: CommandContext,
): Promise<void> => {
  const { answerLines } = await import('#cli/files/answer-lines.ts');
  const { gateLines } = await import('#cli/files/gate-lines.ts');
  const isFirstHysteresis = firstHysteresis === true;
  const lines = gateLines(documentOf(config), { isFirstHysteresis, store });
  await answerLines(process.stdin, process.stdout, lines);
  const health = lines.health();
  // What stands on standard output are events alone.
  if (output.isJson) output.note(JSON.stringify({ health }));
  else if (!health.ready) output.note(`the gate is not ready: ${faultsOf(health)}`);
  const unkept = lines.unkeptSymbols();
  if (unkept.length > 0)
    throw new CliError(
      'persistence_failure',
      `that the gate halted ${unkept.join(', ')} could not be kept in ${store}; the next process to go on from it ` +
        'does not know, and judges them again',
    );
};

const faultsOf = (health: object): string =>
  Object.entries(health)
    .filter(([name, isWell]) => name.endsWith('_healthy') && isWell === false)
    .map(([name]) => name.replace('_healthy', ''))
    .join(', ');

const milliseconds = (text: string): number => {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('give milliseconds, for example 180000');
};
