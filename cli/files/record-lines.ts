/** The lines of a file of records: which of them are records, and where the last whole one ends. */
import { readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import type { RecordKind } from '#cli/files/record-file.ts';

/** How a file ends. */
export interface RecordsEnd {
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes up to the end of the last whole record; what is behind was cut short. */
  readonly wholeEnd: number;
  /** Whether the last record is whole, and its line end alone is missing. */
  readonly isEndMissing: boolean;
}

const PART_BYTES = 65_536;
const NEWLINE = 10;

/** Hears every line. Refuses a file that holds something else (`invalid_store`) by the first line that is no record. */
export const readRecordLines = (handle: number, file: string, kind: RecordKind): RecordsEnd => {
  const { hear, otherLines = 'refused' } = kind;
  let line = 0;
  let records = 0;
  let firstOther: number | undefined;
  const take = (text: string): void => {
    line += 1;
    if (hear(text)) records += 1;
    else if (text.trim() !== '') firstOther ??= line;
    if (firstOther !== undefined && otherLines === 'refused') throw otherFile(file, kind, firstOther);
  };
  const { size, lineEnd, rest } = eachLine(handle, take);
  const isTorn = rest !== '' && isCutShort(rest, records > 0 ? '' : kind.head);
  if (rest !== '' && !isTorn) take(rest);
  if (firstOther !== undefined && records === 0) throw otherFile(file, kind, firstOther);
  return isTorn
    ? { size, wholeEnd: lineEnd, isEndMissing: false }
    : { size, wholeEnd: size, isEndMissing: rest !== '' };
};

/** A crash leaves the beginning of a line, which is no JSON; in a file without a record it must begin as one does. */
const isCutShort = (rest: string, head: string): boolean => {
  try {
    JSON.parse(rest);
    return false;
  } catch {
    return rest.startsWith(head) || head.startsWith(rest);
  }
};

const otherFile = (file: string, { name, head }: RecordKind, line: number): CliError =>
  new CliError(
    'invalid_store',
    `line ${line} of ${file} is no ${name}, which begins with ${head}; nothing was written: ` +
      'name the file that this command made, or one that is not there yet',
    { exitCode: exitCodes.usage },
  );

const eachLine = (
  handle: number,
  take: (text: string) => void,
): { readonly size: number; readonly lineEnd: number; readonly rest: string } => {
  const decoder = new StringDecoder();
  const part = Buffer.alloc(PART_BYTES);
  let rest = '';
  let size = 0;
  let lineEnd = 0;
  for (let length; (length = readSync(handle, part, 0, PART_BYTES, size)) > 0; size += length) {
    const bytes = part.subarray(0, length);
    const lines = (rest + decoder.write(bytes)).split('\n');
    rest = lines.pop() ?? '';
    if (lines.length > 0) lineEnd = size + bytes.lastIndexOf(NEWLINE) + 1;
    lines.forEach(take);
  }
  return { size, lineEnd, rest: rest + decoder.end() };
};
