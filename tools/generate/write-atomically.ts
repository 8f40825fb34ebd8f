/**
 * The one way a tool writes a file. A reader sees the old bytes or the new bytes, never a part: the bytes go to a
 * temporary file in the same folder, are fsynced, and take the name in one rename; then the folder is fsynced.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The steps a write takes, so that a test can make each of them fail or be the last one. */
export interface AtomicDisk {
  /** Creates a file that must not exist, writes all bytes and fsyncs it. */
  readonly writeWhole: (path: string, bytes: Uint8Array) => void;
  /** Copies into a file that must not exist, and fsyncs it. */
  readonly copyWhole: (from: string, to: string) => void;
  readonly rename: (from: string, to: string) => void;
  readonly syncFolder: (path: string) => void;
  /** Removes a file if it is there. */
  readonly remove: (path: string) => void;
}

/**
 * Replaces the content of a file, creating its folder when needed. When it throws, the file has its old content,
 * or did not exist before and does not now; no temporary file stays behind.
 */
export const writeAtomically = (
  path: string,
  content: string | Uint8Array,
  disk: AtomicDisk = realDisk,
): void => {
  const folder = dirname(path);
  const temporary = temporaryBeside(path);
  mkdirSync(folder, { recursive: true });
  try {
    disk.writeWhole(temporary, typeof content === 'string' ? Buffer.from(content) : content);
    moveInto(path, temporary, disk);
    disk.syncFolder(folder);
  } catch (error) {
    disk.remove(temporary);
    throw error;
  }
};

const temporaryBeside = (path: string): string =>
  join(dirname(path), `.${basename(path)}.${randomUUID().slice(0, 8)}.tmp`);

/**
 * A rename that crosses file systems (the target is a mount point of its own, or an overlay) is refused with
 * EXDEV. The bytes are then copied to a fresh name, which some overlays need before they rename, and renamed.
 */
const moveInto = (path: string, temporary: string, disk: AtomicDisk): void => {
  try {
    disk.rename(temporary, path);
  } catch (error) {
    if (codeOf(error) !== 'EXDEV') throw error;
    const copy = temporaryBeside(path);
    try {
      disk.copyWhole(temporary, copy);
      disk.rename(copy, path);
    } catch (failure) {
      disk.remove(copy);
      throw failure;
    }
    disk.remove(temporary);
  }
};

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

const syncPath = (path: string): void => {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};

/** The disk of this machine. */
export const realDisk: AtomicDisk = {
  writeWhole: (path, bytes) => {
    const descriptor = openSync(path, 'wx');
    try {
      for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  },
  copyWhole: (from, to) => {
    copyFileSync(from, to);
    syncPath(to);
  },
  rename: renameSync,
  syncFolder: syncPath,
  remove: (path) => rmSync(path, { force: true }),
};
