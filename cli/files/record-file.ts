/**
 * A file of records, a line each: what is appended is on the disk before anybody hears of it, and a line that a crash
 * cut short costs that line alone.
 */
import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { CliError, exitCodes } from '#cli/cli-error.ts';

/** Where records are appended. */
export interface RecordFile {
  /** Lines there were when it was opened. */
  readonly linesFound: number;
  /** Puts lines at the end and on the disk. Throws what the file system throws. */
  readonly append: (lines: readonly string[]) => void;
  /** Replaces everything by these lines, at once or not at all. */
  readonly replace: (lines: readonly string[]) => void;
}

const PART_BYTES = 65_536;

/**
 * Opens a file, which is made when it is not there, and hears every line that is in it. Refuses a file that cannot be
 * opened or read (`invalid_store`).
 */
export const openRecordFile = (file: string, hear: (line: string) => void): RecordFile => {
  let linesFound = 0;
  const count = (line: string): void => {
    linesFound += 1;
    hear(line);
  };
  let handle = refusing(file, () => {
    const opened = openSync(file, 'a+', 0o600);
    if (!readLines(opened, count)) writeLines(opened, ['']);
    return opened;
  });
  return {
    linesFound,
    append: (lines) => writeLines(handle, lines),
    replace: (lines) => {
      handle = replaced(file, lines, handle);
    },
  };
};

const refusing = <Value>(file: string, work: () => Value): Value => {
  try {
    return work();
  } catch (error) {
    throw new CliError('invalid_store', `the records in ${file} cannot be read: ${String(error)}`, {
      exitCode: exitCodes.usage,
    });
  }
};

/** Answers whether the last line has its end. */
const readLines = (handle: number, hear: (line: string) => void): boolean => {
  const decoder = new StringDecoder();
  const part = Buffer.alloc(PART_BYTES);
  let rest = '';
  for (let at = 0, length; (length = readSync(handle, part, 0, PART_BYTES, at)) > 0; at += length) {
    const lines = (rest + decoder.write(part.subarray(0, length))).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(hear);
  }
  if (rest !== '') hear(rest);
  return rest === '';
};

const writeLines = (handle: number, lines: readonly string[]): void => {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
  const { size } = fstatSync(handle);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(handle, bytes, at);
    fdatasyncSync(handle);
  } catch (error) {
    // The next record must not be glued to half of this one.
    ftruncateSync(handle, size);
    throw error;
  }
};

const replaced = (file: string, lines: readonly string[], before: number): number => {
  const temporary = `${file}.part`;
  const handle = openSync(temporary, 'w', 0o600);
  writeLines(handle, lines);
  renameSync(temporary, file);
  // The name is on the disk once the folder is.
  const folder = openSync(path.dirname(file), 'r');
  fsyncSync(folder);
  closeSync(folder);
  closeSync(before);
  return handle;
};
