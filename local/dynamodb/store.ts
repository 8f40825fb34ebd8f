/**
 * The state of the engine and the one way to change it: a journal entry is applied to memory and then appended, and
 * at boot the same entries are applied again, so that what is restored, streams included, equals what was lost.
 */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { EngineSetting } from '#local/kernel/engine.ts';
import type { TableDefinition } from './definition.ts';
import { keyAttributes, keyOf, primaryKeyOf } from './key.ts';
import { appendChange, createStream, RETENTION_MS } from './stream.ts';
import type { Shard, Stream } from './stream.ts';
import { changeItem, createTable, entryOf, findItem, redefineTable } from './table.ts';
import type { ItemChange, Table } from './table.ts';
import type { Item } from './value.ts';

/** A write to one item. */
export type Write =
  | readonly [kind: 'put', tableName: string, item: Item]
  | readonly [kind: 'delete', tableName: string, key: Item]
  | readonly [kind: 'expire', tableName: string, key: Item];

/** The memory of a transaction that carried a client token. */
export interface TokenMark {
  readonly token: string;
  readonly fingerprint: string;
}

/** A change of state, as the journal keeps it. */
export type StoreEntry =
  | readonly [kind: 'table', atMs: number, definition: TableDefinition]
  | readonly [kind: 'drop', atMs: number, tableName: string]
  | readonly [kind: 'write', atMs: number, ...write: Write]
  | readonly [kind: 'transaction', atMs: number, writes: readonly Write[], mark: TokenMark | null];

export interface Store {
  readonly setting: EngineSetting;
  readonly tables: Map<string, Table>;
  /** Streams by ARN, those switched off within the last day included. */
  readonly streams: Map<string, Stream>;
  readonly tokens: Map<string, { readonly fingerprint: string; readonly atMs: number }>;
  /** Records all streams have ever had. */
  recordCount: number;
  /** Shards with records their listeners have not heard of. */
  readonly touched: Map<Shard, Stream>;
}

/** How long a client token is remembered. */
export const TOKEN_MS = 600_000;

/** An empty store. */
export const createStore = (setting: EngineSetting): Store => ({
  setting,
  tables: new Map(),
  streams: new Map(),
  tokens: new Map(),
  recordCount: 0,
  touched: new Map(),
});

/** Changes tables as the entry says, and journals it. */
export const commitTable = (store: Store, entry: StoreEntry): void => {
  apply(store, entry);
  append(store, entry);
};

/** Makes one change of an item, and journals it. */
export const commitChange = (store: Store, change: ItemChange, isExpiry = false): void => {
  const atMs = store.setting.clock.nowMs();
  makeChange(store, change, { atMs, isExpiry });
  append(store, ['write', atMs, ...writeOf(change, isExpiry)]);
};

/** Makes several changes as one, and journals them as one. */
export const commitTransaction = (
  store: Store,
  changes: readonly ItemChange[],
  mark: TokenMark | undefined,
): void => {
  const atMs = store.setting.clock.nowMs();
  for (const change of changes) makeChange(store, change, { atMs, isExpiry: false });
  if (mark !== undefined) rememberToken(store, mark, atMs);
  append(store, ['transaction', atMs, changes.map((change) => writeOf(change, false)), mark ?? null]);
};

/** Changes the state as the entry says. */
export const apply = (store: Store, entry: StoreEntry): void => {
  switch (entry[0]) {
    case 'table':
      applyDefinition(store, entry[1], entry[2]);
      return;
    case 'drop':
      applyDrop(store, entry[1], entry[2]);
      return;
    case 'write': {
      const [, atMs, ...write] = entry;
      applyWrite(store, atMs, write);
      return;
    }
    case 'transaction': {
      const [, atMs, writes, mark] = entry;
      for (const write of writes) applyWrite(store, atMs, write);
      if (mark !== null) rememberToken(store, mark, atMs);
      return;
    }
  }
};

