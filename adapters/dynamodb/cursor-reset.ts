/** Forgets a cursor in `control`, for operators' tools: whoever follows it starts over. */
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/** Makes the next pass of the sweeper read every armed deadline, as after a loss of `control`. */
export const forgetSweeperCursor = async (client: DynamoDBClient, controlTable: string): Promise<void> => {
  await client.send(
    new DeleteItemCommand({
      TableName: controlTable,
      Key: { pk: { S: 'cursor#sweeper' }, sk: { S: 'cursor' } },
    }),
  );
};
