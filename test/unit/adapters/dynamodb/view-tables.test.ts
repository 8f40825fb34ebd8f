import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  ResourceInUseException,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, it } from 'vitest';
import { dynamoViewTables } from '#adapters/dynamodb/view-tables.ts';
import type { Row } from '#domain/kernel/projection.ts';

const client = new DynamoDBClient({});
const mock = mockClient(client);
let paused: number[] = [];
beforeEach(() => {
  mock.reset();
  paused = [];
});
const tables = () =>
  dynamoViewTables({
    client,
    table: 'views',
    pause: (waitMs) => {
      paused.push(waitMs);
      return Promise.resolve();
    },
  });

const item = (sk: string) => ({ pk: { S: 'p' }, sk: { S: sk }, version: { N: '1' }, data: { S: '{}' } });
const damaged = { pk: { S: 'p' }, sk: { S: 'b' }, data: { S: '{' } };
const row = (sk: string): Row => ({ pk: 'p', sk, version: 2, data: {} });
const moved = new ConditionalCheckFailedException({ $metadata: {}, message: 'moved' });
const inUse = new ResourceInUseException({ $metadata: {}, message: 'in use' });
const described = (TableStatus?: 'CREATING' | 'ACTIVE') => ({
  Table: {
    TableName: 'views',
    KeySchema: [],
    AttributeDefinitions: [],
    ...(TableStatus ? { TableStatus } : {}),
  },
});

describe('a table of read models', () => {
  it('is scanned to its end, and a damaged row is named instead of stopping the scan', async () => {
    const LastEvaluatedKey = { pk: { S: 'p' }, sk: { S: 'a' } };
    mock
      .on(ScanCommand)
      .resolvesOnce({ Items: [item('a')], LastEvaluatedKey })
      .resolvesOnce({ LastEvaluatedKey })
      .resolves({ Items: [damaged] });

    const pages: (readonly Row[])[] = [];
    for await (const page of tables().live.scan()) pages.push(page);

    expect(pages).toMatchObject([
      [{ sk: 'a' }],
      [],
      [{ sk: 'b', version: 0, data: { unreadable: expect.any(String) as string } }],
    ]);
    expect(mock.commandCalls(ScanCommand)[1]?.args[0].input.ExclusiveStartKey).toEqual(LastEvaluatedKey);
  });

  it('is read row by row for the sake of one that cannot be read', async () => {
    mock.on(BatchGetItemCommand).resolves({ Responses: { views: [damaged] } });
    mock
      .on(GetItemCommand)
      .resolvesOnce({ Item: item('a') })
      .resolvesOnce({ Item: damaged })
      .resolves({});

    const rows = await tables().live.getMany(['a', 'b', 'c'].map((sk) => ({ pk: 'p', sk })));

    expect(rows.map(({ sk }) => sk)).toEqual(['a', 'b']);
  });

  it('is repaired only where a row is still what was seen', async () => {
    mock.on(PutItemCommand).resolvesOnce({}).resolvesOnce({}).rejectsOnce(moved).rejects(new Error('down'));
    mock.on(DeleteItemCommand).resolvesOnce({}).rejects(moved);
    const { live } = tables();

    expect([await live.replace(row('a'), undefined), await live.replace(row('a'), 1)]).toEqual([true, true]);
    expect(await live.replace(row('a'), 1)).toBe(false);
    await expect(live.replace(row('a'), 1)).rejects.toThrow('down');
    expect([await live.remove(row('a'), 1), await live.remove(row('a'), 1)]).toEqual([true, false]);

    const conditions = mock
      .commandCalls(PutItemCommand)
      .map(({ args: [{ input }] }) => input.ConditionExpression);
    expect(conditions.slice(0, 2)).toEqual([
      'attribute_not_exists(pk)',
      'version = :seen OR attribute_not_exists(version)',
    ]);
  });
});

describe('a table beside the live one', () => {
  it('takes the first name that is free, is waited for, and is dropped in the end', async () => {
    mock
      .on(DescribeTableCommand)
      .resolvesOnce(described())
      .resolvesOnce(described('CREATING'))
      .resolvesOnce({})
      .resolves(described('ACTIVE'));
    mock.on(CreateTableCommand).rejectsOnce(inUse).resolves({});
    mock.on(DeleteTableCommand).resolves({});

    const fresh = await tables().createFresh();
    await fresh.drop();

    expect([fresh.name, paused]).toEqual(['views-rebuild-2', [1_000, 1_000]]);
    expect(mock.commandCalls(DeleteTableCommand)[0]?.args[0].input).toEqual({ TableName: 'views-rebuild-2' });
    expect(mock.commandCalls(CreateTableCommand)[1]?.args[0].input).not.toHaveProperty(
      'GlobalSecondaryIndexes',
    );
  });

  it('has the indexes of the live one', async () => {
    const index = { IndexName: 'by-list', KeySchema: [], Projection: { ProjectionType: 'ALL' as const } };
    const { Table } = described();
    mock
      .on(DescribeTableCommand)
      .resolvesOnce({ Table: { ...Table, GlobalSecondaryIndexes: [{ ...index, IndexStatus: 'ACTIVE' }] } })
      .resolves(described('ACTIVE'));
    mock.on(CreateTableCommand).resolves({});

    await tables().createFresh();

    expect(mock.commandCalls(CreateTableCommand)[0]?.args[0].input.GlobalSecondaryIndexes).toEqual([index]);
  });

  it.each([
    [
      'the live one cannot be described',
      () => mock.on(DescribeTableCommand).resolves({}),
      /views cannot be described/,
    ],
    [
      'a hundred stand there already',
      () => {
        mock.on(DescribeTableCommand).resolves(described());
        mock.on(CreateTableCommand).rejects(inUse);
      },
      /there are 100 tables views-rebuild-… already/,
    ],
    [
      'it may not be made',
      () => {
        mock.on(DescribeTableCommand).resolves(described());
        mock.on(CreateTableCommand).rejects(new Error('denied'));
      },
      /denied/,
    ],
    [
      'it never becomes active',
      () => {
        mock.on(DescribeTableCommand).resolves(described('CREATING'));
        mock.on(CreateTableCommand).resolves({});
      },
      /views-rebuild-1 did not become active in 300 s/,
    ],
  ])('is refused when %s', async (_, prepare, said) => {
    prepare();

    await expect(tables().createFresh()).rejects.toThrow(said);
  });
});
