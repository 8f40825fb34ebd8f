/** Reads what CreateTable and UpdateTable declare, with the refusals of the service. */
import { validation } from '#local/kernel/aws-error.ts';
import type { AwsError } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { IndexDefinition, IndexProjection, StreamView, TableDefinition } from './definition.ts';
import { keyAttributes } from './key.ts';
import type { KeySchema } from './key.ts';
import {
  constraint,
  optionalChoice,
  optionalFlag,
  optionalRecord,
  optionalRecords,
  requiredRecord,
  requiredRecords,
  requiredText,
} from './request.ts';
import type { KeyType } from './value.ts';

/** The declared types of attributes. */
export type AttributeTypes = ReadonlyMap<string, KeyType>;

const INDEXES_MAX = 20;

/** Refuses a table name outside 3 to 255 characters of a-z, A-Z, 0-9, `_`, `.` and `-`. */
export const requireTableName = (input: Json): string => {
  const name = requiredText(input, 'TableName');
  if (!/^[a-zA-Z0-9_.-]+$/.test(name)) {
    throw constraint(
      `'${name}'`,
      'TableName',
      'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+',
    );
  }
  if (name.length < 3 || name.length > 255) {
    throw validation('TableName must be at least 3 characters long and at most 255 characters long');
  }
  return name;
};

/** Reads `AttributeDefinitions`. */
export const readAttributeTypes = (definitions: readonly Json[]): AttributeTypes => {
  const types = new Map<string, KeyType>();
  for (const definition of definitions) {
    const name = requiredText(definition, 'AttributeName');
    requiredText(definition, 'AttributeType');
    const type = optionalChoice(definition, 'AttributeType', ['B', 'N', 'S']);
    if (types.has(name)) throw invalid('Duplicate AttributeName in AttributeDefinitions');
    if (type !== undefined) types.set(name, type);
  }
  return types;
};

/** Reads a `KeySchema`: a HASH, then perhaps a RANGE. */
export const readKeySchema = (input: Json, types: AttributeTypes): KeySchema => {
  const elements = requiredRecords(input, 'KeySchema').map((element) => ({
    name: requiredText(element, 'AttributeName'),
    role: optionalChoice(element, 'KeyType', ['HASH', 'RANGE']),
  }));
  const [hash, range, ...more] = elements;
  if (hash?.role !== 'HASH') {
    throw invalid('The first KeySchemaElement is not a HASH key type');
  }
  if (more.length > 0) throw invalid('Too many KeySchema elements');
  if (range !== undefined && range.role !== 'RANGE') {
    throw invalid('The second KeySchemaElement is not a RANGE key type');
  }
  if (range?.name === hash.name) {
    throw invalid('Both the Hash Key and the Range Key element in the KeySchema have the same name');
  }
  const typed = (name: string) => {
    const type = types.get(name);
    if (type !== undefined) return { name, type };
    throw invalid(
      'Some index key attributes are not defined in AttributeDefinitions. ' +
        `Keys: [${name}], AttributeDefinitions: [${[...types.keys()].join(', ')}]`,
    );
  };
  return range === undefined
    ? { hash: typed(hash.name) }
    : { hash: typed(hash.name), range: typed(range.name) };
};

/** Reads `GlobalSecondaryIndexes`. */
export const readIndexes = (input: Json, types: AttributeTypes): readonly IndexDefinition[] => {
  const given = optionalRecords(input, 'GlobalSecondaryIndexes') ?? [];
  const indexes = given.map((index) => readIndex(index, types));
  refuseBadIndexes(indexes);
  return indexes;
};

/** Reads one secondary index. */
export const readIndex = (input: Json, types: AttributeTypes): IndexDefinition => ({
  name: requiredText(input, 'IndexName'),
  keys: readKeySchema(input, types),
  projection: readProjection(input),
  throughput: optionalRecord(input, 'ProvisionedThroughput'),
});

/** Refuses two indexes of one name, and more than a table may have. */
export const refuseBadIndexes = (indexes: readonly IndexDefinition[]): void => {
  const names = indexes.map(({ name }) => name);
  const twice = names.find((name, place) => names.indexOf(name) !== place);
  if (twice !== undefined) throw invalid(`Duplicate index name: ${twice}`);
  if (indexes.length > INDEXES_MAX) {
    throw invalid(`GlobalSecondaryIndex count exceeds the per-table limit of ${INDEXES_MAX}`);
  }
};

/** Refuses declared attributes that no key uses. */
export const refuseUnusedTypes = (
  types: AttributeTypes,
  definition: Pick<TableDefinition, 'keys' | 'indexes'>,
): void => {
  const schemas = [definition.keys, ...definition.indexes.map(({ keys }) => keys)];
  const used = new Set(schemas.flatMap(keyAttributes).map(({ name }) => name));
  if ([...types.keys()].every((name) => used.has(name))) return;
  throw invalid(
    'Number of attributes in KeySchema does not exactly match number of attributes defined in ' +
      'AttributeDefinitions',
  );
};

/** Reads a `StreamSpecification`: the view, `off`, or undefined when the request has none. */
export const readStreamView = (input: Json): StreamView | 'off' | undefined => {
  const given = optionalRecord(input, 'StreamSpecification');
  if (given === undefined) return undefined;
  const view = optionalChoice(given, 'StreamViewType', [
    'NEW_IMAGE',
    'OLD_IMAGE',
    'NEW_AND_OLD_IMAGES',
    'KEYS_ONLY',
  ]);
  if (optionalFlag(given, 'StreamEnabled') === true) {
    if (view !== undefined) return view;
    throw invalid('StreamViewType is required when StreamEnabled is true');
  }
  if (view === undefined) return 'off';
  throw invalid('StreamViewType cannot be specified when StreamEnabled is false');
};

/** Reads `BillingMode` with the throughput that belongs to it. */
export const readBilling = (input: Json): Pick<TableDefinition, 'billingMode' | 'throughput'> | undefined => {
  const mode = optionalChoice(input, 'BillingMode', ['PROVISIONED', 'PAY_PER_REQUEST']);
  const throughput = optionalRecord(input, 'ProvisionedThroughput');
  if (mode === undefined && throughput === undefined) return undefined;
  if (mode === 'PAY_PER_REQUEST') {
    if (throughput === undefined) return { billingMode: mode, throughput };
    throw invalid(
      'Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST',
    );
  }
  if (throughput !== undefined) return { billingMode: 'PROVISIONED', throughput };
  throw invalid(
    'ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED',
  );
};

const readProjection = (input: Json): IndexProjection => {
  const given = requiredRecord(input, 'Projection');
  const type = optionalChoice(given, 'ProjectionType', ['ALL', 'INCLUDE', 'KEYS_ONLY']);
  const attributes = given['NonKeyAttributes'] ?? undefined;
  if (type === undefined) throw invalid('Unknown ProjectionType: null');
  if (type !== 'INCLUDE') {
    if (attributes === undefined) return { type };
    throw invalid(`ProjectionType is ${type}, but NonKeyAttributes is specified`);
  }
  if (!Array.isArray(attributes) || !attributes.every((name) => typeof name === 'string')) {
    throw invalid('ProjectionType is INCLUDE, but NonKeyAttributes is not specified');
  }
  return { type, attributes };
};

const invalid = (message: string): AwsError =>
  validation(`One or more parameter values were invalid: ${message}`);
