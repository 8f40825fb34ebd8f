/** `state.json`: what format the directory has and which template its state belongs to. */
import fs from 'node:fs';
import path from 'node:path';
import type { Disk } from '#local/journal/disk.ts';
import { TEMPORARY } from '#local/journal/recovery.ts';
import { corrupt, StateDirectoryError } from '#local/journal/state-directory-error.ts';

/** Version of the state directory's format; another one is refused. */
export const FORMAT_VERSION = 1;

/** Members beside `formatVersion` belong to whoever wrote them. */
export type StateStamp = Readonly<Record<string, unknown>> & { readonly formatVersion: number };

/** The directory's stamp, or undefined for a new one; refuses a format this version does not read. */
export const readStamp = (directory: string): StateStamp | undefined => {
  const file = path.join(directory, 'state.json');
  if (!fs.existsSync(file)) return undefined;
  const stamp = parse(file);
  if (stamp.formatVersion !== FORMAT_VERSION) {
    throw new StateDirectoryError(
      'state_version',
      `the state directory ${directory} has format ${stamp.formatVersion}, this version reads format ${FORMAT_VERSION}; use the version that wrote it, or choose another directory with --state`,
    );
  }
  return stamp;
};

/** Replaces the stamp in one step. */
export const writeStamp = (directory: string, disk: Disk, stamp: StateStamp): void =>
  writeWhole(path.join(directory, 'state.json'), disk, JSON.stringify(stamp));

/** Writes a small file so that a kill leaves the old content or the new. */
export const writeWhole = (file: string, disk: Disk, content: string): void => {
  const temporary = `${file}${TEMPORARY}`;
  const handle = disk.open(temporary);
  try {
    disk.write(handle, Buffer.from(content), 0);
    disk.sync(handle);
  } finally {
    disk.close(handle);
  }
  disk.rename(temporary, file);
  disk.syncDirectory(path.dirname(file));
};

const parse = (file: string): StateStamp => {
  const text = fs.readFileSync(file, 'utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (isStamp(value)) return value;
  } catch {
    // Falls through to the refusal: the file is replaced in one step, so a kill cannot have left it.
  }
  throw corrupt(file, 0, 'it is no stamp of a state directory');
};

const isStamp = (value: unknown): value is StateStamp =>
  typeof value === 'object' &&
  value !== null &&
  'formatVersion' in value &&
  typeof value.formatVersion === 'number';
