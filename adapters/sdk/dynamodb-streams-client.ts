import { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { sharedClient } from '#adapters/sdk/connection.ts';

/** The environment's client of DynamoDB Streams. */
export const dynamodbStreamsClient = sharedClient(
  (configuration) => new DynamoDBStreamsClient(configuration),
);
