import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench, plainTable, refusalOf, START_MS } from './support.ts';
import type { Answer, Bench } from './support.ts';

let bench: Bench;

beforeEach(() => {
  bench = openBench();
});

const describeTable = () => bench.call('DescribeTable', { TableName: 'things' }).Table;
const arn = 'arn:aws:dynamodb:us-east-1:000000000000:table/things';

describe('tables', () => {
  it('are described as they were declared', () => {
    const GlobalSecondaryIndexes = [
      {
        IndexName: 'by-due',
        KeySchema: [{ AttributeName: 'due', KeyType: 'HASH' }],
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['note'] },
      },
    ];
    createTable(bench, {
      AttributeDefinitions: [
        ...plainTable.AttributeDefinitions,
        { AttributeName: 'due', AttributeType: 'S' },
      ],
      GlobalSecondaryIndexes,
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
      SSESpecification: { Enabled: true, SSEType: 'KMS' },
      Tags: [{ Key: 'team', Value: 'sluice' }],
      DeletionProtectionEnabled: true,
    });
    bench.call('PutItem', { TableName: 'things', Item: { ...key('p'), due: { S: 'x' } } });

    expect(describeTable()).toMatchObject({
      TableName: 'things',
      TableArn: arn,
      TableStatus: 'ACTIVE',
      CreationDateTime: START_MS / 1_000,
      KeySchema: plainTable.KeySchema,
      ItemCount: 1,
      TableSizeBytes: 10,
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
      LatestStreamLabel: '2024-01-01T00:00:00.000',
      LatestStreamArn: `${arn}/stream/2024-01-01T00:00:00.000`,
      SSEDescription: { Status: 'ENABLED', SSEType: 'KMS' },
      DeletionProtectionEnabled: true,
    });
    expect(describeTable().AttributeDefinitions).toHaveLength(3);
    expect(describeTable().GlobalSecondaryIndexes).toEqual([
      expect.objectContaining({ ...GlobalSecondaryIndexes[0], IndexStatus: 'ACTIVE', ItemCount: 1 }),
    ]);
    expect(bench.call('ListTagsOfResource', { ResourceArn: arn })).toEqual({
      Tags: [{ Key: 'team', Value: 'sluice' }],
    });
  });

  it('may be provisioned', () => {
    createTable(bench, {
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: { ReadCapacityUnits: 5, WriteCapacityUnits: 6 },
    });
    expect(describeTable().ProvisionedThroughput).toMatchObject({
      ReadCapacityUnits: 5,
      WriteCapacityUnits: 6,
    });
    expect(describeTable()).not.toHaveProperty('BillingModeSummary');
  });

  it('are listed page by page, in order', () => {
    for (const TableName of ['ccc', 'aaa', 'bbb']) createTable(bench, { TableName });
    expect(bench.call('ListTables', {})).toEqual({ TableNames: ['aaa', 'bbb', 'ccc'] });
    expect(bench.call('ListTables', { Limit: 2 })).toEqual({
      TableNames: ['aaa', 'bbb'],
      LastEvaluatedTableName: 'bbb',
    });
    expect(bench.call('ListTables', { ExclusiveStartTableName: 'bbb' })).toEqual({ TableNames: ['ccc'] });
  });

  it('cannot be deleted while they are protected', () => {
    createTable(bench, { DeletionProtectionEnabled: true });
    const remove = (): Answer => bench.call('DeleteTable', { TableName: 'things' });
    expect(invalidity(remove)).toContain('protected against deletion');
    bench.call('UpdateTable', { TableName: 'things', DeletionProtectionEnabled: false });
    expect(remove().TableDescription.TableStatus).toBe('DELETING');
    expect(refusalOf(describeTable)).toMatchObject({
      code: 'ResourceNotFoundException',
      message: 'Requested resource not found: Table: things not found',
    });
  });

  it('begin empty when they are created anew', () => {
    createTable(bench);
    bench.call('PutItem', { TableName: 'things', Item: key('p') });
    bench.call('DeleteTable', { TableName: 'things' });
    createTable(bench);
    expect(bench.call('Scan', { TableName: 'things' }).Count).toBe(0);
  });

  it('change their throughput, their index throughput and their class', () => {
    createTable(bench, {
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-sk',
          KeySchema: [{ AttributeName: 'sk', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    });
    const ProvisionedThroughput = { ReadCapacityUnits: 3, WriteCapacityUnits: 4 };
    bench.call('UpdateTable', {
      TableName: 'things',
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput,
      GlobalSecondaryIndexUpdates: [{ Update: { IndexName: 'by-sk', ProvisionedThroughput } }],
      SSESpecification: { Enabled: false },
      TableClass: 'STANDARD',
    });
    expect(describeTable()).toMatchObject({
      ProvisionedThroughput,
      GlobalSecondaryIndexes: [{ ProvisionedThroughput }],
      SSEDescription: { Status: 'DISABLED' },
      TableClassSummary: { TableClass: 'STANDARD' },
    });
    const twice = { IndexName: 'by-sk', KeySchema: [{ AttributeName: 'sk', KeyType: 'HASH' }] };
    expect(
      invalidity(() =>
        bench.call('UpdateTable', {
          TableName: 'things',
          GlobalSecondaryIndexUpdates: [{ Create: { ...twice, Projection: { ProjectionType: 'ALL' } } }],
        }),
      ),
    ).toBe('One or more parameter values were invalid: Duplicate index name: by-sk');
  });

  it('have names of their own', () => {
    createTable(bench);
    expect(refusalOf(() => createTable(bench))).toMatchObject({
      code: 'ResourceInUseException',
      message: 'Table already exists: things',
    });
  });

  it.each<readonly [string, Json, string]>([
    ['a short name', { TableName: 'ab' }, 'at least 3 characters'],
    ['a long name', { TableName: 'a'.repeat(256) }, 'at most 255 characters'],
    ['a strange name', { TableName: 'a b c' }, 'regular expression pattern'],
    ['no key', { KeySchema: [] }, 'not a HASH key type'],
    [
      'a range key first',
      { KeySchema: [{ AttributeName: 'pk', KeyType: 'RANGE' }] },
      'The first KeySchemaElement is not a HASH key type',
    ],
    [
      'two hash keys',
      {
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'HASH' },
        ],
      },
      'The second KeySchemaElement is not a RANGE key type',
    ],
    [
      'one attribute as both keys',
      {
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'pk', KeyType: 'RANGE' },
        ],
      },
      'have the same name',
    ],
    [
      'an undefined key',
      { KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }] },
      'Some index key attributes are not defined in AttributeDefinitions',
    ],
    [
      'an unused definition',
      {
        AttributeDefinitions: [
          ...plainTable.AttributeDefinitions,
          { AttributeName: 'x', AttributeType: 'S' },
        ],
      },
      'does not exactly match number of attributes defined',
    ],
    [
      'a key of another type',
      { AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'M' }] },
      'Member must satisfy enum value set: [B, N, S]',
    ],
    ['provisioned billing without numbers', { BillingMode: 'PROVISIONED' }, 'must both be specified'],
    [
      'on-demand billing with numbers',
      { ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 } },
      'when BillingMode is PAY_PER_REQUEST',
    ],
    [
      'an index without a projection type',
      {
        GlobalSecondaryIndexes: [
          { IndexName: 'i', KeySchema: [{ AttributeName: 'sk', KeyType: 'HASH' }], Projection: {} },
        ],
      },
      'Unknown ProjectionType',
    ],
    [
      'attributes for an index of all',
      {
        GlobalSecondaryIndexes: [
          {
            IndexName: 'i',
            KeySchema: [{ AttributeName: 'sk', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL', NonKeyAttributes: ['a'] },
          },
        ],
      },
      'ProjectionType is ALL, but NonKeyAttributes is specified',
    ],
    [
      'an index of named attributes without names',
      {
        GlobalSecondaryIndexes: [
          {
            IndexName: 'i',
            KeySchema: [{ AttributeName: 'sk', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'INCLUDE' },
          },
        ],
      },
      'ProjectionType is INCLUDE, but NonKeyAttributes is not specified',
    ],
    ['a local secondary index', { LocalSecondaryIndexes: [] }, 'LocalSecondaryIndexes'],
    ['an unknown parameter', { ResourcePolicy: 'x' }, 'ResourcePolicy'],
  ])('are refused with %s', (_name, extra, message) => {
    expect(invalidity(() => createTable(bench, extra))).toContain(message);
  });
});

