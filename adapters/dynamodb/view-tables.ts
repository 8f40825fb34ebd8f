/** Tables of read models as a rebuild needs them: whole scans, a table beside the live one, guarded repairs. */
import {
  CreateTableCommand,
  DeleteItemCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  GetItemCommand,
  ResourceInUseException,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { whileConditionHolds } from '#adapters/dynamodb/conditional-write.ts';
import type { DynamoDBClient, TableDescription } from '@aws-sdk/client-dynamodb';
import { requiredText } from '#adapters/dynamodb/attributes.ts';
import type { Item } from '#adapters/dynamodb/attributes.ts';
import { dynamoViewWriter, rowFromItem, stillAtVersion, versionOf } from '#adapters/dynamodb/views.ts';
import type { Row, RowKey } from '#domain/kernel/projection.ts';
import type { FreshViews, LiveViews, ViewTable, ViewTables } from '#domain/ports/rebuild.ts';

export interface ViewTablesSetting {
  readonly client: DynamoDBClient;
  /** The live table. */
  readonly table: string;
  /** Waits between two looks at a table that is being made. */
  readonly pause: (waitMs: number) => Promise<void>;
}

/** The live table, and a way to make one beside it. */
export const dynamoViewTables = (setting: ViewTablesSetting): ViewTables => ({
  live: liveViews(setting),
  createFresh: () => createFresh(setting),
});

const viewTable = (client: DynamoDBClient, table: string): ViewTable => {
  const writer = dynamoViewWriter({ client, table });
  return {
    ...writer,
    getMany: (keys) => writer.getMany(keys).catch(() => getEach(client, table, keys)),
    scan: () => scan(client, table),
  };
};

/** One by one, for the sake of a row that cannot be read. */
const getEach = async (
  client: DynamoDBClient,
  table: string,
  keys: readonly RowKey[],
): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  for (const { pk, sk } of keys) {
    const answer = await client.send(
      new GetItemCommand({ TableName: table, Key: { pk: { S: pk }, sk: { S: sk } }, ConsistentRead: true }),
    );
    if (answer.Item) rows.push(anyRow(answer.Item));
  }
  return rows;
};

/** The row, or one that says why the item is none: a damaged row is to be named and not to stop the search. */
const anyRow = (item: Item): Row => {
  try {
    return rowFromItem(item);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      pk: requiredText(item, 'pk'),
      sk: requiredText(item, 'sk'),
      version: versionOf(item) ?? 0,
      data: { unreadable: reason },
    };
  }
};

async function* scan(client: DynamoDBClient, table: string): AsyncIterable<readonly Row[]> {
  let start: Item | undefined;
  do {
    const answer = await client.send(
      new ScanCommand({
        TableName: table,
        ConsistentRead: true,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    yield (answer.Items ?? []).map(anyRow);
    start = answer.LastEvaluatedKey;
  } while (start);
}

const liveViews = ({ client, table }: ViewTablesSetting): LiveViews => ({
  ...viewTable(client, table),
  remove: ({ pk, sk }, seenVersion) =>
    whileConditionHolds(
      client.send(
        new DeleteItemCommand({
          TableName: table,
          Key: { pk: { S: pk }, sk: { S: sk } },
          ...stillAtVersion(seenVersion),
        }),
      ),
    ),
});

/** Tables a rebuild that was killed may have left; beyond so many somebody has to look. */
const FRESH_TABLES_MAX = 100;
const ACTIVE_LOOKS_MAX = 300;
const ACTIVE_LOOK_MS = 1_000;

const createFresh = async (setting: ViewTablesSetting): Promise<FreshViews> => {
  const { client, table } = setting;
  const { Table: like } = await client.send(new DescribeTableCommand({ TableName: table }));
  if (!like) throw new Error(`table ${table} cannot be described`);
  for (let number = 1; number <= FRESH_TABLES_MAX; number++) {
    const name = `${table}-rebuild-${number}`;
    if (!(await create(client, name, like))) continue;
    await awaitActive(setting, name);
    return {
      ...viewTable(client, name),
      name,
      drop: async () => {
        await client.send(new DeleteTableCommand({ TableName: name }));
      },
    };
  }
  throw new Error(
    `there are ${FRESH_TABLES_MAX} tables ${table}-rebuild-… already; delete those no rebuild uses`,
  );
};

/** False when a table of that name exists, made by a rebuild that runs or was killed. */
const create = async (client: DynamoDBClient, name: string, like: TableDescription): Promise<boolean> => {
  try {
    await client.send(
      new CreateTableCommand({
        TableName: name,
        KeySchema: like.KeySchema,
        AttributeDefinitions: like.AttributeDefinitions,
        BillingMode: 'PAY_PER_REQUEST',
        ...(like.GlobalSecondaryIndexes
          ? {
              GlobalSecondaryIndexes: like.GlobalSecondaryIndexes.map(
                ({ IndexName, KeySchema, Projection }) => ({
                  IndexName,
                  KeySchema,
                  Projection,
                }),
              ),
            }
          : {}),
      }),
    );
    return true;
  } catch (error) {
    if (error instanceof ResourceInUseException) return false;
    throw error;
  }
};

const awaitActive = async ({ client, pause }: ViewTablesSetting, name: string): Promise<void> => {
  for (let look = 1; look <= ACTIVE_LOOKS_MAX; look++) {
    const { Table: made } = await client.send(new DescribeTableCommand({ TableName: name }));
    if (made?.TableStatus === 'ACTIVE') return;
    await pause(ACTIVE_LOOK_MS);
  }
  throw new Error(`table ${name} did not become active in ${(ACTIVE_LOOKS_MAX * ACTIVE_LOOK_MS) / 1000} s`);
};
