/**
 * A running cloud loads functions when they are first called, and again when their environment had to make room. It
 * therefore runs a copy of its assembly: whoever builds or synthesises in the same checkout meanwhile changes nothing.
 */
import { constants, cpSync, rmSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** Copies a folder with everything below it. */
export type CopyFolder = (from: string, to: string) => void;

/** A build replaces the folder within milliseconds; one that is never still is another fault. */
const TRIES_MAX = 10;
const PAUSE_MS = 20;

/** Shares the blocks of the files where the file system can. */
const copyFolder: CopyFolder = (from, to) =>
  cpSync(from, to, { recursive: true, mode: constants.COPYFILE_FICLONE });

/**
 * Copies the assembly as it is at one instant, in place of what was at `copyDir`; a folder that is replaced during
 * the copy is copied again. Throws when there is none, or when it is never still.
 */
export const keepAssembly = async (
  assemblyDir: string,
  copyDir: string,
  copy: CopyFolder = copyFolder,
): Promise<void> => {
  for (let tries = 1; ; tries++) {
    const before = identityOf(assemblyDir);
    const failure = before === undefined ? undefined : tryToCopy(() => copy(assemblyDir, copyDir), copyDir);
    if (before !== undefined && identityOf(assemblyDir) === before) {
      if (failure !== undefined) throw failure;
      return;
    }
    if (tries === TRIES_MAX)
      throw new Error(
        before === undefined
          ? `no cloud assembly in ${assemblyDir}: run npm run synth first`
          : `${assemblyDir} was replaced ${tries} times while it was copied: end whatever builds it`,
      );
    await pause(PAUSE_MS);
  }
};

const tryToCopy = (copy: () => void, copyDir: string): Error | undefined => {
  rmSync(copyDir, { recursive: true, force: true });
  try {
    copy();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
};

/** Tells a folder from what takes its place or changes in it; undefined for the instant in which there is none. */
const identityOf = (folder: string): string | undefined => {
  const stats = statSync(folder, { throwIfNoEntry: false, bigint: true });
  return stats && `${stats.dev}:${stats.ino}:${stats.ctimeNs}`;
};
