/** What a boot would find in a state directory, read without changing a byte of it. */
import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { TOKEN_FILE } from '#cli/discovery.ts';
import type { Finding } from '#cli/offline/doctor.ts';
import type { Disk } from '#local/journal/disk.ts';
import { recover } from '#local/journal/recovery.ts';
import { readStamp } from '#local/journal/stamp.ts';
import { StateDirectoryError } from '#local/journal/state-directory-error.ts';

/** Findings about the directory, its content and its token. */
export const checkStateDirectory = (directory: string, isRunning: boolean): readonly Finding[] => {
  if (!existsSync(directory))
    return [{ check: 'state', isOk: true, found: `${directory} does not exist yet; "sluice up" makes it` }];
  const problem = unusable(directory);
  if (problem !== undefined) return [problem];
  return [isRunning ? inUse(directory) : checkContent(directory), ...checkToken(directory)];
};

const badState = (found: string, remedy: string): Finding => ({
  check: 'state',
  isOk: false,
  found,
  remedy,
  isPortOrState: true,
});

const unusable = (directory: string): Finding | undefined => {
  if (!statSync(directory).isDirectory())
    return badState(`${directory} is a file`, 'choose another directory with --state');
  try {
    accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return undefined;
  } catch {
    return badState(
      `${directory} cannot be read and written`,
      'give yourself the rights, or choose another directory with --state',
    );
  }
};

const inUse = (directory: string): Finding => ({
  check: 'state',
  isOk: true,
  found: `${directory} is in use by the running stack`,
});

const checkContent = (directory: string): Finding => {
  try {
    const stamp = readStamp(directory);
    if (!stamp && readdirSync(directory).some((name) => name.endsWith('.journal')))
      return badState(
        `${directory} holds a journal without its state.json`,
        'restore a backup, or remove the directory to start empty',
      );
    const { lastSequence } = recover(directory, readOnlyDisk);
    const holder = holderOf(directory);
    return {
      check: 'state',
      isOk: true,
      found: `${directory}, format ${stamp?.formatVersion ?? 'none yet'}, ${lastSequence} records${holder}`,
    };
  } catch (error) {
    if (!(error instanceof StateDirectoryError)) throw error;
    const [found = error.message, ...remedies] = error.message.split('; ');
    return badState(found, remedies.join('; '));
  }
};

/** A lock whose process has gone is taken over at the next start. */
const holderOf = (directory: string): string =>
  existsSync(path.join(directory, 'lock')) ? ', with the lock of a process that was killed' : '';

const unused = (): never => {
  throw new Error('the state directory is only read');
};

const ignore = (): void => undefined;

/** Lets recovery mend what a kill has left in its own memory alone. */
const readOnlyDisk: Disk = {
  open: unused,
  close: ignore,
  write: unused,
  sync: ignore,
  syncLater: () => Promise.resolve(),
  truncate: ignore,
  rename: unused,
  remove: ignore,
  syncDirectory: ignore,
  fill: unused,
  fillLater: unused,
};

const OTHERS_MAY = 0o077;

const checkToken = (directory: string): readonly Finding[] => {
  const file = path.join(directory, TOKEN_FILE);
  if (!existsSync(file)) return [];
  const mode = statSync(file).mode & 0o777;
  const isPrivate = process.platform === 'win32' || (mode & OTHERS_MAY) === 0;
  if (!isPrivate)
    return [
      {
        check: 'token',
        isOk: false,
        found: `${file} has mode ${mode.toString(8)}: other users may read it`,
        remedy: `chmod 600 ${file}`,
        isPortOrState: true,
      },
    ];
  const expiresAtMs = expiryOf(readFileSync(file, 'utf8'));
  return [
    {
      check: 'token',
      isOk: true,
      found: `${file}, readable by its owner only${expiresAtMs === undefined ? '' : `, valid until ${new Date(expiresAtMs).toISOString()}`}`,
    },
  ];
};

/** The `exp` claim; the token's signature is the API's affair. */
const expiryOf = (token: string): number | undefined => {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null && 'exp' in claims && typeof claims.exp === 'number'
      ? claims.exp * 1000
      : undefined;
  } catch {
    return undefined;
  }
};
