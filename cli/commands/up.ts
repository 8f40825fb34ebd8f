/** `up`: starts the local stack. */
import { existsSync } from 'node:fs';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import type { GlobalOptions } from '#cli/commands/context.ts';
import type { Speed } from '#cli/up/producer.ts';

interface TaskFunction {
  readonly name: string;
  readonly file: string;
}

interface UpOptions extends GlobalOptions {
  readonly port: number;
  readonly awsPort: number;
  readonly ephemeral?: boolean;
  readonly tape?: string;
  readonly format: 'jsonl' | 'bars-csv';
  readonly symbol?: string;
  readonly speed: Speed;
  readonly worker?: boolean;
  readonly demo?: boolean;
  readonly exit?: boolean;
  /** In seconds. */
  readonly patience: number;
  readonly taskFunction: readonly TaskFunction[];
}

/** Adds the command. */
export const addUpCommand = (program: Command, root: string): void => {
  program
    .command('up')
    .description('start the local stack from the synthesised app; alone it only serves')
    .option('--port <port>', 'port of the HTTP API, 0 = any free', port, 4600)
    .option('--aws-port <port>', 'port of the AWS wire endpoint, 0 = any free', port, 4566)
    .option('--ephemeral', 'keep no state')
    .option('--tape <file>', 'play a tape into the market stream')
    .addOption(
      new Option('--format <format>', 'format of the tape').choices(['jsonl', 'bars-csv']).default('jsonl'),
    )
    .option('--symbol <symbol>', 'instrument of a bars-csv tape')
    .option(
      '--speed <speed>',
      'max, a multiple of the tape’s own time such as 60x, or unlimited, without the limits of a shard',
      speed,
      'max',
    )
    .option('--worker', 'run the example worker')
    .option('--demo', 'deploy and run the demo assets, and play the demo tape unless --tape is given')
    .option(
      '--task-function <name=file>',
      'host a module that exports `handler` as the Lambda function of that name, for execution locations; repeatable',
      taskFunction,
      [],
    )
    .option('--exit', 'stop when the tape and all runs have ended')
    .option(
      '--patience <seconds>',
      'with --exit: give up when ingestion has not moved for so long',
      patience,
      300,
    )
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<UpOptions>();
      if (options.format === 'bars-csv' && options.tape !== undefined && options.symbol === undefined)
        throw new CliError('usage', 'a bars-csv tape holds one instrument; name it with --symbol', {
          exitCode: exitCodes.usage,
        });
      // The stack takes a second to load: only this command pays for it.
      const { up } = await import('#cli/up/up.ts');
      await up({
        root,
        stateDir: options.state,
        isEphemeral: options.ephemeral === true,
        port: options.port,
        awsPort: options.awsPort,
        ...(options.tape === undefined ? {} : { tape: options.tape }),
        format: options.format,
        ...(options.symbol === undefined ? {} : { symbol: options.symbol }),
        speed: options.speed,
        isDemo: options.demo === true,
        hasWorker: options.worker === true,
        isExiting: options.exit === true,
        patienceMs: options.patience * 1000,
        isJson: options.json === true,
        taskFunctions: options.taskFunction,
      });
    });
};

const taskFunction = (text: string, others: readonly TaskFunction[]): readonly TaskFunction[] => {
  const [, name, file] = /^([A-Za-z0-9_-]{1,64})=(.+\.(?:mjs|js|cjs))$/.exec(text) ?? [];
  if (name === undefined || file === undefined)
    throw new InvalidArgumentError(
      'must be the name of a function, = and a file that ends in .mjs, .js or .cjs.',
    );
  if (!existsSync(file)) throw new InvalidArgumentError(`there is no file ${file}.`);
  if (others.some((other) => other.name === name)) throw new InvalidArgumentError(`${name} is given twice.`);
  return [...others, { name, file }];
};

const port = (text: string): number => {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65_535) throw new InvalidArgumentError('must be 0 to 65535.');
  return number;
};

const speed = (text: string): Speed => {
  if (text === 'max' || text === 'unlimited') return text;
  const match = /^(\d+(?:\.\d+)?)x$/.exec(text);
  const factor = Number(match?.[1] ?? 0);
  if (factor <= 0 || factor > 1_000_000)
    throw new InvalidArgumentError('must be max, unlimited, or a factor such as 60x or 1x.');
  return factor;
};

const patience = (text: string): number => {
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds < 1 || seconds > 86_400)
    throw new InvalidArgumentError('must be 1 to 86400 seconds.');
  return seconds;
};
