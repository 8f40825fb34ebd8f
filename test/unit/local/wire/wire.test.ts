import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createDispatcher } from '#local/dispatch/dispatcher.ts';
import { createFaults } from '#local/dispatch/faults.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import { memoryJournal } from '#local/kernel/journal.ts';
import { createS3 } from '#local/s3/engine.ts';
import type { WireRequest } from '#local/wire/message.ts';
import { createWire } from '#local/wire/wire.ts';
import { echoEngine, jsonOf } from '#test/unit/local/wire/echo-engine.ts';

const faults = createFaults({
  rules: [{ service: 'kinesis', kind: 'lost-answer' }],
  seed: 1,
  clock: virtualClock(0),
});
const wire = createWire({
  dispatcher: createDispatcher({
    engines: {
      s3: createS3({
        clock: virtualClock(0),
        journal: memoryJournal,
        chance: () => 0,
        region: 'us-east-1',
        accountId: '000000000000',
      }),
      dynamodb: echoEngine(['PutItem']),
      dynamodbstreams: echoEngine(['ListStreams']),
      kinesis: echoEngine(['PutRecord']),
      sqs: echoEngine(['SendMessage']),
      states: echoEngine(['StartExecution']),
      secretsmanager: echoEngine(['GetSecretValue']),
    },
    journal: memoryJournal,
    faults,
  }),
  accountId: '000000000000',
});

const request = (headers: Readonly<Record<string, string>>, body = ''): WireRequest => ({
  method: 'POST',
  path: '/',
  query: '',
  headers,
  body: Buffer.from(body),
});

const target = (name: string, body = '{}', contentType = 'application/x-amz-json-1.0'): WireRequest =>
  request({ 'x-amz-target': name, 'content-type': contentType }, body);

const form = (body: string): WireRequest =>
  request({ 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }, body);

describe('the JSON protocols', () => {
  it.each([
    'DynamoDB_20120810.PutItem',
    'DynamoDBStreams_20120810.ListStreams',
    'AmazonSQS.SendMessage',
    'AWSStepFunctions.StartExecution',
    'secretsmanager.GetSecretValue',
  ])('reach the engine of %s', async (name) => {
    const response = await wire.handle(target(name, '{"a":"é"}', 'application/x-amz-json-1.1'));
    expect(response.status).toBe(200);
    expect(response.headers['content-type']).toBe('application/x-amz-json-1.1');
    expect(jsonOf(response.body)).toEqual({ echo: { a: 'é' } });
  });

  it('take an empty body for an empty input', async () => {
    expect(jsonOf((await wire.handle(target('AmazonSQS.SendMessage', ''))).body)).toEqual({ echo: {} });
  });

  it('let DynamoDB clients check the bytes', async () => {
    const { headers, body } = await wire.handle(target('DynamoDB_20120810.PutItem', '{"a":"é"}'));
    expect(headers['x-amz-crc32']).toBe(String(crc32(body)));
  });

  it('number their answers', async () => {
    const ids = [];
    for (let n = 0; n < 2; n++) {
      const { headers } = await wire.handle(target('AmazonSQS.SendMessage'));
      ids.push(headers['x-amzn-requestid']);
    }
    expect(ids[0]).toMatch(/^00000000-0000-4000-8000-[0-9a-f]{12}$/);
    expect(ids[1]).not.toBe(ids[0]);
  });

  it('write exceptions with name, members and status', async () => {
    const body = '{"refuse":"ConditionalCheckFailedException"}';
    const response = await wire.handle(target('DynamoDB_20120810.PutItem', body));
    expect(response.status).toBe(400);
    expect(response.headers['x-amzn-errortype']).toBe('ConditionalCheckFailedException');
    expect(jsonOf(response.body)).toEqual({
      __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
      message: 'as asked',
      Item: { pk: { S: 'é' } },
    });
  });

  it('tell SQS clients the older name of an error', async () => {
    const response = await wire.handle(target('AmazonSQS.SendMessage', '{"refuse":"QueueDoesNotExist"}'));
    expect(response.headers['x-amzn-query-error']).toBe('AWS.SimpleQueueService.NonExistentQueue;Sender');
  });

  it.each([
    ['DynamoDB_20120810.ExecuteStatement', 'dynamodb.ExecuteStatement'],
    ['Logs_20140328.PutLogEvents', 'the service logs is not part of it'],
    ['AmazonSSM.GetParameter', 'the target AmazonSSM.GetParameter'],
    ['constructor.toString', 'the target constructor.toString'],
    ['nothing', 'the target nothing'],
  ])('refuse %s by name', async (name, message) => {
    const response = await wire.handle(target(name));
    expect(response.status).toBe(400);
    expect(jsonOf(response.body)['__type']).toContain('UnknownOperationException');
    expect(jsonOf(response.body)['message']).toContain(message);
  });

  it.each(['{', 'null', '[]', '"text"', '{"a":1}}'])('refuse the body %s', async (body) => {
    const response = await wire.handle(target('DynamoDB_20120810.PutItem', body));
    expect(response.status).toBe(400);
    expect(jsonOf(response.body)['__type']).toContain('SerializationException');
  });

  it('refuse CBOR by name', async () => {
    const response = await wire.handle(
      target('Kinesis_20131202.PutRecord', '', 'application/x-amz-cbor-1.1'),
    );
    expect(jsonOf(response.body)['message']).toContain('application/x-amz-cbor-1.1');
  });

  it('break off when the answer is lost', async () => {
    await expect(wire.handle(target('Kinesis_20131202.PutRecord'))).rejects.toMatchObject({
      code: 'ECONNRESET',
    });
  });
});

