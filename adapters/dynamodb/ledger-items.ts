/** Items of the ledger as they are stored, for backups: commits, documents and kept states alike. */
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Item } from '#adapters/dynamodb/attributes.ts';
import { putOnce } from '#adapters/dynamodb/put-once.ts';

export interface LedgerItems {
  /** Every item in pages; items of one stream come together and in order. */
  readonly scan: () => AsyncIterable<readonly Item[]>;
  readonly isEmpty: () => Promise<boolean>;
  /** Puts an item where none stands; false when another one does. The same item again is success. */
  readonly put: (item: Item) => Promise<boolean>;
}

/** The items of the named table. */
export const dynamoLedgerItems = (client: DynamoDBClient, table: string): LedgerItems => ({
  scan: () => scan(client, table),
  isEmpty: async () => {
    const { Items = [] } = await client.send(
      new ScanCommand({ TableName: table, ConsistentRead: true, Limit: 1 }),
    );
    return Items.length === 0;
  },
  put: async (item) => {
    const put = await putOnce(client, table, item);
    // A first try whose answer was lost has written what stands there.
    return put.kind === 'put' || (put.standing !== undefined && textOf(put.standing) === textOf(item));
  },
});

const textOf = (item: Item): string =>
  Object.entries(item)
    .map(([name, { S, N, B }]) => JSON.stringify([name, S, N, B && Buffer.from(B).toString('base64')]))
    .sort()
    .join();

async function* scan(client: DynamoDBClient, table: string): AsyncIterable<readonly Item[]> {
  let start: Item | undefined;
  do {
    const answer = await client.send(
      new ScanCommand({
        TableName: table,
        ConsistentRead: true,
        ...(start ? { ExclusiveStartKey: start } : {}),
      }),
    );
    yield answer.Items ?? [];
    start = answer.LastEvaluatedKey;
  } while (start);
}
