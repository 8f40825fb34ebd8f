/** `market decode`: messages of venues to market events over JSON lines, without a stack. */
import type { Command } from 'commander';
import process from 'node:process';
import { documentOf } from '#cli/commands/read-document.ts';

/** Adds the command. */
export const addMarketCommands = (program: Command): void => {
  program
    .command('market')
    .description('messages of venues over JSON lines: standard input to standard output, without a stack')
    .command('decode')
    .description('ReceivedMessages to RawMarketEvents; what cannot be decoded is a DecodeFailure')
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
};
