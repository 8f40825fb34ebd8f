/** A table in memory: its items, its secondary indexes and the order in which items expire. */
import type { IndexDefinition, TableDefinition } from './definition.ts';
import { keyAttributes, partitionText, pick, primaryKeyOf } from './key.ts';
import type { PrimaryKey } from './key.ts';
import { compareEntries, KeyIndex } from './key-index.ts';
import type { Entry } from './key-index.ts';
import { itemSize } from './size.ts';
import { attributeOf } from './value.ts';
import type { AttributeValue, Item } from './value.ts';

export interface SecondaryIndex {
  readonly definition: IndexDefinition;
  readonly entries: KeyIndex;
}

export interface Table {
  readonly definition: TableDefinition;
  readonly items: KeyIndex;
  readonly indexes: ReadonlyMap<string, SecondaryIndex>;
  /** Items with an expiry, in its order, all in one partition; undefined without time to live. */
  readonly expiries: KeyIndex | undefined;
}

/** What an item was and becomes; undefined where there is none. */
export interface ItemChange {
  readonly table: Table;
  readonly before: Entry | undefined;
  readonly after: Entry | undefined;
}

/** The partition of `expiries`. */
export const EXPIRY_PARTITION = '';

/** An item's place in one index. */
export interface Placement {
  readonly partition: string;
  readonly entry: Entry;
}

/** An empty table. */
export const createTable = (definition: TableDefinition): Table => ({
  definition,
  items: new KeyIndex(),
  indexes: new Map(
    definition.indexes.map((index) => [index.name, { definition: index, entries: new KeyIndex() }]),
  ),
  expiries: definition.expiryAttribute === undefined ? undefined : new KeyIndex(),
});

/** The table under another definition: it keeps its items, drops indexes and fills new ones. */
export const redefineTable = (table: Table, definition: TableDefinition): Table => {
  const next: Table = {
    definition,
    items: table.items,
    indexes: new Map(
      definition.indexes.map((index) => [
        index.name,
        { definition: index, entries: table.indexes.get(index.name)?.entries ?? new KeyIndex() },
      ]),
    ),
    expiries: definition.expiryAttribute === undefined ? undefined : new KeyIndex(),
  };
  const fresh = [...next.indexes.values()].filter(({ definition: { name } }) => !table.indexes.has(name));
  for (const entry of allEntries(table.items)) {
    for (const index of fresh) putPlacement(index.entries, placementIn(next, index.definition, entry));
    if (next.expiries) putPlacement(next.expiries, expiryPlacement(next, entry));
  }
  return next;
};

/** The item at a key. */
export const findItem = (table: Table, primary: PrimaryKey): Entry | undefined =>
  table.items.find(primary.partition, { sort: primary.sort, primary });

/** Makes the change in the table and its indexes. */
export const changeItem = ({ table, before, after }: ItemChange): void => {
  if (after !== undefined) table.items.put(after.primary.partition, after);
  else if (before !== undefined) table.items.remove(before.primary.partition, before);
  replaceInIndexes(table, before, after);
};

/** The entry of a stored item. */
export const entryOf = ({ definition }: Table, item: Item): Entry => {
  const primary = primaryKeyOf(definition.keys, item);
  return { item, bytes: itemSize(item), sort: primary.sort, primary };
};

/** Where an item stands in a secondary index; undefined when it lacks one of the index's keys. */
export const placementIn = (
  { definition }: Table,
  index: IndexDefinition,
  entry: Entry | undefined,
): Placement | undefined => {
  const hash = entry && attributeOf(entry.item, index.keys.hash.name);
  if (entry === undefined || hash === undefined) return undefined;
  const sort = index.keys.range && attributeOf(entry.item, index.keys.range.name);
  if (index.keys.range !== undefined && sort === undefined) return undefined;
  const item = projectedItem(definition, index, entry.item);
  const bytes = item === entry.item ? entry.bytes : itemSize(item);
  return { partition: partitionText(hash), entry: { item, bytes, sort, primary: entry.primary } };
};

/** Every entry of an index, by the hash of its partition. */
export function* allEntries(index: KeyIndex): Iterable<Entry> {
  for (const partition of index.partitions({ hash: 0, key: '' }, Infinity)) yield* partition.entries;
}

const replaceInIndexes = (table: Table, before: Entry | undefined, after: Entry | undefined): void => {
  for (const { definition, entries } of table.indexes.values()) {
    replace(entries, placementIn(table, definition, before), placementIn(table, definition, after));
  }
  if (table.expiries) {
    replace(table.expiries, expiryPlacement(table, before), expiryPlacement(table, after));
  }
};

const replace = (index: KeyIndex, from: Placement | undefined, to: Placement | undefined): void => {
  const isSamePlace =
    from !== undefined &&
    to !== undefined &&
    from.partition === to.partition &&
    compareEntries(from.entry, to.entry) === 0;
  if (from !== undefined && !isSamePlace) index.remove(from.partition, from.entry);
  putPlacement(index, to);
};

const putPlacement = (index: KeyIndex, placement: Placement | undefined): void => {
  if (placement !== undefined) index.put(placement.partition, placement.entry);
};

const expiryPlacement = ({ definition }: Table, entry: Entry | undefined): Placement | undefined => {
  if (entry === undefined || definition.expiryAttribute === undefined) return undefined;
  const sort: AttributeValue | undefined = attributeOf(entry.item, definition.expiryAttribute);
  if (sort === undefined || !('N' in sort)) return undefined;
  return { partition: EXPIRY_PARTITION, entry: { ...entry, sort } };
};

const projectedItem = (table: TableDefinition, index: IndexDefinition, item: Item): Item => {
  if (index.projection.type === 'ALL') return item;
  const keys = [...keyAttributes(table.keys), ...keyAttributes(index.keys)];
  const included =
    index.projection.type === 'INCLUDE' ? index.projection.attributes.map((name) => ({ name })) : [];
  return pick(item, [...keys, ...included]);
};
