/** Read models on DynamoDB; a row is replaced only by one with a greater version. */
import { BatchGetItemCommand, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { whileConditionHolds } from '#adapters/dynamodb/conditional-write.ts';
import type {
  AttributeValue,
  DynamoDBClient,
  PutItemCommandInput,
  QueryCommandInput,
} from '@aws-sdk/client-dynamodb';
import { number, packText, requiredText, text, unpackText } from '#adapters/dynamodb/attributes.ts';
import type { Item } from '#adapters/dynamodb/attributes.ts';
import { listIndexName } from '#contracts/naming.ts';
import type { Row, RowKey, RowVersion } from '#domain/kernel/projection.ts';
import type { ListRequest, RowPage, ViewReader, ViewWriter } from '#domain/ports/views.ts';

export interface ViewsSetting {
  readonly client: DynamoDBClient;
  readonly table: string;
}

const BATCH_GET_MAX = 100;
/** Requests for keys that earlier ones left unprocessed. */
const BATCH_GET_EXTRA_MAX = 20;

/** Reads rows; handed to everything that is not a compactor. */
export const dynamoViewReader = (setting: ViewsSetting): ViewReader => ({
  get: async (key) => (await getMany(setting, [key]))[0],
  getMany: (keys) => getMany(setting, keys),
  partition: (pk, after, limit = 200) =>
    page(setting, limit, {
      KeyConditionExpression: after === undefined ? 'pk = :pk' : 'pk = :pk AND sk > :after',
      ExpressionAttributeValues: {
        ':pk': { S: pk },
        ...(after === undefined ? {} : { ':after': { S: after } }),
      },
      ConsistentRead: true,
    }),
  list: (request) => list(setting, request),
});

/** Reads and writes rows; handed to compactors alone. */
export const dynamoViewWriter = (setting: ViewsSetting): ViewWriter => ({
  ...dynamoViewReader(setting),
  put: (row) =>
    putIf(setting, row, {
      ConditionExpression: 'attribute_not_exists(pk) OR version < :version',
      ExpressionAttributeValues: { ':version': versionValue(row.version) },
    }),
  replace: (row, seenVersion) =>
    putIf(
      setting,
      row,
      seenVersion === undefined
        ? { ConditionExpression: 'attribute_not_exists(pk)' }
        : stillAtVersion(seenVersion),
    ),
});

type Condition = Pick<PutItemCommandInput, 'ConditionExpression' | 'ExpressionAttributeValues'>;

/** Holds while the row has the version that was seen, or a damaged one has lost it. */
export const stillAtVersion = (seenVersion: RowVersion): Condition => ({
  ConditionExpression: 'version = :seen OR attribute_not_exists(version)',
  ExpressionAttributeValues: { ':seen': versionValue(seenVersion) },
});

const versionValue = (version: RowVersion): AttributeValue =>
  typeof version === 'number' ? { N: String(version) } : { S: version };

/** The version an item has; undefined in a damaged one. */
export const versionOf = (item: Item): RowVersion | undefined =>
  number(item, 'version') ?? text(item, 'version');

const putIf = ({ client, table }: ViewsSetting, row: Row, condition: Condition): Promise<boolean> =>
  whileConditionHolds(
    client.send(new PutItemCommand({ TableName: table, Item: rowItem(row), ...condition })),
  );

/** The item of a row. */
export const rowItem = (row: Row): Item => ({
  pk: { S: row.pk },
  sk: { S: row.sk },
  version: versionValue(row.version),
  data: packText(JSON.stringify(row.data)),
  ...(row.listKey === undefined || row.listSort === undefined
    ? {}
    : { listKey: { S: row.listKey }, listSort: { S: row.listSort } }),
  ...(row.expiresAtSec === undefined ? {} : { expiresAt: { N: String(row.expiresAtSec) } }),
});

/** A row from its item, as scans and streams give it. */
export const rowFromItem = (item: Item): Row => {
  const listKey = text(item, 'listKey');
  const listSort = text(item, 'listSort');
  const expiresAtSec = number(item, 'expiresAt');
  const version = versionOf(item);
  if (version === undefined) throw new Error('item lacks the attribute version');
  return {
    pk: requiredText(item, 'pk'),
    sk: requiredText(item, 'sk'),
    version,
    data: JSON.parse(unpackText(item['data']) ?? '{}') as Record<string, unknown>,
    ...(listKey === undefined ? {} : { listKey }),
    ...(listSort === undefined ? {} : { listSort }),
    ...(expiresAtSec === undefined ? {} : { expiresAtSec }),
  };
};

const getMany = async ({ client, table }: ViewsSetting, keys: readonly RowKey[]): Promise<readonly Row[]> => {
  const rows: Row[] = [];
  let pending: Item[] = keys.map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }));
  const requestsMax = Math.ceil(keys.length / BATCH_GET_MAX) + BATCH_GET_EXTRA_MAX;
  for (let requests = 1; pending.length > 0; requests++) {
    if (requests > requestsMax)
      throw new Error(`${pending.length} rows of ${table} could not be read in ${requestsMax} requests`);
    const answer = await client.send(
      new BatchGetItemCommand({
        RequestItems: { [table]: { Keys: pending.slice(0, BATCH_GET_MAX), ConsistentRead: true } },
      }),
    );
    rows.push(...(answer.Responses?.[table] ?? []).map(rowFromItem));
    pending = [...(answer.UnprocessedKeys?.[table]?.Keys ?? []), ...pending.slice(BATCH_GET_MAX)];
  }
  return rows;
};

