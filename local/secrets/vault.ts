/**
 * Where secret values live: a file of their own that only its owner may read, never the journal, whose lines are
 * snapshotted, backed up and shown.
 */
import { chmodSync, closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Values by secret and version. */
export type VaultValues = Readonly<Record<string, string>>;

export interface Vault {
  /** All values; empty when none were ever written. */
  readonly read: () => VaultValues;
  /** Replaces all values, on disk before it returns. */
  readonly write: (values: VaultValues) => void;
}

const ownerOnly = 0o600;

/** A vault that forgets with the process. */
export const memoryVault = (): Vault => {
  let values: VaultValues = {};
  return {
    read: () => values,
    write: (next) => {
      values = { ...next };
    },
  };
};

/** A vault in a file of mode 0600, replaced atomically; a file that cannot be read as such is an error. */
export const fileVault = (path: string): Vault => ({
  read: () => readValues(path),
  write: (values) => {
    const temporary = `${path}.next`;
    const file = openSync(temporary, 'w', ownerOnly);
    try {
      // The mode of `open` counts only for a new file, and a crash may have left an old one.
      chmodSync(temporary, ownerOnly);
      writeSync(file, JSON.stringify(values));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncDirectory(dirname(path));
  },
});

const readValues = (path: string): VaultValues => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return {};
    throw thrown;
  }
  try {
    return JSON.parse(text) as VaultValues;
  } catch {
    // The parser's message would quote the text, and the text is secrets.
    throw new Error(`the vault ${path} is not readable as JSON`);
  }
};

const syncDirectory = (path: string): void => {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
};