describe('the Query protocol', () => {
  const text = async (body: string): Promise<string> =>
    Buffer.from((await wire.handle(form(body))).body).toString();

  it('says who calls', async () => {
    const xml = await text('Action=GetCallerIdentity&Version=2011-06-15');
    expect(xml).toContain('<Account>000000000000</Account>');
    expect(xml).toContain('<Arn>arn:aws:iam::000000000000:root</Arn>');
  });

  it('reaches SQS through its codec', async () => {
    expect(await text('Action=SendMessage&Version=2012-11-05&MessageBody=a%26b')).toContain(
      '<MessageBody>a&amp;b</MessageBody>',
    );
  });

  it('writes exceptions under their older names', async () => {
    const response = await wire.handle(
      form('Action=SendMessage&Version=2012-11-05&refuse=QueueDoesNotExist'),
    );
    expect(response.status).toBe(400);
    expect(Buffer.from(response.body).toString()).toContain(
      '<Type>Sender</Type><Code>AWS.SimpleQueueService.NonExistentQueue</Code><Message>as asked</Message>',
    );
  });

  it('refuses other actions and versions by name', async () => {
    expect(await text('Action=AssumeRole&Version=2011-06-15')).toContain(
      'the action AssumeRole of version 2011',
    );
    expect(await text('Action=%3CPublish%3E&Version=2010-03-31')).toContain('the action &lt;Publish&gt;');
    expect(await text('')).toContain('InvalidAction');
  });
});

describe('everything else', () => {
  const signed = (service: string, method: string, path: string): WireRequest => ({
    ...request({
      authorization: `AWS4-HMAC-SHA256 Credential=k/20250101/us-east-1/${service}/aws4_request, x`,
    }),
    method,
    path,
  });

  it('is S3 when it is signed for S3 or not signed', async () => {
    expect((await wire.handle(signed('s3', 'PUT', '/bucket'))).status).toBe(200);
    const unsigned = await wire.handle({ ...request({}), method: 'GET', path: '/nothing/key' });
    expect(unsigned.status).toBe(404);
    expect(Buffer.from(unsigned.body).toString()).toContain('<Code>NoSuchBucket</Code>');
  });

  it('is refused by the name of its service otherwise', async () => {
    const refused = await wire.handle(signed('lambda', 'GET', '/2015-03-31/functions'));
    expect(refused.status).toBe(400);
    expect(jsonOf(refused.body)['message']).toContain('does not support lambda: GET /2015-03-31/functions');
  });
});
