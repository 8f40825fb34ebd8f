/** A file of JSON lines whose name appears only once it is whole and on the disk. */
import { open, rename, rm } from 'node:fs/promises';
import { CliError, exitCodes } from '#cli/cli-error.ts';

/** Appends one value as a line; a text is a line as it is. */
export type WriteLine = (value: object | string) => Promise<void>;

/** Characters that are gathered before they are written. */
const GATHERED_MAX = 65_536;

/** Answers what `fill` answers, once everything it wrote has the name; leaves nothing behind when it fails. */
export const writeLineFile = async <Value>(
  file: string,
  fill: (write: WriteLine) => Promise<Value>,
): Promise<Value> => {
  const temporary = `${file}.part`;
  const handle = await open(temporary, 'w', 0o600).catch((error: unknown) => {
    throw new CliError('not_found', `cannot write ${file}: ${String(error)}`, { exitCode: exitCodes.usage });
  });
  let gathered = '';
  const flush = async (): Promise<void> => {
    await handle.write(gathered);
    gathered = '';
  };
  try {
    const value = await fill(async (line) => {
      gathered += `${typeof line === 'string' ? line : JSON.stringify(line)}\n`;
      if (gathered.length >= GATHERED_MAX) await flush();
    });
    await flush();
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
    return value;
  } catch (error) {
    await handle.close();
    await rm(temporary, { force: true });
    throw error;
  }
};
