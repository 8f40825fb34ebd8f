/** A table as the service describes it. */
import type { Json } from '#local/kernel/engine.ts';
import type { IndexDefinition, TableDefinition } from './definition.ts';
import { keyAttributes } from './key.ts';
import type { KeySchema } from './key.ts';
import type { Table } from './table.ts';

/** The `TableDescription` structure. */
export const describeTable = (
  table: Table,
  status: 'ACTIVE' | 'CREATING' | 'UPDATING' | 'DELETING',
): Json => {
  const { definition, items } = table;
  const { stream } = definition;
  return {
    TableName: definition.name,
    TableId: definition.id,
    TableArn: definition.arn,
    TableStatus: status,
    CreationDateTime: definition.createdAtMs / 1_000,
    KeySchema: printKeySchema(definition.keys),
    AttributeDefinitions: printAttributes(definition),
    ItemCount: items.count,
    TableSizeBytes: items.bytes,
    ProvisionedThroughput: printThroughput(definition.throughput),
    ...(definition.billingMode === 'PAY_PER_REQUEST'
      ? { BillingModeSummary: { BillingMode: definition.billingMode } }
      : {}),
    ...(table.indexes.size > 0
      ? {
          GlobalSecondaryIndexes: [...table.indexes.values()].map(({ definition: index, entries }) => ({
            ...printIndex(definition, index),
            ItemCount: entries.count,
            IndexSizeBytes: entries.bytes,
          })),
        }
      : {}),
    ...(stream
      ? {
          StreamSpecification: { StreamEnabled: true, StreamViewType: stream.view },
          LatestStreamArn: stream.arn,
          LatestStreamLabel: stream.label,
        }
      : {}),
    ...(definition.encryption ? { SSEDescription: printEncryption(definition.encryption) } : {}),
    ...(definition.tableClass === undefined
      ? {}
      : { TableClassSummary: { TableClass: definition.tableClass } }),
    DeletionProtectionEnabled: definition.isDeletionProtected,
  };
};

/** The `ContinuousBackupsDescription` structure. */
export const describeBackups = ({ recovery }: TableDefinition): Json => ({
  ContinuousBackupsStatus: 'ENABLED',
  PointInTimeRecoveryDescription: recovery.isEnabled
    ? { PointInTimeRecoveryStatus: 'ENABLED', RecoveryPeriodInDays: recovery.days }
    : { PointInTimeRecoveryStatus: 'DISABLED' },
});

const printIndex = (table: TableDefinition, index: IndexDefinition): Json => ({
  IndexName: index.name,
  IndexArn: `${table.arn}/index/${index.name}`,
  IndexStatus: 'ACTIVE',
  KeySchema: printKeySchema(index.keys),
  Projection: {
    ProjectionType: index.projection.type,
    ...(index.projection.type === 'INCLUDE' ? { NonKeyAttributes: index.projection.attributes } : {}),
  },
  ProvisionedThroughput: printThroughput(index.throughput),
});

const printKeySchema = (schema: KeySchema): readonly Json[] =>
  keyAttributes(schema).map(({ name }, place) => ({
    AttributeName: name,
    KeyType: place === 0 ? 'HASH' : 'RANGE',
  }));

const printAttributes = ({ keys, indexes }: TableDefinition): readonly Json[] => {
  const attributes = [keys, ...indexes.map((index) => index.keys)].flatMap(keyAttributes);
  return [...new Map(attributes.map(({ name, type }) => [name, type]))].map(([name, type]) => ({
    AttributeName: name,
    AttributeType: type,
  }));
};

const printThroughput = (throughput: Json | undefined): Json => ({
  ReadCapacityUnits: throughput?.['ReadCapacityUnits'] ?? 0,
  WriteCapacityUnits: throughput?.['WriteCapacityUnits'] ?? 0,
  NumberOfDecreasesToday: 0,
});

const printEncryption = (encryption: Json): Json =>
  encryption['Enabled'] === true
    ? {
        Status: 'ENABLED',
        SSEType: encryption['SSEType'] ?? 'KMS',
        ...(encryption['KMSMasterKeyId'] ? { KMSMasterKeyArn: encryption['KMSMasterKeyId'] } : {}),
      }
    : { Status: 'DISABLED' };
