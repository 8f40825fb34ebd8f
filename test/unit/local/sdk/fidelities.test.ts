import {
  ConditionalCheckFailedException,
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ResourceNotFoundException,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  ListStreamsCommand,
} from '@aws-sdk/client-dynamodb-streams';
import {
  CreateStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordCommand,
  PutRecordsCommand,
  ResourceNotFoundException as StreamNotFoundException,
} from '@aws-sdk/client-kinesis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bodyText, type WireHandler } from '#local/wire/message.ts';
import { connect, createLocalAws, type Connection, type Way } from '#test/unit/local/sdk/local-aws.ts';

const table: CreateTableCommandInput = {
  TableName: 'ledger',
  AttributeDefinitions: [
    { AttributeName: 'stream', AttributeType: 'S' },
    { AttributeName: 'sequence', AttributeType: 'N' },
  ],
  KeySchema: [
    { AttributeName: 'stream', KeyType: 'HASH' },
    { AttributeName: 'sequence', KeyType: 'RANGE' },
  ],
  BillingMode: 'PAY_PER_REQUEST',
  StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
};

const commit = (sequence: number, events: string) => ({
  stream: { S: 'run#1' },
  sequence: { N: String(sequence) },
  events: { S: events },
  packed: { B: new Uint8Array([0, 255, 1]) },
});

const put = (sequence: number, events = 'é "quoted"\n'): PutItemCommand =>
  new PutItemCommand({
    TableName: 'ledger',
    Item: commit(sequence, events),
    ConditionExpression: 'attribute_not_exists(#s)',
    ExpressionAttributeNames: { '#s': 'sequence' },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  });

const ways: readonly Way[] = ['wire', 'handler', 'bytes', 'port'];

describe.each(ways)('clients by way of %s', (way) => {
  let connection: Connection;
  let dynamodb: DynamoDBClient;
  let kinesis: KinesisClient;

  beforeEach(async () => {
    connection = await connect(createLocalAws(), way);
    dynamodb = new DynamoDBClient({ ...connection.host.configuration, cacheMiddleware: true });
    kinesis = new KinesisClient({ ...connection.host.configuration });
    connection.host.attach(dynamodb);
    connection.host.attach(kinesis);
    await dynamodb.send(new CreateTableCommand(table));
  });
  afterEach(async () => {
    dynamodb.destroy();
    kinesis.destroy();
    await connection.close();
  });

  it('put, read back and query items with text and bytes', async () => {
    const { $metadata } = await dynamodb.send(put(1));
    await dynamodb.send(put(2));
    expect($metadata.httpStatusCode).toBe(200);
    expect($metadata.requestId).toMatch(/^00000000-/);
    const key = { stream: { S: 'run#1' }, sequence: { N: '1' } };
    const { Item } = await dynamodb.send(new GetItemCommand({ TableName: 'ledger', Key: key }));
    expect(Item).toEqual(commit(1, 'é "quoted"\n'));
    const { Items, Count } = await dynamodb.send(
      new QueryCommand({
        TableName: 'ledger',
        KeyConditionExpression: '#s = :s',
        ExpressionAttributeNames: { '#s': 'stream' },
        ExpressionAttributeValues: { ':s': { S: 'run#1' } },
        ScanIndexForward: false,
      }),
    );
    expect([Count, Items?.map((item) => item['sequence']?.N)]).toEqual([2, ['2', '1']]);
  });

  it('update and read what was returned', async () => {
    const { Attributes } = await dynamodb.send(
      new UpdateItemCommand({
        TableName: 'ledger',
        Key: { stream: { S: 'run#1' }, sequence: { N: '7' } },
        UpdateExpression: 'SET #c = if_not_exists(#c, :zero) + :one',
        ExpressionAttributeNames: { '#c': 'count' },
        ExpressionAttributeValues: { ':zero': { N: '0' }, ':one': { N: '1' } },
        ReturnValues: 'ALL_NEW',
      }),
    );
    expect(Attributes?.['count']).toEqual({ N: '1' });
  });

  it('meet modelled exceptions with their members', async () => {
    await dynamodb.send(put(1, 'first'));
    const conflict = await dynamodb.send(put(1, 'second')).catch((error: unknown) => error);
    expect(conflict).toBeInstanceOf(ConditionalCheckFailedException);
    expect(conflict).toMatchObject({
      name: 'ConditionalCheckFailedException',
      $fault: 'client',
      Item: commit(1, 'first'),
      $metadata: { httpStatusCode: 400 },
    });
    const missing = await dynamodb
      .send(new GetItemCommand({ TableName: 'nothing', Key: { a: { S: 'b' } } }))
      .catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(ResourceNotFoundException);
  });

  it('write transactions and learn why one was cancelled', async () => {
    const transaction = (sequences: readonly number[]): TransactWriteItemsCommand =>
      new TransactWriteItemsCommand({
        TransactItems: sequences.map((sequence) => ({
          Put: {
            TableName: 'ledger',
            Item: commit(sequence, 'x'),
            ConditionExpression: 'attribute_not_exists(#s)',
            ExpressionAttributeNames: { '#s': 'sequence' },
          },
        })),
      });
    await dynamodb.send(transaction([1, 2]));
    const cancelled = await dynamodb.send(transaction([3, 2])).catch((error: unknown) => error);
    expect(cancelled).toBeInstanceOf(TransactionCanceledException);
    expect(cancelled).toHaveProperty(
      'CancellationReasons',
      expect.arrayContaining([expect.objectContaining({ Code: 'ConditionalCheckFailed' })]),
    );
  });

  it('list and describe the stream of a table', async () => {
    const streams = new DynamoDBStreamsClient({ ...connection.host.configuration });
    connection.host.attach(streams);
    const { Streams } = await streams.send(new ListStreamsCommand({}));
    const arn = Streams?.[0]?.StreamArn;
    const described = await streams.send(new DescribeStreamCommand({ StreamArn: arn }));
    expect(described.StreamDescription?.TableName).toBe('ledger');
    streams.destroy();
  });

  it('put and get Kinesis records', async () => {
    await kinesis.send(new CreateStreamCommand({ StreamName: 'market', ShardCount: 1 }));
    const record = (text: string) => ({ PartitionKey: 'k', Data: Buffer.from(text) });
    await kinesis.send(new PutRecordCommand({ StreamName: 'market', ...record('one é') }));
    await kinesis.send(
      new PutRecordsCommand({ StreamName: 'market', Records: [record('two'), record('three')] }),
    );
    const { Shards } = await kinesis.send(new ListShardsCommand({ StreamName: 'market' }));
    const { ShardIterator } = await kinesis.send(
      new GetShardIteratorCommand({
        StreamName: 'market',
        ShardId: Shards?.[0]?.ShardId,
        ShardIteratorType: 'TRIM_HORIZON',
      }),
    );
    const { Records } = await kinesis.send(new GetRecordsCommand({ ShardIterator }));
    expect(Records?.map(({ Data }) => Buffer.from(Data ?? []).toString())).toEqual(['one é', 'two', 'three']);
    expect(Records?.[0]?.ApproximateArrivalTimestamp).toBeInstanceOf(Date);

    const missing = kinesis.send(new PutRecordCommand({ StreamName: 'nothing', ...record('x') }));
    await expect(missing).rejects.toBeInstanceOf(StreamNotFoundException);
  });

  it('answer many requests sent at once, each its own', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, n) => dynamodb.send(put(n + 1, `event ${n + 1}`))));
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        dynamodb.send(
          new GetItemCommand({
            TableName: 'ledger',
            Key: { stream: { S: 'run#1' }, sequence: { N: String(n + 1) } },
          }),
        ),
      ),
    );
    expect(answers.map(({ Item }) => Item?.['events']?.S)).toEqual(
      Array.from({ length: 50 }, (_, n) => `event ${n + 1}`),
    );
  });
});