type Query = Omit<QueryCommandInput, 'TableName'>;

const page = async (setting: ViewsSetting, limit: number, query: Query): Promise<RowPage> => {
  const { items, hasMore } = await itemsOf(setting, limit, query);
  const rows = items.map(rowFromItem);
  const next = hasMore ? rows.at(-1)?.sk : undefined;
  return { rows, ...(next === undefined ? {} : { next }) };
};

/** As many items as asked for, and whether more may follow. */
const itemsOf = async (
  { client, table }: ViewsSetting,
  limit: number,
  query: Query,
): Promise<{ readonly items: readonly Item[]; readonly hasMore: boolean }> => {
  const items: Item[] = [];
  let start: Item | undefined;
  do {
    const answer = await client.send(
      new QueryCommand({
        ...query,
        TableName: table,
        Limit: limit - items.length,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    items.push(...(answer.Items ?? []));
    start = answer.LastEvaluatedKey;
  } while (start && items.length < limit);
  return { items, hasMore: start !== undefined };
};

/**
 * The index holds keys alone, so that a row is written once and not twice however often it changes; the rows are read as
 * they are now. Those that are deleted, or listed elsewhere, since the index was read are left out; a page that has none
 * left is none, and the next one is read.
 */
const list = async (setting: ViewsSetting, request: ListRequest): Promise<RowPage> => {
  const { listKey, limit } = request;
  for (let { after } = request; ;) {
    const { items, hasMore } = await itemsOf(setting, limit, listQuery({ ...request, after }));
    const sorts = new Map(items.map((item) => [idOf(keyOf(item)), requiredText(item, 'listSort')]));
    const found = new Map((await getMany(setting, items.map(keyOf))).map((row) => [idOf(row), row]));
    const rows = [...sorts].flatMap(([id, listSort]) => {
      const row = found.get(id);
      return row?.listKey === listKey && row.listSort === listSort ? [row] : [];
    });
    after = hasMore ? [...sorts.values()].at(-1) : undefined;
    if (rows.length > 0 || after === undefined)
      return { rows, ...(after === undefined ? {} : { next: after }) };
  }
};

const listQuery = ({ listKey, after, descending = true }: Omit<ListRequest, 'limit'>): Query => ({
  IndexName: listIndexName,
  KeyConditionExpression: `listKey = :key${after === undefined ? '' : ` AND listSort ${descending ? '<' : '>'} :after`}`,
  ExpressionAttributeValues: {
    ':key': { S: listKey },
    ...(after === undefined ? {} : { ':after': { S: after } }),
  },
  ScanIndexForward: !descending,
});

const keyOf = (item: Item): RowKey => ({ pk: requiredText(item, 'pk'), sk: requiredText(item, 'sk') });

const idOf = ({ pk, sk }: RowKey): string => `${pk}\u0000${sk}`;
