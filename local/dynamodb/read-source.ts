/** What a query or scan reads: the table or one of its indexes, which attributes, and where it goes on. */
import { validation } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { Projection } from './expression/projection.ts';
import { keyAttributes, partitionText, pick, primaryKeyOf } from './key.ts';
import type { KeyAttribute, KeySchema } from './key.ts';
import type { EntryKey, KeyIndex } from './key-index.ts';
import { parseItem } from './parse-value.ts';
import { optionalChoice, optionalFlag, optionalRecord, optionalText } from './request.ts';
import type { SecondaryIndex, Table } from './table.ts';
import { attributeOf, typeOf } from './value.ts';
import type { Item } from './value.ts';

export interface ReadSource {
  readonly table: Table;
  readonly indexName: string | undefined;
  readonly keys: KeySchema;
  readonly entries: KeyIndex;
}

/** A place between two entries, just after the one an earlier page ended with. */
export interface StartPlace {
  readonly partition: string;
  readonly key: EntryKey;
}

export type Select = 'ALL_ATTRIBUTES' | 'ALL_PROJECTED_ATTRIBUTES' | 'SPECIFIC_ATTRIBUTES' | 'COUNT';

const SELECTS: readonly Select[] = [
  'SPECIFIC_ATTRIBUTES',
  'COUNT',
  'ALL_ATTRIBUTES',
  'ALL_PROJECTED_ATTRIBUTES',
];

/** The table, or the index the request names. */
export const readSource = (table: Table, input: Json): ReadSource => {
  const indexName = optionalText(input, 'IndexName');
  if (indexName === undefined) {
    return { table, indexName, keys: table.definition.keys, entries: table.items };
  }
  const index = table.indexes.get(indexName);
  if (index === undefined) {
    throw validation(`The table does not have the specified index: ${indexName}`);
  }
  if (optionalFlag(input, 'ConsistentRead') === true) {
    throw validation('Consistent reads are not supported on global secondary indexes');
  }
  return { table, indexName, keys: index.definition.keys, entries: index.entries };
};

/** What the caller wants to see; refuses a choice that the projection or the index contradicts. */
export const readSelect = (
  input: Json,
  source: ReadSource,
  projection: Projection | undefined,
): Select | undefined => {
  const select = optionalChoice(input, 'Select', SELECTS);
  if (projection !== undefined && select !== undefined && select !== 'SPECIFIC_ATTRIBUTES') {
    throw validation(
      select === 'COUNT'
        ? 'Cannot specify the ProjectionExpression when choosing to get only the Count'
        : `Cannot specify the ProjectionExpression when choosing to get ${select}`,
    );
  }
  if (select === 'SPECIFIC_ATTRIBUTES' && projection === undefined) {
    throw validation(
      'Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES',
    );
  }
  const index = source.indexName === undefined ? undefined : source.table.indexes.get(source.indexName);
  if (index !== undefined) refuseUnprojected(source.table, index, { select, projection });
  else if (select === 'ALL_PROJECTED_ATTRIBUTES') {
    throw validation('ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName');
  }
  return select;
};

/** Where the page begins; undefined for the first page. */
export const readStart = (input: Json, source: ReadSource): StartPlace | undefined => {
  const given = optionalRecord(input, 'ExclusiveStartKey');
  if (given === undefined) return undefined;
  const item = parseItem(given);
  const attributes = pageKeyAttributes(source);
  const isExact =
    Object.keys(item).length === attributes.length &&
    attributes.every(({ name, type }) => {
      const value = attributeOf(item, name);
      return value !== undefined && typeOf(value) === type;
    });
  const hash = attributeOf(item, source.keys.hash.name);
  if (!isExact || hash === undefined) throw validation('The provided starting key is invalid');
  const primary = primaryKeyOf(source.table.definition.keys, item);
  const sort = source.keys.range && attributeOf(item, source.keys.range.name);
  return { partition: partitionText(hash), key: { sort, primary } };
};

/** The key a page ends with: the table's key and the index's. */
export const pageKey = (source: ReadSource, item: Item): Item => pick(item, pageKeyAttributes(source));

const pageKeyAttributes = ({ table, keys }: ReadSource): readonly KeyAttribute[] => {
  const own = keyAttributes(table.definition.keys);
  const further = keyAttributes(keys).filter(({ name }) => own.every((one) => one.name !== name));
  return [...own, ...further];
};

const refuseUnprojected = (
  table: Table,
  { definition }: SecondaryIndex,
  wanted: { readonly select: Select | undefined; readonly projection: Projection | undefined },
): void => {
  if (definition.projection.type === 'ALL') return;
  if (wanted.select === 'ALL_ATTRIBUTES') {
    throw validation(
      'One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global ' +
        `secondary index ${definition.name} because its projection type is not ALL`,
    );
  }
  const held = new Set([
    ...keyAttributes(table.definition.keys).map(({ name }) => name),
    ...keyAttributes(definition.keys).map(({ name }) => name),
    ...(definition.projection.type === 'INCLUDE' ? definition.projection.attributes : []),
  ]);
  const missing = wanted.projection?.paths.map(([name]) => name).filter((name) => !held.has(name)) ?? [];
  if (missing.length > 0) {
    throw validation(
      'One or more parameter values were invalid: Global secondary index ' +
        `${definition.name} does not project [${missing.join(', ')}]`,
    );
  }
};
