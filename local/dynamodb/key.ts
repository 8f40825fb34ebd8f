/** Key schemas and keys: which attributes identify an item, and what a key may hold. */
import { validation } from '#local/kernel/aws-error.ts';
import { binarySize } from './size.ts';
import { attributeOf, compareText, compareValues, typeOf } from './value.ts';
import type { AttributeValue, Item, KeyType } from './value.ts';

export interface KeyAttribute {
  readonly name: string;
  readonly type: KeyType;
}

export interface KeySchema {
  readonly hash: KeyAttribute;
  readonly range?: KeyAttribute;
}

/** An item's place in a table: its partition as text, and its sort value where the table has one. */
export interface PrimaryKey {
  readonly partition: string;
  readonly sort: AttributeValue | undefined;
}

const HASH_BYTES_MAX = 2_048;
const RANGE_BYTES_MAX = 1_024;

/** The attributes of a schema, hash first. */
export const keyAttributes = ({ hash, range }: KeySchema): readonly KeyAttribute[] =>
  range ? [hash, range] : [hash];

/** A text that differs for different values of one key attribute. */
export const partitionText = (value: AttributeValue): string => {
  if ('S' in value) return value.S;
  if ('N' in value) return value.N;
  return 'B' in value ? value.B : '';
};

/** Orders keys within a table; only keys of one table are comparable. */
export const comparePrimaryKeys = (left: PrimaryKey, right: PrimaryKey): number => {
  const order = compareText(left.partition, right.partition);
  if (order !== 0 || left.sort === undefined || right.sort === undefined) return order;
  return compareValues(left.sort, right.sort);
};

/** Only the key attributes of an item that has been checked. */
export const keyOf = ({ hash, range }: KeySchema, item: Item): Item => {
  const hashValue = requireAttribute(item, hash.name);
  return range
    ? { [hash.name]: hashValue, [range.name]: requireAttribute(item, range.name) }
    : { [hash.name]: hashValue };
};

/** The named attributes of an item, those it has. */
export const pick = (item: Item, attributes: readonly { readonly name: string }[]): Item => {
  const picked: [string, AttributeValue][] = [];
  for (const { name } of attributes) {
    const value = attributeOf(item, name);
    if (value !== undefined) picked.push([name, value]);
  }
  return Object.fromEntries(picked);
};

/** The place of an item that has been checked. */
export const primaryKeyOf = ({ hash, range }: KeySchema, item: Item): PrimaryKey => ({
  partition: partitionText(requireAttribute(item, hash.name)),
  sort: range && requireAttribute(item, range.name),
});

/** Checks a `Key` parameter: the key attributes and nothing else. */
export const requireKey = (schema: KeySchema, key: Item): PrimaryKey => {
  const attributes = keyAttributes(schema);
  const isExact =
    Object.keys(key).length === attributes.length &&
    attributes.every(({ name, type }) => {
      const value = attributeOf(key, name);
      return value !== undefined && typeOf(value) === type;
    });
  if (!isExact) throw validation('The provided key element does not match the schema');
  for (const attribute of attributes) refuseBadContent(schema, attribute, key);
  return primaryKeyOf(schema, key);
};

/** Checks the key attributes of an item that is to be stored. */
export const requireItemKey = (schema: KeySchema, item: Item): PrimaryKey => {
  requireItemAttribute(schema, schema.hash, item);
  if (schema.range) requireItemAttribute(schema, schema.range, item);
  return primaryKeyOf(schema, item);
};

/** Checks the attributes of an item that are keys of a secondary index; they may be missing. */
export const requireIndexKey = (schema: KeySchema, indexName: string, item: Item): void => {
  for (const attribute of keyAttributes(schema)) {
    const { name, type } = attribute;
    const value = attributeOf(item, name);
    if (value === undefined) continue;
    if (typeOf(value) !== type) {
      throw validation(
        'One or more parameter values were invalid: Type mismatch for Index Key ' +
          `${name} Expected: ${type} Actual: ${typeOf(value)} IndexName: ${indexName}`,
      );
    }
    if (isEmpty(value)) {
      throw validation(
        'One or more parameter values are not valid. A value specified for a secondary index key is not ' +
          'supported. The AttributeValue for a key attribute cannot contain an empty ' +
          `${emptyName(value)} value. IndexName: ${indexName}, IndexKey: ${name}`,
      );
    }
    refuseLong(schema, attribute, value);
  }
};

const requireAttribute = (item: Item, name: string): AttributeValue => {
  const value = attributeOf(item, name);
  if (value === undefined) throw new Error(`an item without its key ${name}`);
  return value;
};

const requireItemAttribute = (schema: KeySchema, attribute: KeyAttribute, item: Item): void => {
  const { name, type } = attribute;
  const value = attributeOf(item, name);
  if (value === undefined) {
    throw validation(`One or more parameter values were invalid: Missing the key ${name} in the item`);
  }
  if (typeOf(value) !== type) {
    throw validation(
      'One or more parameter values were invalid: ' +
        `Type mismatch for key ${name} expected: ${type} actual: ${typeOf(value)}`,
    );
  }
  refuseBadContent(schema, attribute, item);
};

const refuseBadContent = (schema: KeySchema, attribute: KeyAttribute, item: Item): void => {
  const value = attributeOf(item, attribute.name);
  if (value === undefined) return;
  if (isEmpty(value)) {
    throw validation(
      'One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain ' +
        `an empty ${emptyName(value)} value. Key: ${attribute.name}`,
    );
  }
  refuseLong(schema, attribute, value);
};

const isEmpty = (value: AttributeValue): boolean =>
  ('S' in value && value.S === '') || ('B' in value && value.B === '');

const emptyName = (value: AttributeValue): string => ('S' in value ? 'string' : 'binary');

const refuseLong = (schema: KeySchema, attribute: KeyAttribute, value: AttributeValue): void => {
  const bytes = keyBytes(value);
  if (attribute === schema.hash && bytes > HASH_BYTES_MAX) {
    throw validation(
      'One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit ' +
        `of${HASH_BYTES_MAX} bytes`,
    );
  }
  if (attribute === schema.range && bytes > RANGE_BYTES_MAX) {
    throw validation(
      'One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size ' +
        `limit of ${RANGE_BYTES_MAX} bytes`,
    );
  }
};

const keyBytes = (value: AttributeValue): number => {
  if ('S' in value) return Buffer.byteLength(value.S);
  return 'B' in value ? binarySize(value.B) : 0;
};
