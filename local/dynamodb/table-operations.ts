/** Creating, changing, describing and deleting tables. Every change takes effect at once. */
import { AwsError, validation } from '#local/kernel/aws-error.ts';
import type { Json, Operation } from '#local/kernel/engine.ts';
import type { IndexDefinition, StreamDefinition, StreamView, TableDefinition } from './definition.ts';
import { describeTable } from './describe-table.ts';
import { keyAttributes } from './key.ts';
import {
  readAttributeTypes,
  readBilling,
  readIndex,
  readIndexes,
  readKeySchema,
  readStreamView,
  refuseBadIndexes,
  refuseUnusedTypes,
  requireTableName,
} from './read-definition.ts';
import {
  optionalCount,
  optionalFlag,
  optionalRecord,
  optionalRecords,
  optionalText,
  refuseUnknown,
  requiredRecords,
  requiredText,
} from './request.ts';
import { commitTable, tableNameOf } from './store.ts';
import type { Store } from './store.ts';
import type { Table } from './table.ts';

/** The operations on whole tables. */
export const tableOperations = (
  store: Store,
  streamShardCount: number,
): Readonly<Record<string, Operation>> => ({
  CreateTable: (input) => createTable(store, input, streamShardCount),
  UpdateTable: (input) => updateTable(store, input, streamShardCount),
  DeleteTable: (input) => deleteTable(store, input),
  DescribeTable: (input) => {
    refuseUnknown(input, 'DescribeTable', NAME_ONLY);
    return { Table: describeTable(requireKnownTable(store, input), 'ACTIVE') };
  },
  ListTables: (input) => listTables(store, input),
});

/** The table a management operation names, or its refusal. */
export const requireKnownTable = (store: Store, input: Json): Table => {
  const name = tableNameOf(requiredText(input, 'TableName'));
  const table = store.tables.get(name);
  if (table !== undefined) return table;
  throw new AwsError('ResourceNotFoundException', `Requested resource not found: Table: ${name} not found`);
};

/** Changes a table's definition. */
export const redefine = (store: Store, definition: TableDefinition): void =>
  commitTable(store, ['table', store.setting.clock.nowMs(), definition]);

const NAME_ONLY: ReadonlySet<string> = new Set(['TableName']);

const CREATE_PARAMETERS: ReadonlySet<string> = new Set([
  'TableName',
  'AttributeDefinitions',
  'KeySchema',
  'GlobalSecondaryIndexes',
  'BillingMode',
  'ProvisionedThroughput',
  'StreamSpecification',
  'SSESpecification',
  'Tags',
  'TableClass',
  'DeletionProtectionEnabled',
]);

const createTable = (store: Store, input: Json, streamShardCount: number): Json => {
  refuseUnknown(input, 'CreateTable', CREATE_PARAMETERS);
  const name = requireTableName(input);
  const types = readAttributeTypes(requiredRecords(input, 'AttributeDefinitions'));
  const keys = readKeySchema(input, types);
  const indexes = readIndexes(input, types);
  refuseUnusedTypes(types, { keys, indexes });
  const view = readStreamView(input);
  if (store.tables.has(name)) {
    throw new AwsError('ResourceInUseException', `Table already exists: ${name}`);
  }
  const { region, accountId, chance, clock } = store.setting;
  const arn = `arn:aws:dynamodb:${region}:${accountId}:table/${name}`;
  redefine(store, {
    name,
    id: tableId(chance),
    arn,
    createdAtMs: clock.nowMs(),
    keys,
    indexes,
    ...(readBilling(input) ?? { billingMode: 'PAY_PER_REQUEST', throughput: undefined }),
    stream:
      view === undefined || view === 'off' ? undefined : newStream(store, { arn, view, streamShardCount }),
    isDeletionProtected: optionalFlag(input, 'DeletionProtectionEnabled') ?? false,
    encryption: optionalRecord(input, 'SSESpecification'),
    tableClass: optionalText(input, 'TableClass'),
    tags: optionalRecords(input, 'Tags') ?? [],
    expiryAttribute: undefined,
    recovery: { isEnabled: false, days: 35 },
  });
  return { TableDescription: describeTable(requireKnownTable(store, input), 'ACTIVE') };
};

const UPDATE_PARAMETERS: ReadonlySet<string> = new Set([
  'TableName',
  'AttributeDefinitions',
  'GlobalSecondaryIndexUpdates',
  'BillingMode',
  'ProvisionedThroughput',
  'StreamSpecification',
  'SSESpecification',
  'TableClass',
  'DeletionProtectionEnabled',
]);

