import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeTableCommand,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  DescribeStreamSummaryCommand,
  ListStreamsCommand,
  PutRecordCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import {
  CreateStateMachineCommand,
  DeleteStateMachineCommand,
  DescribeExecutionCommand,
  DescribeStateMachineCommand,
  ListStateMachinesCommand,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { physicalName, streamNames, tableNames, workQueueNames } from '#contracts/naming.ts';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { readAll } from '#cli/up/stream-reader.ts';
import { awsClients } from '#test/support/aws-clients.ts';
import type { AwsClients } from '#test/support/aws-clients.ts';
import {
  createFeed,
  feedIds,
  instrumentOf,
  marketStream,
  oneRun,
  outputStream,
} from '#test/support/one-run.ts';
import { serve } from '#test/support/process.ts';
import type { Serving } from '#test/support/process.ts';

let serving: Serving;
let aws: AwsClients;
beforeAll(async () => {
  serving = await serve(['--ephemeral']);
  aws = awsClients(serving.awsUrl);
});
afterAll(async () => {
  aws.destroy();
  await serving.stop();
});

const named = (logical: string): string => physicalName('dev', logical);
const eventually = { timeout: 60_000, interval: 300 };

const createListedFeed = async (sourceId: string): Promise<void> => {
  await createFeed(serving.client, sourceId);
  await expect.poll(() => feedIds(serving.client), eventually).toContain(sourceId);
};

/** What the output stream holds of one source's instrument. */
const published = async (sourceId: string): Promise<readonly string[]> => {
  const events: OrchestratorEvent[] = [];
  const { signal } = new AbortController();
  for await (const data of readAll({ client: aws.kinesis, streamName: outputStream, signal }))
    events.push(OrchestratorEvent.parse(JSON.parse(Buffer.from(data).toString('utf8'))));
  return events.filter(({ symbol }) => symbol === instrumentOf(sourceId)).map(({ event_type }) => event_type);
};

describe('any AWS SDK client with arbitrary credentials', () => {
  it('lists and describes what is deployed', async () => {
    const { TableNames } = await aws.dynamodb.send(new ListTablesCommand({}));
    expect(TableNames).toEqual(expect.arrayContaining(tableNames.map(named)));
    const { Table } = await aws.dynamodb.send(new DescribeTableCommand({ TableName: named('ledger') }));
    expect(Table).toMatchObject({ TableStatus: 'ACTIVE', StreamSpecification: { StreamEnabled: true } });

    const { StreamNames } = await aws.kinesis.send(new ListStreamsCommand({}));
    expect(StreamNames).toEqual(expect.arrayContaining(streamNames.map(named)));
    const { StreamDescriptionSummary } = await aws.kinesis.send(
      new DescribeStreamSummaryCommand({ StreamName: named('market-events') }),
    );
    expect(StreamDescriptionSummary).toMatchObject({ StreamStatus: 'ACTIVE', OpenShardCount: 1 });

    const { QueueUrls = [] } = await aws.sqs.send(new ListQueuesCommand({}));
    const queues = QueueUrls.map((url) => url.split('/').at(-1));
    expect(queues).toEqual(expect.arrayContaining(workQueueNames.map(named)));
    const { QueueUrl } = await aws.sqs.send(new GetQueueUrlCommand({ QueueName: named('engine-runs.fifo') }));
    const { Attributes } = await aws.sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
    );
    expect(Attributes).toMatchObject({ FifoQueue: 'true', RedrivePolicy: expect.any(String) });

    const { stateMachines = [] } = await aws.sfn.send(new ListStateMachinesCommand({}));
    const machine = stateMachines.find(({ name }) => name === named('retry-task'));
    const described = await aws.sfn.send(
      new DescribeStateMachineCommand({ stateMachineArn: machine?.stateMachineArn }),
    );
    expect(JSON.parse(described.definition ?? '')).toMatchObject({ QueryLanguage: 'JSONata' });
  });

  it('puts market records that flow through to the output stream', async () => {
    await createListedFeed('sdk');
    const answer = await aws.kinesis.send(
      new PutRecordsCommand({
        StreamName: marketStream,
        Records: oneRun('sdk').map((text) => ({ Data: Buffer.from(text), PartitionKey: 'sdk' })),
      }),
    );

    expect(answer.FailedRecordCount).toBe(0);
    await expect
      .poll(() => published('sdk'), eventually)
      .toEqual(['EngineRunStarted', 'HysteresisDecisionPublished', 'EngineRunCompleted']);
  });

  it('creates a stream, writes to it and deletes it', async () => {
    const StreamName = 'sdk-stream';
    await aws.kinesis.send(new CreateStreamCommand({ StreamName, ShardCount: 1 }));
    await aws.kinesis.send(new PutRecordCommand({ StreamName, PartitionKey: 'k', Data: Buffer.from('x') }));
    await aws.kinesis.send(new DeleteStreamCommand({ StreamName }));

    await expect(aws.kinesis.send(new DescribeStreamSummaryCommand({ StreamName }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('creates a table, writes to it and deletes it', async () => {
    const TableName = 'sdk-table';
    const Item = { id: { S: 'a' }, count: { N: '12345678901234567890.5' } };
    await aws.dynamodb.send(
      new CreateTableCommand({
        TableName,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      }),
    );
    await aws.dynamodb.send(new PutItemCommand({ TableName, Item }));
    const read = await aws.dynamodb.send(new GetItemCommand({ TableName, Key: { id: Item.id } }));
    await aws.dynamodb.send(new DeleteTableCommand({ TableName }));

    expect(read.Item).toEqual(Item);
    await expect(aws.dynamodb.send(new DescribeTableCommand({ TableName }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    });
  });

  it('creates a queue, sends and receives, and deletes it', async () => {
    const { QueueUrl } = await aws.sqs.send(new CreateQueueCommand({ QueueName: 'sdk-queue' }));
    await aws.sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }));
    const { Messages = [] } = await aws.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages).toMatchObject([{ Body: 'hello' }]);
    await aws.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: Messages[0]?.ReceiptHandle }));
    await aws.sqs.send(new DeleteQueueCommand({ QueueUrl }));

    await expect(aws.sqs.send(new GetQueueUrlCommand({ QueueName: 'sdk-queue' }))).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
    });
  });

  it('creates a state machine, runs it to its end and deletes it', async () => {
    const definition = JSON.stringify({
      QueryLanguage: 'JSONata',
      StartAt: 'Double',
      States: { Double: { Type: 'Pass', Output: '{% {"value": $states.input.value * 2} %}', End: true } },
    });
    const roleArn = 'arn:aws:iam::000000000000:role/any';
    const { stateMachineArn } = await aws.sfn.send(
      new CreateStateMachineCommand({ name: 'sdk-machine', definition, roleArn }),
    );
    const { executionArn } = await aws.sfn.send(
      new StartExecutionCommand({ stateMachineArn, input: '{"value":21}', name: 'once' }),
    );
    await expect
      .poll(() => aws.sfn.send(new DescribeExecutionCommand({ executionArn })), eventually)
      .toMatchObject({ status: 'SUCCEEDED', output: '{"value":42}' });
    await aws.sfn.send(new DeleteStateMachineCommand({ stateMachineArn }));

    const { stateMachines = [] } = await aws.sfn.send(new ListStateMachinesCommand({}));
    expect(stateMachines.map(({ name }) => name)).not.toContain('sdk-machine');
  });

  it.each([
    ['Kinesis_20131202.RegisterStreamConsumer', 'application/x-amz-json-1.1', /RegisterStreamConsumer/],
    ['DynamoDB_20120810.ExportTableToPointInTime', 'application/x-amz-json-1.0', /ExportTableToPointInTime/],
    ['AmazonSQS.Shout', 'application/x-amz-json-1.0', /Shout/],
    ['AWSStepFunctions.CreateActivity', 'application/x-amz-json-1.0', /CreateActivity/],
    ['AmazonBraket.Entangle', 'application/x-amz-json-1.0', /AmazonBraket/],
  ])('is refused an operation that is not there by its name: %s', async (target, contentType, says) => {
    const answer = await fetch(serving.awsUrl, {
      method: 'POST',
      headers: { 'x-amz-target': target, 'content-type': contentType, authorization: 'AWS4-HMAC-SHA256 any' },
      body: '{}',
    });

    expect([answer.status, await answer.text()]).toEqual([400, expect.stringMatching(says)]);
  });
});
