/** Reads a backup file line by line; a file that is not whole is refused, with what is wrong with it. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import * as z from 'zod';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { BACKUP_VERSION, BackupEntry, BackupHeader, BackupTrailer } from '#cli/offline/backup-format.ts';

/** What a whole file says of itself. */
export interface BackupContents {
  readonly header: BackupHeader;
  readonly trailer: BackupTrailer;
}

/** Reads the whole file once and checks every line, the counts and the checksum. */
export const checkBackup = async (file: string): Promise<BackupContents> => {
  const hash = createHash('sha256');
  const counts = { item: 0, blob: 0 };
  let header: BackupHeader | undefined;
  let trailer: BackupTrailer | undefined;
  let number = 0;
  for await (const line of linesOf(file)) {
    number += 1;
    if (trailer) throw damaged(file, `line ${number} follows the trailer`);
    const value = parseLine(file, number, line);
    if (!header) header = headerOf(file, value);
    else if (kindOf(value) === 'trailer') trailer = strict(BackupTrailer, value, { file, number });
    else counts[strict(BackupEntry, value, { file, number }).kind] += 1;
    if (!trailer) hash.update(`${line}\n`);
  }
  if (!header) throw damaged(file, 'it is empty');
  if (!trailer) throw damaged(file, 'it ends before its trailer: it was cut short');
  if (trailer.itemCount !== counts.item || trailer.blobCount !== counts.blob)
    throw damaged(
      file,
      `it holds ${counts.item} items and ${counts.blob} bodies instead of ${trailer.itemCount} and ${trailer.blobCount}`,
    );
  if (trailer.sha256 !== hash.digest('hex')) throw damaged(file, 'its checksum does not match');
  return { header, trailer };
};

/** The items and bodies of a file that was checked. */
export async function* backupEntries(file: string): AsyncIterable<BackupEntry> {
  let number = 0;
  for await (const line of linesOf(file)) {
    number += 1;
    const value = parseLine(file, number, line);
    const kind = kindOf(value);
    if (kind === 'item' || kind === 'blob') yield strict(BackupEntry, value, { file, number });
  }
}

const headerOf = (file: string, value: unknown): BackupHeader => {
  const header = BackupHeader.safeParse(value);
  if (!header.success) throw damaged(file, 'its first line is no header of a Sluice backup');
  if (header.data.version !== BACKUP_VERSION)
    throw new CliError(
      'backup_version',
      `${file} has format version ${header.data.version}, this Sluice reads ${BACKUP_VERSION}; restore it with the version that wrote it`,
      { exitCode: exitCodes.portOrState },
    );
  return header.data;
};

const damaged = (file: string, reason: string): CliError =>
  new CliError('backup_damaged', `${file} is no whole backup: ${reason}; nothing was written`, {
    exitCode: exitCodes.portOrState,
  });

const parseLine = (file: string, number: number, line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    throw damaged(file, `line ${number} is no JSON`);
  }
};

const kindOf = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;

const strict = <Value>(
  shape: z.ZodType<Value>,
  value: unknown,
  { file, number }: { readonly file: string; readonly number: number },
): Value => {
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw damaged(file, `line ${number}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
};

/** Lines without their line feeds; what gzip finds wrong is told as damage. */
async function* linesOf(file: string): AsyncIterable<string> {
  const gunzip = createGunzip();
  // The pipeline's errors arrive at the reader below; the callback only keeps them from being uncaught.
  pipeline(createReadStream(file), gunzip, () => undefined);
  let rest: Buffer[] = [];
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        yield Buffer.concat([...rest, chunk.subarray(start, end)]).toString('utf8');
        rest = [];
        start = end + 1;
      }
      if (start < chunk.length) rest.push(chunk.subarray(start));
    }
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw unreadable(file, error);
  }
  if (rest.length > 0) yield Buffer.concat(rest).toString('utf8');
}

const unreadable = (file: string, error: unknown): CliError => {
  const { code, message } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { code: '', message: String(error) };
  if (code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR')
    return new CliError('not_found', `cannot read ${file}: ${message}`, { exitCode: exitCodes.usage });
  return damaged(file, code === 'Z_BUF_ERROR' ? 'it was cut short' : message);
};
