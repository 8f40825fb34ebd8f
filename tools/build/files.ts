/** Finding out whether anything has changed: digests of files and folders, and folders replaced in one step. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** SHA-256 of the bytes of a file in hexadecimal; `absent` when there is none. */
export const fileDigest = (path: string): string =>
  existsSync(path) ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'absent';

/** Every file below the folder, relative to it and sorted; none when it is absent or a file itself. */
export const filesBelow = (folder: string): readonly string[] =>
  statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
        .sort()
    : [];

/** One digest over names and contents of the files and folders below `root`. */
export const treeDigest = (root: string, paths: readonly string[]): string => {
  const hash = createHash('sha256');
  for (const path of paths) {
    const below = filesBelow(resolve(root, path));
    const files = below.length === 0 ? [path] : below.map((file) => join(path, file));
    for (const file of files) hash.update(`${file} ${fileDigest(resolve(root, file))}\n`);
  }
  return hash.digest('hex');
};

/**
 * Puts the folder `fresh` where `folder` was; a reader sees the old or the new one, or for an instant none. When
 * another process was quicker, its folder stays: both were made from the same inputs.
 */
export const replaceFolder = (fresh: string, folder: string): void => {
  const old = `${fresh}.old`;
  renameUnless('ENOENT', folder, old);
  renameUnless('ENOTEMPTY', fresh, folder);
  rmSync(old, { recursive: true, force: true });
};

/** A name beside the folder that no other process or thread uses. */
export const scratchName = (folder: string): string => `${folder}.${randomUUID().slice(0, 8)}`;

const renameUnless = (tolerated: string, from: string, to: string): void => {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === tolerated)) throw error;
  }
};