describe('fidelity', () => {
  const requestsBy = async (way: 'handler' | 'bytes' | 'port'): Promise<readonly unknown[]> => {
    const aws = createLocalAws();
    const seen: unknown[] = [];
    const tap: WireHandler = async (request) => {
      const answer = await aws.wire.handle(request);
      const { method, path, query, headers } = request;
      const named = { target: headers['x-amz-target'], type: headers['content-type'] };
      const bodies = [bodyText(request), bodyText(answer)];
      seen.push({ method, path, query, named, bodies, status: answer.status });
      return answer;
    };
    const { host, close } = await connect(aws, way, tap);
    const dynamodb = new DynamoDBClient({ ...host.configuration });
    const kinesis = new KinesisClient({ ...host.configuration });
    host.attach(dynamodb);
    host.attach(kinesis);
    const transaction = {
      ClientRequestToken: 'token',
      TransactItems: [{ Put: { TableName: 'ledger', Item: commit(9, 'x') } }],
    };
    await dynamodb.send(new CreateTableCommand(table));
    await dynamodb.send(put(1));
    await dynamodb.send(put(1)).catch(() => undefined);
    await dynamodb.send(new TransactWriteItemsCommand(transaction));
    await kinesis.send(new CreateStreamCommand({ StreamName: 'market', ShardCount: 1 }));
    await kinesis.send(
      new PutRecordCommand({ StreamName: 'market', PartitionKey: 'é', Data: new Uint8Array([0, 200, 7]) }),
    );
    await close();
    return seen;
  };

  it('gives the same bytes with and without the middleware of the client', async () => {
    const handler = await requestsBy('handler');
    expect(handler).toHaveLength(6);
    expect(await requestsBy('bytes')).toEqual(handler);
    expect(await requestsBy('port')).toEqual(handler);
  });

  it('keeps the retries of the client at the handler, and shows the fault itself below', async () => {
    const attempts = async (
      way: Way,
      kind: 'throttle' | 'server-error' | 'lost-answer',
    ): Promise<unknown[]> => {
      const aws = createLocalAws([{ service: 'dynamodb', operation: 'PutItem', kind, calls: [1] }]);
      const { host, close } = await connect(aws, way);
      const dynamodb = new DynamoDBClient({ ...host.configuration });
      host.attach(dynamodb);
      await dynamodb.send(new CreateTableCommand(table));
      const outcome = await dynamodb.send(put(1)).then(
        () => 'done',
        (error: unknown) => (error instanceof Error ? error.name : ''),
      );
      dynamodb.destroy();
      await close();
      return [outcome, aws.dispatcher.counts()['dynamodb.PutItem']];
    };
    for (const way of ['wire', 'handler'] as const) {
      expect(await attempts(way, 'throttle')).toEqual(['done', 2]);
      expect(await attempts(way, 'server-error')).toEqual(['done', 2]);
      // The write happened, so the second attempt finds it there.
      expect(await attempts(way, 'lost-answer')).toEqual(['ConditionalCheckFailedException', 2]);
    }
    for (const way of ['bytes', 'port'] as const) {
      expect(await attempts(way, 'throttle')).toEqual(['ProvisionedThroughputExceededException', 1]);
      expect(await attempts(way, 'lost-answer')).toEqual(['LostAnswerError', 1]);
    }
  });
});
