/** `market decode|connect`: messages of venues to market events, over JSON lines or from the venue itself. */
import type { Command } from 'commander';
import process from 'node:process';
import type { CommandContext } from '#cli/commands/context.ts';
import { milliseconds } from '#cli/commands/milliseconds.ts';
import { documentOf, readDocument } from '#cli/commands/read-document.ts';
import { untilStopped } from '#cli/commands/until-stopped.ts';
import type { MarketConnect } from '#cli/venue/market-connect.ts';

/** What the command line says; the configuration is the name of its file. */
type ConnectOptions = Omit<MarketConnect, 'config' | 'stateDir' | 'signal' | 'leave'> & {
  readonly config: string;
};

/** Adds the commands. */
export const addMarketCommands = (
  program: Command,
  contextOf: (command: Command) => CommandContext,
): void => {
  const market = program.command('market').description('messages of venues as market events');
  market
    .command('decode')
    .description(
      'ReceivedMessages to RawMarketEvents over JSON lines; what cannot be decoded is a DecodeFailure',
    )
    .option(
      '--config <file>',
      'sources, their symbols and channels (JSON or YAML); all of them when left out',
    )
    .action(async ({ config }: { readonly config?: string }) => {
      const { answerLines } = await import('#cli/files/answer-lines.ts');
      const { decodeLines } = await import('#cli/files/decode-lines.ts');
      const lines = decodeLines(documentOf(config));
      await answerLines(process.stdin, process.stdout, lines);
    });
  market
    .command('connect')
    .description(
      'read Binance USD-M futures until stopped: RawMarketEvents on standard output, or to a stage',
    )
    .requiredOption('--config <file>', 'sources, their symbols, channels and limits (JSON or YAML)')
    .option('--stage <stage>', 'write to the market stream of this stage of the local stack')
    .option('--aws', 'the stage is in the AWS account and region of the environment')
    .option('--websocket-url <url>', 'where streams are read', 'wss://fstream.binance.com')
    .option('--rest-url <url>', 'where open interest is asked for', 'https://fapi.binance.com')
    .option(
      '--open-interest-every <ms>',
      'from one question for open interest to the next',
      milliseconds,
      10_000,
    )
    .option('--summary-every <ms>', 'from one summary of the symbols to the next', milliseconds, 60_000)
    .option(
      '--drain-within <ms>',
      'what was read may take so long to be written at the end',
      milliseconds,
      25_000,
    )
    .option('--fail-fast', 'end when the first adapter has failed, for a supervisor that begins anew')
    .action(async (options: ConnectOptions, command: Command) => {
      const { marketConnect } = await import('#cli/venue/market-connect.ts');
      const config = readDocument(options.config);
      const { stateDir } = contextOf(command);
      await untilStopped((signal) => marketConnect({ ...options, config, stateDir, signal, leave }));
    });
};

/** Once what is under way was told and the exit code is known: whatever else there is to do comes before the next turn. */
const leave = (): void => void setImmediate(() => process.exit());