describe('account and backup settings', () => {
  it('describe point-in-time recovery as it was set', () => {
    createTable(bench);
    const backups = () =>
      bench.call('DescribeContinuousBackups', { TableName: 'things' }).ContinuousBackupsDescription
        .PointInTimeRecoveryDescription;
    expect(backups()).toEqual({ PointInTimeRecoveryStatus: 'DISABLED' });
    bench.call('UpdateContinuousBackups', {
      TableName: 'things',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    });
    expect(backups()).toEqual({ PointInTimeRecoveryStatus: 'ENABLED', RecoveryPeriodInDays: 35 });
  });

  it('answer the limits and the endpoint', () => {
    expect(bench.call('DescribeLimits', {})).toHaveProperty('TableMaxReadCapacityUnits');
    expect(bench.call('DescribeEndpoints', {}).Endpoints).toHaveLength(1);
  });

  it('refuse a resource that does not exist', () => {
    for (const operation of [
      'DescribeTimeToLive',
      'DescribeContinuousBackups',
      'DescribeTable',
      'DeleteTable',
    ]) {
      expect(refusalOf(() => bench.call(operation, { TableName: 'none' })).code).toBe(
        'ResourceNotFoundException',
      );
    }
    expect(refusalOf(() => bench.call('ListTagsOfResource', { ResourceArn: 'arn:x/none' })).code).toBe(
      'ResourceNotFoundException',
    );
  });
});
