/** The one way anything enters the ledger table: where an item stands, it stays (law 1). */
import { ConditionalCheckFailedException, PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Item } from '#adapters/dynamodb/attributes.ts';

/** The item was written, or another stands at its place; `standing` is that one, when the store could tell. */
export type PutOnce = { readonly kind: 'put' } | { readonly kind: 'taken'; readonly standing?: Item };

/** Puts an item at its stream and sequence unless one is there; failures of the store are thrown. */
export const putOnce = async (client: DynamoDBClient, table: string, item: Item): Promise<PutOnce> => {
  try {
    await client.send(
      new PutItemCommand({
        TableName: table,
        Item: item,
        ConditionExpression: 'attribute_not_exists(#sequence)',
        ExpressionAttributeNames: { '#sequence': 'sequence' },
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    return { kind: 'put' };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return { kind: 'taken', ...(error.Item ? { standing: error.Item } : {}) };
  }
};
