/**
 * An ordered index: partitions by the hash of their key, entries by sort value. It serves the table itself, its
 * secondary indexes and its expiries. Partitions stand in buckets by hash, so that a scan can go on after any key,
 * also one that has been deleted, without counting from the start; a segment of a parallel scan is a range of hashes.
 */
import { comparePrimaryKeys } from './key.ts';
import type { PrimaryKey } from './key.ts';
import { compareText, compareValues } from './value.ts';
import type { AttributeValue, Item } from './value.ts';

/** One item in one index. */
export interface Entry {
  /** What the index holds of the item. */
  readonly item: Item;
  /** Bytes of `item`. */
  readonly bytes: number;
  /** The index's sort value; undefined where the index has none. */
  readonly sort: AttributeValue | undefined;
  /** The item's place in the table, which orders entries of equal sort value. */
  readonly primary: PrimaryKey;
}

export type EntryKey = Pick<Entry, 'sort' | 'primary'>;

export interface Partition {
  readonly key: string;
  readonly hash: number;
  readonly entries: Entry[];
}

const BUCKET_COUNT = 1_024;
const HASH_SPACE = 2 ** 32;
const BUCKET_WIDTH = HASH_SPACE / BUCKET_COUNT;

/** A mutable index; the table owns it alone. */
export class KeyIndex {
  readonly #partitions = new Map<string, Partition>();
  readonly #buckets: Partition[][] = Array.from({ length: BUCKET_COUNT }, () => []);
  #count = 0;
  #bytes = 0;

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The entries of a partition in order; empty when there are none. */
  entriesOf(partition: string): readonly Entry[] {
    return this.#partitions.get(partition)?.entries ?? [];
  }

  find(partition: string, key: EntryKey): Entry | undefined {
    const entries = this.#partitions.get(partition)?.entries;
    if (entries === undefined) return undefined;
    const found = entries[firstAtOrAfter(entries, key)];
    return found !== undefined && compareEntries(found, key) === 0 ? found : undefined;
  }

  /** Puts the entry in its place, over one with the same key. */
  put(partition: string, entry: Entry): void {
    const { entries } = this.#partitions.get(partition) ?? this.#open(partition);
    const place = firstAtOrAfter(entries, entry);
    const present = entries[place];
    this.#bytes += entry.bytes;
    if (present !== undefined && compareEntries(present, entry) === 0) {
      this.#bytes -= present.bytes;
      entries[place] = entry;
      return;
    }
    this.#count += 1;
    if (place === entries.length) entries.push(entry);
    else entries.splice(place, 0, entry);
  }

  remove(partition: string, key: EntryKey): void {
    const found = this.#partitions.get(partition);
    if (found === undefined) return;
    const place = firstAtOrAfter(found.entries, key);
    const present = found.entries[place];
    if (present === undefined || compareEntries(present, key) !== 0) return;
    this.#count -= 1;
    this.#bytes -= present.bytes;
    found.entries.splice(place, 1);
    if (found.entries.length === 0) this.#close(found);
  }

  /** Partitions by hash, from the given place (inclusive) to the end of a range of hashes (exclusive). */
  *partitions(from: { readonly hash: number; readonly key: string }, hashEnd: number): Iterable<Partition> {
    const firstBucket = bucketOf(from.hash);
    for (let place = firstBucket; place < BUCKET_COUNT; place += 1) {
      const bucket = this.#buckets[place] ?? [];
      const start = place === firstBucket ? firstPartitionAtOrAfter(bucket, from) : 0;
      for (const partition of bucket.slice(start)) {
        if (partition.hash >= hashEnd) return;
        yield partition;
      }
    }
  }

  #open(key: string): Partition {
    const partition = { key, hash: hashOf(key), entries: [] };
    this.#partitions.set(key, partition);
    const bucket = this.#bucketFor(partition.hash);
    bucket.splice(firstPartitionAtOrAfter(bucket, partition), 0, partition);
    return partition;
  }

  #close(partition: Partition): void {
    this.#partitions.delete(partition.key);
    const bucket = this.#bucketFor(partition.hash);
    bucket.splice(firstPartitionAtOrAfter(bucket, partition), 1);
  }

  #bucketFor(hash: number): Partition[] {
    const bucket = this.#buckets[bucketOf(hash)];
    if (bucket === undefined) throw new Error(`no bucket for the hash ${hash}`);
    return bucket;
  }
}

/** The first place whose entry meets a test that, once met, stays met. */
export const firstWhere = (entries: readonly Entry[], test: (entry: Entry) => boolean): number => {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && test(entry)) high = middle;
    else low = middle + 1;
  }
  return low;
};

/** Orders entries of one partition. */
export const compareEntries = (left: EntryKey, right: EntryKey): number => {
  if (left.sort !== undefined && right.sort !== undefined) {
    const order = compareValues(left.sort, right.sort);
    if (order !== 0) return order;
  }
  return comparePrimaryKeys(left.primary, right.primary);
};

/** 32 bits of a text (FNV-1a with a final mix), spread over the whole range. */
export const hashOf = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let place = 0; place < text.length; place += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 15)) >>> 0;
};

/** The range of hashes a segment of a parallel scan covers. */
export const segmentRange = (
  segment: number,
  segmentCount: number,
): { readonly start: number; readonly end: number } => ({
  start: Math.ceil((segment * HASH_SPACE) / segmentCount),
  end: Math.ceil(((segment + 1) * HASH_SPACE) / segmentCount),
});

const firstAtOrAfter = (entries: readonly Entry[], key: EntryKey): number => {
  const last = entries[entries.length - 1];
  // Most writes append: ledgers grow at their end.
  if (last === undefined || compareEntries(last, key) < 0) return entries.length;
  return firstWhere(entries, (entry) => compareEntries(entry, key) >= 0);
};

const bucketOf = (hash: number): number => Math.floor(hash / BUCKET_WIDTH);

const comparePartitions = (
  left: { readonly hash: number; readonly key: string },
  right: { readonly hash: number; readonly key: string },
): number => left.hash - right.hash || compareText(left.key, right.key);

const firstPartitionAtOrAfter = (
  bucket: readonly Partition[],
  from: { readonly hash: number; readonly key: string },
): number => {
  let low = 0;
  let high = bucket.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const partition = bucket[middle];
    if (partition !== undefined && comparePartitions(partition, from) >= 0) high = middle;
    else low = middle + 1;
  }
  return low;
};
