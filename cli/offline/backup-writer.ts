/** Writes a backup file so that its name appears only once it is whole and on the disk. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { BackupEntry, BackupHeader, BackupTrailer } from '#cli/offline/backup-format.ts';

/** Writes header, entries and trailer; answers the trailer. Leaves nothing behind when it fails. */
export const writeBackup = async (
  file: string,
  header: BackupHeader,
  entries: AsyncIterable<BackupEntry>,
): Promise<BackupTrailer> => {
  const temporary = `${file}.part`;
  try {
    const trailer = await writeLines(temporary, header, entries);
    const handle = await open(temporary, 'r');
    await handle.sync();
    await handle.close();
    await rename(temporary, file);
    return trailer;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
};

const writeLines = async (
  file: string,
  header: BackupHeader,
  entries: AsyncIterable<BackupEntry>,
): Promise<BackupTrailer> => {
  const hash = createHash('sha256');
  const gzip = createGzip({ level: 6 });
  const sink = createWriteStream(file, { mode: 0o600 });
  const done = finished(gzip.pipe(sink));
  // A disk that fills up fails the sink; the loop below must not wait for it to drain.
  let failure: unknown;
  done.catch((error: unknown) => (failure = error));
  const write = async (line: string): Promise<void> => {
    if (failure !== undefined) throw asError(failure);
    if (!gzip.write(line)) await Promise.race([new Promise((resolve) => gzip.once('drain', resolve)), done]);
  };
  const counts = { item: 0, blob: 0 };
  try {
    for await (const value of lines(header, entries)) {
      if (value.kind !== 'header') counts[value.kind] += 1;
      const line = `${JSON.stringify(value)}\n`;
      hash.update(line);
      await write(line);
    }
    const trailer: BackupTrailer = {
      kind: 'trailer',
      itemCount: counts.item,
      blobCount: counts.blob,
      sha256: hash.digest('hex'),
    };
    await write(`${JSON.stringify(trailer)}\n`);
    gzip.end();
    await done;
    return trailer;
  } catch (error) {
    gzip.destroy();
    sink.destroy();
    throw error;
  }
};

async function* lines(
  header: BackupHeader,
  entries: AsyncIterable<BackupEntry>,
): AsyncIterable<BackupHeader | BackupEntry> {
  yield header;
  yield* entries;
}

const asError = (failure: unknown): Error =>
  failure instanceof Error ? failure : new Error(String(failure));