const updateTable = (store: Store, input: Json, streamShardCount: number): Json => {
  refuseUnknown(input, 'UpdateTable', UPDATE_PARAMETERS);
  const { definition } = requireKnownTable(store, input);
  const view = readStreamView(input);
  const { arn } = definition;
  redefine(store, {
    ...definition,
    indexes: updatedIndexes(input, definition),
    ...readBilling(input),
    stream: updatedStream(definition, view, () =>
      newStream(store, { arn, view: view as StreamView, streamShardCount }),
    ),
    isDeletionProtected: optionalFlag(input, 'DeletionProtectionEnabled') ?? definition.isDeletionProtected,
    encryption: optionalRecord(input, 'SSESpecification') ?? definition.encryption,
    tableClass: optionalText(input, 'TableClass') ?? definition.tableClass,
  });
  return { TableDescription: describeTable(requireKnownTable(store, input), 'ACTIVE') };
};

const updatedIndexes = (input: Json, definition: TableDefinition): readonly IndexDefinition[] => {
  const declared = readAttributeTypes(optionalRecords(input, 'AttributeDefinitions') ?? []);
  const known = [definition.keys, ...definition.indexes.map(({ keys }) => keys)].flatMap(keyAttributes);
  const types = new Map([...known.map(({ name, type }) => [name, type] as const), ...declared]);
  let indexes = definition.indexes;
  for (const update of optionalRecords(input, 'GlobalSecondaryIndexUpdates') ?? []) {
    const creation = optionalRecord(update, 'Create');
    const deletion = optionalRecord(update, 'Delete');
    const change = optionalRecord(update, 'Update');
    if (creation) indexes = [...indexes, readIndex(creation, types)];
    if (deletion) indexes = without(indexes, requiredText(deletion, 'IndexName'));
    if (change) {
      const name = requiredText(change, 'IndexName');
      requireIndex(indexes, name);
      const throughput = optionalRecord(change, 'ProvisionedThroughput');
      indexes = indexes.map((index) => (index.name === name ? { ...index, throughput } : index));
    }
  }
  refuseBadIndexes(indexes);
  return indexes;
};

const without = (indexes: readonly IndexDefinition[], name: string): readonly IndexDefinition[] => {
  requireIndex(indexes, name);
  return indexes.filter((index) => index.name !== name);
};

const requireIndex = (indexes: readonly IndexDefinition[], name: string): void => {
  if (indexes.some((index) => index.name === name)) return;
  throw new AwsError('ResourceNotFoundException', `Requested resource not found: Index: ${name} not found`);
};

const updatedStream = (
  { stream }: TableDefinition,
  view: StreamView | 'off' | undefined,
  open: () => StreamDefinition,
): StreamDefinition | undefined => {
  if (view === undefined) return stream;
  if (view === 'off') {
    if (stream !== undefined) return undefined;
    throw validation('Table is already without a stream: StreamEnabled is false');
  }
  if (stream === undefined) return open();
  throw new AwsError('ResourceInUseException', 'Table already has an enabled stream');
};

const deleteTable = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'DeleteTable', NAME_ONLY);
  const table = requireKnownTable(store, input);
  if (table.definition.isDeletionProtected) {
    throw validation(
      `Resource cannot be deleted as it is currently protected against deletion. ` +
        'Disable deletion protection first.',
    );
  }
  commitTable(store, ['drop', store.setting.clock.nowMs(), table.definition.name]);
  return { TableDescription: describeTable(table, 'DELETING') };
};

const LIST_PARAMETERS: ReadonlySet<string> = new Set(['ExclusiveStartTableName', 'Limit']);

const listTables = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'ListTables', LIST_PARAMETERS);
  const limit = optionalCount(input, 'Limit', { least: 1, most: 100 }) ?? 100;
  const after = optionalText(input, 'ExclusiveStartTableName') ?? '';
  const names = [...store.tables.keys()].filter((name) => name > after).sort();
  const page = names.slice(0, limit);
  return {
    TableNames: page,
    ...(names.length > page.length ? { LastEvaluatedTableName: page.at(-1) } : {}),
  };
};

/** A stream opened at the present instant, or at the next free millisecond: its label is part of its name. */
const newStream = (
  store: Store,
  wanted: { readonly arn: string; readonly view: StreamView; readonly streamShardCount: number },
): StreamDefinition => {
  let createdAtMs = store.setting.clock.nowMs();
  const named = () => {
    const label = new Date(createdAtMs).toISOString().slice(0, -1);
    return { label, arn: `${wanted.arn}/stream/${label}` };
  };
  while (store.streams.has(named().arn)) createdAtMs += 1;
  return { ...named(), view: wanted.view, shardCount: wanted.streamShardCount, createdAtMs };
};

const tableId = (chance: () => number): string => {
  const hex = Array.from({ length: 32 }, () => Math.floor(chance() * 16).toString(16)).join('');
  return [8, 4, 4, 4, 12]
    .map((length, place, lengths) => {
      const start = lengths.slice(0, place).reduce((total, one) => total + one, 0);
      return hex.slice(start, start + length);
    })
    .join('-');
};
