/** The whole state as entries that rebuild it from nothing: untrimmed stream records, counters and tokens included. */
import type { JournalEntry } from '#local/kernel/journal.ts';
import type { StreamDefinition } from './definition.ts';
import { apply } from './store.ts';
import type { Store, StoreEntry, TokenMark } from './store.ts';
import { createStream, heldRecords, trim } from './stream.ts';
import type { Shard, Stream, StreamRecord } from './stream.ts';
import { allEntries, changeItem, entryOf } from './table.ts';
import type { Item } from './value.ts';

type SnapshotEntry =
  | readonly [kind: 'count', recordCount: number]
  | readonly [kind: 'stream', head: StreamHead]
  | readonly [kind: 'shard', arn: string, place: number, trimmedCount: number, trimmedThrough: string | null]
  | readonly [kind: 'records', arn: string, place: number, records: readonly StreamRecord[]]
  | readonly [kind: 'row', tableName: string, item: Item]
  | readonly [kind: 'token', atMs: number, mark: TokenMark];

interface StreamHead {
  readonly definition: StreamDefinition;
  readonly tableName: string;
  readonly keyNames: readonly string[];
  readonly closedAtMs: number | null;
}

const RECORDS_PER_ENTRY = 200;

/** Entries for `restoreEntry`; read them before the state changes. */
export function* snapshotOf(store: Store): Iterable<JournalEntry> {
  yield entry(['count', store.recordCount]);
  for (const stream of store.streams.values()) yield* streamEntries(store, stream);
  for (const { definition, items } of store.tables.values()) {
    yield ['table', definition.createdAtMs, definition];
    for (const { item } of allEntries(items)) yield entry(['row', definition.name, item]);
  }
  for (const [token, { atMs, fingerprint }] of store.tokens) {
    yield entry(['token', atMs, { token, fingerprint }]);
  }
}

/** Applies an entry of the journal or of a snapshot. */
export const restoreEntry = (store: Store, given: JournalEntry): void => {
  // The journal gives back what this engine wrote.
  const restored = given as unknown as StoreEntry | SnapshotEntry;
  switch (restored[0]) {
    case 'count':
      store.recordCount = restored[1];
      return;
    case 'stream':
      restoreStream(store, restored[1]);
      return;
    case 'shard': {
      const shard = shardAt(store, restored[1], restored[2]);
      shard.trimmedCount = restored[3];
      shard.trimmedThrough = restored[4] ?? undefined;
      return;
    }
    case 'records':
      shardAt(store, restored[1], restored[2]).records.push(...restored[3]);
      return;
    case 'row':
      restoreRow(store, restored[1], restored[2]);
      return;
    case 'token': {
      const [, atMs, { token, fingerprint }] = restored;
      store.tokens.set(token, { fingerprint, atMs });
      return;
    }
    case 'table':
    case 'drop':
    case 'write':
    case 'transaction':
      apply(store, restored);
      return;
  }
};

const entry = (snapshotEntry: SnapshotEntry): JournalEntry => snapshotEntry;

function* streamEntries(store: Store, stream: Stream): Iterable<JournalEntry> {
  const { definition, tableName, keyNames, closedAtMs } = stream;
  yield entry(['stream', { definition, tableName, keyNames, closedAtMs: closedAtMs ?? null }]);
  for (const [place, shard] of stream.shards.entries()) {
    trim(shard, store.setting.clock.nowMs());
    yield entry(['shard', definition.arn, place, shard.trimmedCount, shard.trimmedThrough ?? null]);
    const records = heldRecords(shard);
    for (let start = 0; start < records.length; start += RECORDS_PER_ENTRY) {
      yield entry(['records', definition.arn, place, records.slice(start, start + RECORDS_PER_ENTRY)]);
    }
  }
}

const restoreStream = (store: Store, head: StreamHead): void => {
  const stream = createStream(head.definition, head.tableName, head.keyNames);
  stream.closedAtMs = head.closedAtMs ?? undefined;
  store.streams.set(head.definition.arn, stream);
};

const restoreRow = (store: Store, tableName: string, item: Item): void => {
  const table = store.tables.get(tableName);
  if (table === undefined) throw new Error(`a snapshot row of the table ${tableName}, which it lacks`);
  changeItem({ table, before: undefined, after: entryOf(table, item) });
};

const shardAt = (store: Store, arn: string, place: number): Shard => {
  const shard = store.streams.get(arn)?.shards[place];
  if (shard === undefined) throw new Error(`a snapshot shard of the stream ${arn}, which it lacks`);
  return shard;
};
