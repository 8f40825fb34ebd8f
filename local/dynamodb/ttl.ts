/** Time to live: items whose expiry, in seconds, has passed are deleted by the service itself. */
import { firstWhere } from './key-index.ts';
import type { Entry } from './key-index.ts';
import { compareNumbers } from './number.ts';
import { commitChange } from './store.ts';
import type { Store } from './store.ts';
import { EXPIRY_PARTITION, findItem } from './table.ts';
import type { Table } from './table.ts';

/** Expiries that lie further back are taken for mistakes and left alone. */
const OLDEST_EXPIRY_SECONDS = 5 * 365 * 86_400;

/** Deletes what has expired and gives the number of items. */
export const sweepExpired = (store: Store): number => {
  const nowMs = store.setting.clock.nowMs();
  let count = 0;
  for (const table of store.tables.values()) {
    for (const { primary } of expiredEntries(table, nowMs)) {
      commitChange(store, { table, before: findItem(table, primary), after: undefined }, true);
      count += 1;
    }
  }
  return count;
};

/** The instant at which the next item will have expired; undefined when none ever will. */
export const nextExpiryMs = (store: Store): number | undefined => {
  const oldest = oldestExpirySeconds(store.setting.clock.nowMs());
  let next: number | undefined;
  for (const { expiries } of store.tables.values()) {
    const entries = expiries?.entriesOf(EXPIRY_PARTITION) ?? [];
    const entry = entries[firstWhere(entries, (candidate) => expiryOf(candidate, oldest) >= 0)];
    if (entry?.sort === undefined || !('N' in entry.sort)) continue;
    const atMs = (Math.floor(Number(entry.sort.N)) + 1) * 1_000;
    next = next === undefined ? atMs : Math.min(next, atMs);
  }
  return next;
};

const expiredEntries = ({ expiries }: Table, nowMs: number): readonly Entry[] => {
  const entries = expiries?.entriesOf(EXPIRY_PARTITION) ?? [];
  const oldest = oldestExpirySeconds(nowMs);
  const now = String(Math.floor(nowMs / 1_000));
  return entries.slice(
    firstWhere(entries, (entry) => expiryOf(entry, oldest) >= 0),
    firstWhere(entries, (entry) => expiryOf(entry, now) >= 0),
  );
};

const oldestExpirySeconds = (nowMs: number): string =>
  String(Math.floor(nowMs / 1_000) - OLDEST_EXPIRY_SECONDS);

/** How an entry's expiry stands to an instant in seconds. */
const expiryOf = ({ sort }: Entry, seconds: string): number =>
  sort !== undefined && 'N' in sort ? compareNumbers(sort.N, seconds) : NaN;
