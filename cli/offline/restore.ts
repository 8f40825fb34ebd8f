/**
 * Puts a backup into an empty ledger: bodies first, then each stream's items in order, up to the first gap. The
 * compactor and the publisher see them as they would see new commits; when the read models equal a rebuild, the
 * restore is done, and the next sweep takes up whatever was under way.
 */
import type { Item } from '#adapters/dynamodb/attributes.ts';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import type { BackupItem } from '#cli/offline/backup-format.ts';
import { backupEntries, checkBackup } from '#cli/offline/backup-reader.ts';
import type { Stores } from '#cli/offline/stores.ts';
import { groupBy } from '#domain/kernel/group-by.ts';

/** What was put. */
export interface RestoreReport {
  /** When the backup was taken. */
  readonly createdAt: string;
  readonly itemCount: number;
  readonly blobCount: number;
  /** Items behind a gap of their stream, which were left out. */
  readonly cutItemCount: number;
}

type RestoreStores = Pick<Stores, 'items' | 'blobs' | 'forgetSweep'>;

/** Checks the file, refuses a ledger that is not empty, and restores; nothing is written before both hold. */
export const restore = async (stores: RestoreStores, file: string): Promise<RestoreReport> => {
  const { header } = await checkBackup(file);
  if (!(await stores.items.isEmpty()))
    throw new CliError(
      'ledger_not_empty',
      'the ledger holds commits already: restore into a new state directory or a new stage',
      { exitCode: exitCodes.portOrState },
    );
  const blobCount = await restoreBlobs(stores, file);
  const counts = await restoreItems(stores, file);
  await stores.forgetSweep();
  return { createdAt: header.createdAt, blobCount, ...counts };
};

const restoreBlobs = async ({ blobs }: RestoreStores, file: string): Promise<number> => {
  let count = 0;
  for await (const entry of backupEntries(file)) {
    if (entry.kind !== 'blob') continue;
    const { key, body, contentEncoding } = entry;
    await blobs.put({
      key,
      body: Buffer.from(body, 'base64'),
      ...(contentEncoding === undefined ? {} : { contentEncoding }),
    });
    count += 1;
  }
  return count;
};

const ITEMS_AT_ONCE = 500;

const restoreItems = async (
  { items }: RestoreStores,
  file: string,
): Promise<{ readonly itemCount: number; readonly cutItemCount: number }> => {
  const isKept = gaplessPrefix();
  let waiting: BackupItem['item'][] = [];
  let [itemCount, cutItemCount] = [0, 0];
  const flush = async (): Promise<void> => {
    // Streams side by side, each in order: a compactor never finds a gap that is not filled yet.
    const streams = groupBy(waiting, (item) => textOf(item, 'stream'));
    await Promise.all([...streams.values()].map((group) => putInOrder(items, group)));
    itemCount += waiting.length;
    waiting = [];
  };
  for await (const entry of backupEntries(file)) {
    if (entry.kind !== 'item') continue;
    if (isKept(entry.item)) waiting.push(entry.item);
    else cutItemCount += 1;
    if (waiting.length >= ITEMS_AT_ONCE) await flush();
  }
  await flush();
  return { itemCount, cutItemCount };
};

const putInOrder = async (items: Stores['items'], group: readonly BackupItem['item'][]): Promise<void> => {
  for (const item of group) {
    if (await items.put(asItem(item))) continue;
    throw new CliError(
      'restore_disturbed',
      `somebody wrote to ${textOf(item, 'stream')} while it was restored; start again with an empty ledger and keep callers and producers away`,
      { exitCode: exitCodes.portOrState },
    );
  }
};

/**
 * Tells, for items in the order of a backup, which belong to a stream without gaps: its commits from 1 on, its
 * document, and the states kept of commits that belong to it.
 */
export const gaplessPrefix = (): ((item: BackupItem['item']) => boolean) => {
  let current: string | undefined;
  let next = 1;
  return (item) => {
    const stream = textOf(item, 'stream');
    if (stream !== current) [current, next] = [stream, 1];
    const sequence = Number(numberOf(item, 'sequence'));
    if (!Number.isInteger(sequence)) return sequence < next;
    if (sequence === 0) return true;
    if (sequence !== next) return false;
    next += Number(numberOf(item, 'count'));
    return true;
  };
};

const textOf = (item: BackupItem['item'], name: string): string => {
  const value = item[name];
  return value && 'S' in value ? value.S : '';
};

const numberOf = (item: BackupItem['item'], name: string): string => {
  const value = item[name];
  return value && 'N' in value ? value.N : '1';
};

const asItem = (item: BackupItem['item']): Item =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      'B' in value ? { B: Buffer.from(value.B, 'base64') } : value,
    ]),
  );
