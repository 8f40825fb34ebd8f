import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { kinesisClient } from '#adapters/sdk/kinesis-client.ts';
import { s3Client } from '#adapters/sdk/s3-client.ts';
import { secretsClient } from '#adapters/sdk/secrets-client.ts';
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { stepFunctionsClient } from '#adapters/sdk/step-functions-client.ts';
import { connect, createLocalAws, type Connection } from '#test/unit/local/sdk/local-aws.ts';

const HOST = Symbol.for('sluice.aws');

const leave = (host: unknown): void => {
  Reflect.set(globalThis, HOST, host);
};

describe('the clients of an environment', () => {
  let connection: Connection;
  beforeEach(async () => {
    connection = await connect(createLocalAws(), 'bytes');
    leave(connection.host);
  });
  afterEach(() => leave(undefined));

  it('are made once for each service', () => {
    const makers = [dynamodbClient, kinesisClient, sqsClient, stepFunctionsClient, s3Client, secretsClient];
    for (const make of makers) expect(make()).toBe(make());
    expect(new Set(makers.map((make) => make() as object)).size).toBe(makers.length);
  });

  it('are answered by the host that was left for them', async () => {
    const missing = dynamodbClient().send(
      new GetItemCommand({ TableName: 'nothing', Key: { a: { S: 'b' } } }),
    );
    await expect(missing).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  it('belong to their host, so that several clouds can live in one process', async () => {
    const first = dynamodbClient();
    const other = await connect(createLocalAws(), 'handler');
    leave(other.host);
    expect(dynamodbClient()).not.toBe(first);
    leave(connection.host);
    expect(dynamodbClient()).toBe(first);
  });

  it('keep their middleware for DynamoDB and give up after bounded attempts', async () => {
    leave(undefined);
    const client = dynamodbClient();
    expect(client.config.cacheMiddleware).toBe(true);
    expect(await client.config.maxAttempts()).toBe(4);
    expect(client).not.toBe(kinesisClient());
    client.destroy();
  });

  it('ignore what is no host', () => {
    for (const value of [null, 'text', {}, { configuration: {} }, { attach: () => undefined }]) {
      leave(value);
      expect(sqsClient().config.useQueueUrlAsEndpoint).toBe(true);
    }
  });
});
