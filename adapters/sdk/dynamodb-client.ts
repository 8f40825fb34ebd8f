import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { sharedClient } from '#adapters/sdk/connection.ts';

/** The environment's client of DynamoDB; its middleware is built once. */
export const dynamodbClient = sharedClient(
  (configuration) => new DynamoDBClient({ ...configuration, cacheMiddleware: true }),
);
