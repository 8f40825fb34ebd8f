/** Opens a file of JSON lines a command was given. */
import process from 'node:process';
import { CliError, exitCodes } from '#cli/cli-error.ts';

/** The bytes of a file, plain or gzip; `-` is standard input. Refuses naming the file where it cannot be read. */
export const openLog = async (log: string): Promise<AsyncIterable<Uint8Array>> => {
  if (log === '-') return process.stdin;
  const { bytesOf, findTape } = await import('#cli/tape/open-tape.ts');
  const { TapeError } = await import('#cli/tape/tape-record.ts');
  const refused = (error: unknown): unknown =>
    error instanceof TapeError
      ? new CliError('not_found', `cannot read ${log}: ${error.message}`, { exitCode: exitCodes.usage })
      : error;
  const tape = await findTape(log).catch((error: unknown) => {
    throw refused(error);
  });
  return (async function* () {
    try {
      yield* bytesOf(tape);
    } catch (error) {
      throw refused(error);
    }
  })();
};
