import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  CreateStateMachineCommand,
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueUrlCommand,
  QueueDoesNotExist,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connect, createLocalAws, type Connection, type Way } from '#test/unit/local/sdk/local-aws.ts';

const ways: readonly Way[] = ['wire', 'handler', 'bytes', 'port'];

describe.each(ways)('by way of %s', (way) => {
  let connection: Connection;
  beforeEach(async () => {
    connection = await connect(createLocalAws(), way);
  });
  afterEach(() => connection.close());

  it('S3 stores, heads, lists, reads and deletes objects', async () => {
    const s3 = new S3Client({ ...connection.host.configuration, forcePathStyle: true });
    connection.host.attach(s3);
    const object = { Bucket: 'blobs', Key: 'a folder/é+1.json' };
    const body = Buffer.from('{"text":"é"}'.repeat(10_000));
    await s3.send(new CreateBucketCommand({ Bucket: 'blobs' }));
    await s3.send(new PutObjectCommand({ ...object, Body: body, ContentType: 'application/json' }));
    const head = await s3.send(new HeadObjectCommand(object));
    expect([head.ContentLength, head.ContentType]).toEqual([body.length, 'application/json']);
    const { Body } = await s3.send(new GetObjectCommand(object));
    expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: 'blobs', Prefix: 'a folder/' }));
    expect(Contents?.map(({ Key }) => Key)).toEqual([object.Key]);
    await s3.send(new DeleteObjectCommand(object));
    await expect(s3.send(new GetObjectCommand(object))).rejects.toBeInstanceOf(NoSuchKey);
    s3.destroy();
  });

  it('Secrets Manager keeps values of text and bytes', async () => {
    const secrets = new SecretsManagerClient({ ...connection.host.configuration });
    connection.host.attach(secrets);
    await secrets.send(new CreateSecretCommand({ Name: 'text', SecretString: 'sésame' }));
    await secrets.send(new CreateSecretCommand({ Name: 'bytes', SecretBinary: new Uint8Array([0, 255]) }));
    const text = await secrets.send(new GetSecretValueCommand({ SecretId: 'text' }));
    const bytes = await secrets.send(new GetSecretValueCommand({ SecretId: 'bytes' }));
    expect(text.SecretString).toBe('sésame');
    expect(text.CreatedDate).toBeInstanceOf(Date);
    expect([...(bytes.SecretBinary ?? [])]).toEqual([0, 255]);
    const missing = secrets.send(new GetSecretValueCommand({ SecretId: 'nothing' }));
    await expect(missing).rejects.toBeInstanceOf(ResourceNotFoundException);
    secrets.destroy();
  });

  it('SQS sends, receives and deletes messages', async () => {
    const sqs = new SQSClient({ ...connection.host.configuration });
    connection.host.attach(sqs);
    await sqs.send(new CreateQueueCommand({ QueueName: 'work.fifo', Attributes: { FifoQueue: 'true' } }));
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: 'work.fifo' }));
    const sent = await sqs.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: 'é <&>',
        MessageGroupId: 'g',
        MessageDeduplicationId: 'd',
        MessageAttributes: { bytes: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 255]) } },
      }),
    );
    const { Messages } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'], MaxNumberOfMessages: 10 }),
    );
    const [message] = Messages ?? [];
    expect([message?.MessageId, message?.Body]).toEqual([sent.MessageId, 'é <&>']);
    expect([...(message?.MessageAttributes?.['bytes']?.BinaryValue ?? [])]).toEqual([0, 255]);
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
    expect(await sqs.send(new ReceiveMessageCommand({ QueueUrl }))).not.toHaveProperty('Messages');

    const missing = await sqs
      .send(new GetQueueUrlCommand({ QueueName: 'nothing' }))
      .catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(QueueDoesNotExist);
    expect(missing).toHaveProperty('Error.Code', 'AWS.SimpleQueueService.NonExistentQueue');
    sqs.destroy();
  });

  it('Step Functions runs executions, each name once', async () => {
    const states = new SFNClient({ ...connection.host.configuration });
    connection.host.attach(states);
    const { stateMachineArn } = await states.send(
      new CreateStateMachineCommand({
        name: 'pass',
        roleArn: 'arn:aws:iam::000000000000:role/any',
        definition: JSON.stringify({
          QueryLanguage: 'JSONata',
          StartAt: 'End',
          States: { End: { Type: 'Succeed', Output: '{% { "said": $states.input.say } %}' } },
        }),
      }),
    );
    const start = (input: string): StartExecutionCommand =>
      new StartExecutionCommand({ stateMachineArn, name: 'once', input });
    const { executionArn, startDate } = await states.send(start('{"say":"é"}'));
    expect(startDate).toBeInstanceOf(Date);
    await vi.waitFor(async () => {
      const described = await states.send(new DescribeExecutionCommand({ executionArn }));
      expect([described.status, described.output]).toEqual(['SUCCEEDED', '{"said":"é"}']);
    });
    await expect(states.send(start('{"say":"other"}'))).rejects.toBeInstanceOf(ExecutionAlreadyExists);
    states.destroy();
  });
});