/** The table of that name or ARN, or the refusal of item operations. */
export const requireTable = (store: Store, nameOrArn: string): Table => {
  const table = store.tables.get(tableNameOf(nameOrArn));
  if (table === undefined) {
    throw new AwsError('ResourceNotFoundException', 'Requested resource not found');
  }
  return table;
};

/** The name in a table's ARN; a name is returned as it is. */
export const tableNameOf = (nameOrArn: string): string =>
  nameOrArn.startsWith('arn:') ? (nameOrArn.split('/')[1] ?? nameOrArn) : nameOrArn;

/** The table's stream, when it is on. */
export const streamOf = (store: Store, table: Table): Stream | undefined =>
  table.definition.stream && store.streams.get(table.definition.stream.arn);

/** Tells the listeners of streams about new records; called when an operation has ended. */
export const notifyListeners = (store: Store): void => {
  if (store.touched.size === 0) return;
  const touched = [...store.touched];
  store.touched.clear();
  for (const [shard, stream] of touched) {
    for (const listener of stream.listeners) listener(shard.id);
  }
};

const append = (store: Store, entry: StoreEntry): void => store.setting.journal.append('dynamodb', entry);

const writeOf = ({ table, before, after }: ItemChange, isExpiry: boolean): Write => {
  const { name, keys } = table.definition;
  if (after !== undefined) return ['put', name, after.item];
  if (before === undefined) throw new Error('a change without an item before or after it');
  return [isExpiry ? 'expire' : 'delete', name, keyOf(keys, before.item)];
};

const applyWrite = (store: Store, atMs: number, [kind, tableName, given]: Write): void => {
  const table = store.tables.get(tableName);
  if (table === undefined) throw new Error(`a write to the table ${tableName}, which does not exist`);
  const before = findItem(table, primaryKeyOf(table.definition.keys, given));
  const after = kind === 'put' ? entryOf(table, given) : undefined;
  makeChange(store, { table, before, after }, { atMs, isExpiry: kind === 'expire' });
};

const makeChange = (
  store: Store,
  change: ItemChange,
  when: { readonly atMs: number; readonly isExpiry: boolean },
): void => {
  changeItem(change);
  const stream = streamOf(store, change.table);
  if (stream === undefined) return;
  store.recordCount += 1;
  const { region } = store.setting;
  const shard = appendChange(stream, change, { ...when, region, recordCount: store.recordCount });
  if (stream.listeners.size > 0) store.touched.set(shard, stream);
};

const applyDefinition = (store: Store, atMs: number, definition: TableDefinition): void => {
  const present = store.tables.get(definition.name);
  const next = present ? redefineTable(present, definition) : createTable(definition);
  store.tables.set(definition.name, next);
  const former = present?.definition.stream;
  if (former !== undefined && former.arn !== definition.stream?.arn) closeStream(store, former.arn, atMs);
  if (definition.stream !== undefined && !store.streams.has(definition.stream.arn)) {
    const keyNames = keyAttributes(definition.keys).map(({ name }) => name);
    store.streams.set(definition.stream.arn, createStream(definition.stream, definition.name, keyNames));
  }
};

const applyDrop = (store: Store, atMs: number, tableName: string): void => {
  const stream = store.tables.get(tableName)?.definition.stream;
  store.tables.delete(tableName);
  if (stream !== undefined) closeStream(store, stream.arn, atMs);
};

const closeStream = (store: Store, arn: string, atMs: number): void => {
  const stream = store.streams.get(arn);
  if (stream !== undefined) stream.closedAtMs = atMs;
  for (const [other, { closedAtMs }] of store.streams) {
    if (closedAtMs !== undefined && closedAtMs <= atMs - RETENTION_MS) store.streams.delete(other);
  }
};

const rememberToken = (store: Store, { token, fingerprint }: TokenMark, atMs: number): void => {
  // Marks are in the order of their time, so the forgotten ones are the first.
  for (const [old, mark] of store.tokens) {
    if (mark.atMs > atMs - TOKEN_MS) break;
    store.tokens.delete(old);
  }
  store.tokens.delete(token);
  store.tokens.set(token, { fingerprint, atMs });
};
