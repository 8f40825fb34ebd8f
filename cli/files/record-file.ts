/**
 * A file of records, a line each: what is appended is on the disk before anybody hears of it, and a line that a crash
 * cut short is taken away, as nobody was told of it. A file that holds something else is refused, and left as it is.
 */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { readRecordLines } from '#cli/files/record-lines.ts';

/** What the records of a file are. */
export interface RecordKind {
  /** What a line is, for refusals. */
  readonly name: string;
  /** What each line begins with; by it a first line that was cut short is known. */
  readonly head: string;
  /** Hears a line; false when it is no record. */
  readonly hear: (line: string) => boolean;
  /** `refused`, the default, refuses a file with a line that is no record; `passed_over` one in which none is. */
  readonly otherLines?: 'refused' | 'passed_over';
}

/** Where records are appended. */
export interface RecordFile {
  /** Puts lines at the end and on the disk, all or none. Throws what the file system throws. */
  readonly append: (lines: readonly string[]) => void;
  /** Replaces everything by these lines, at once or not at all. Throws what the file system throws. */
  readonly replace: (lines: readonly string[]) => void;
}

/** How bytes get to the disk. */
export interface Disk {
  readonly write: (handle: number, bytes: Uint8Array, offset: number) => number;
  readonly sync: (handle: number) => void;
  readonly truncate: (handle: number, size: number) => void;
}

const realDisk: Disk = { write: writeSync, sync: fdatasyncSync, truncate: ftruncateSync };

/**
 * Opens a file, which is made when it is not there, and hears every line that is in it. Refuses a file that is no regular
 * one, cannot be opened or read, or holds something else (`invalid_store`); nothing is written into it before all of it was heard.
 */
export const openRecordFile = (file: string, kind: RecordKind, disk: Disk = realDisk): RecordFile => {
  let handle = opened(file, kind, disk);
  let append = appender(handle, disk);
  return {
    append: (lines) => append(lines),
    replace: (lines) => {
      const after = replaced(file, lines, disk);
      closeSync(handle);
      handle = after;
      append = appender(handle, disk);
    },
  };
};

const opened = (file: string, kind: RecordKind, disk: Disk): number => {
  let handle: number | undefined;
  try {
    handle = openSync(file, 'a+', 0o600);
    refuseEndless(handle, file);
    const { size, wholeEnd, isEndMissing } = readRecordLines(handle, file, kind);
    if (wholeEnd < size) disk.truncate(handle, wholeEnd);
    if (isEndMissing) appender(handle, disk)(['']);
    return handle;
  } catch (error) {
    if (handle !== undefined) closeSync(handle);
    if (error instanceof CliError) throw error;
    throw new CliError('invalid_store', `the records in ${file} cannot be read: ${String(error)}`, {
      exitCode: exitCodes.usage,
    });
  }
};

/** Devices and pipes have no end to append to, and some are never read to theirs. */
const refuseEndless = (handle: number, file: string): void => {
  if (!fstatSync(handle).isFile())
    throw new CliError('invalid_store', `${file} is no regular file; name one, or one that is to be made`, {
      exitCode: exitCodes.usage,
    });
};

type Append = (lines: readonly string[]) => void;

/** Appends to a file whose place is always its end. */
const appender = (handle: number, disk: Disk): Append => {
  let tornFrom: number | undefined;
  // The next record must not be glued to half of one that failed.
  const mend = (): void => {
    if (tornFrom !== undefined) disk.truncate(handle, tornFrom);
    tornFrom = undefined;
  };
  return (lines) => {
    mend();
    const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
    const { size } = fstatSync(handle);
    try {
      for (let at = 0; at < bytes.length;) at += disk.write(handle, bytes, at);
      disk.sync(handle);
    } catch (error) {
      tornFrom = size;
      try {
        mend();
      } catch {
        // The next append tries again, and the first fault is the one to tell.
      }
      throw error;
    }
  };
};

const replaced = (file: string, lines: readonly string[], disk: Disk): number => {
  const temporary = `${file}.part`;
  rmSync(temporary, { force: true });
  const handle = openSync(temporary, 'a', 0o600);
  try {
    appender(handle, disk)(lines);
    renameSync(temporary, file);
  } catch (error) {
    closeSync(handle);
    rmSync(temporary, { force: true });
    throw error;
  }
  // The name is on the disk once the folder is.
  const folder = openSync(path.dirname(file), 'r');
  fsyncSync(folder);
  closeSync(folder);
  return handle;
};
