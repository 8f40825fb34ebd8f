import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { SQSClient, SendMessageCommand } from '@aws-sdk/client-sqs';
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';

import { bootCloud } from '#local/boot/cloud.ts';
import type { BootOptions, Cloud } from '#local/boot/cloud.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import { miniFunctions, miniTemplate, writeMini } from '#test/local/cloud/mini-assembly.ts';
import type { MiniPlatform, MiniTemplate, Seen } from '#test/local/cloud/mini-assembly.ts';

const startMs = Date.parse('2026-11-20T00:00:30Z');
const clouds: Cloud[] = [];
afterEach(async () => {
  for (const cloud of clouds.splice(0)) await cloud.close();
});

interface Plugin {
  readonly configuration: object;
  readonly attach: (client: object) => void;
}
const clientOf = <Client extends object>(
  plugin: unknown,
  create: (configuration: object) => Client,
): Client => {
  const { configuration, attach } = plugin as Plugin;
  const client = create(configuration);
  attach(client);
  return client;
};

const putItem = async (event: unknown, { environment, plugin }: MiniPlatform) => {
  const { pathParameters } = event as { pathParameters: { id: string } };
  const client = clientOf(plugin, (configuration) => new DynamoDBClient(configuration));
  await client.send(
    new PutItemCommand({ TableName: environment['TABLE'], Item: { pk: { S: pathParameters.id } } }),
  );
  return { statusCode: 201, body: JSON.stringify({ at: plugin?.nowMs() }) };
};
const copyToQueue = async (event: unknown, { environment, plugin }: MiniPlatform) => {
  const { Records } = event as { Records: { dynamodb: { NewImage: { pk: { S: string } } } }[] };
  const client = clientOf(plugin, (configuration) => new SQSClient(configuration));
  for (const { dynamodb } of Records)
    await client.send(
      new SendMessageCommand({ QueueUrl: environment['QUEUE_URL'], MessageBody: dynamodb.NewImage.pk.S }),
    );
};
const chain = { 'mini-put': putItem, 'mini-copy': copyToQueue };

const boot = async (
  change: (template: MiniTemplate) => void = () => undefined,
  options: Partial<BootOptions> & { readonly acts?: Parameters<typeof miniFunctions>[1] } = {},
) => {
  const seen: Seen = {};
  const template = miniTemplate();
  change(template);
  const { acts = chain, ...rest } = options;
  const cloud = await bootCloud({
    assemblyDir: writeMini(template),
    clock: virtualClock(startMs),
    seed: 1,
    host: 'direct',
    importModule: miniFunctions(seen, acts),
    ...rest,
  });
  clouds.push(cloud);
  return { cloud, seen };
};
const bodiesOf = (events: readonly unknown[] = []): readonly string[] =>
  events.flatMap((event) => (event as { Records: { body: string }[] }).Records.map(({ body }) => body));
const put = (cloud: Cloud, data: string) =>
  cloud.call('kinesis', 'PutRecord', {
    StreamName: 'mini-stream',
    PartitionKey: 'k',
    Data: Buffer.from(data).toString('base64'),
  });

describe('a cloud booted from a template', () => {
  it('carries a request through table, stream and queue to the last function', async () => {
    const { cloud, seen } = await boot();

    const answered = await cloud.request('PUT', '/items/a', { headers: { 'x-request-id': 'r1' } });
    await cloud.settle();

    expect(answered).toMatchObject({ status: 201, headers: { 'x-request-id': ['r1'] } });
    expect(answered.json()).toEqual({ at: startMs });
    expect(bodiesOf(seen['mini-work'])).toEqual(['a']);
    expect(cloud.counts().requests).toMatchObject({ 'dynamodb.PutItem': 1, 'sqs.SendMessage': 1 });
    expect(cloud.names['mini']).toMatchObject({ Table: 'mini-items', Queue: 'mini-work' });
    expect([...cloud.mappings.values()].every((mapping) => mapping.idle())).toBe(true);
  });

  it('works the same when clients run their whole middleware', async () => {
    const { cloud, seen } = await boot(undefined, { fidelity: 'handler' });
    await cloud.request('PUT', '/items/a');
    await cloud.settle();
    expect(bodiesOf(seen['mini-work'])).toEqual(['a']);
  });

  it('keeps two clouds of one process apart', async () => {
    const [one, other] = await Promise.all([boot(), boot()]);
    await Promise.all([one.cloud.request('PUT', '/items/one'), other.cloud.request('PUT', '/items/other')]);
    await Promise.all([one.cloud.settle(), other.cloud.settle()]);
    expect(bodiesOf(one.seen['mini-work'])).toEqual(['one']);
    expect(bodiesOf(other.seen['mini-work'])).toEqual(['other']);
  });

  it('fires schedules and ends a week of waiting in virtual time', async () => {
    const { cloud, seen } = await boot(undefined, { acts: { 'mini-tick': () => 'told' } });
    await cloud.advance(120_000);
    expect(seen['mini-tick']).toHaveLength(2);

    const { executionArn } = await cloud.call('states', 'StartExecution', {
      stateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:mini-wait',
      input: '{"a":1}',
    });
    const status = async () => (await cloud.call('states', 'DescribeExecution', { executionArn }))['status'];
    const isDone = await cloud.advanceUntil(async () => (await status()) === 'SUCCEEDED', 8 * 86_400_000);

    expect(isDone).toBe(true);
    expect(cloud.clock.nowMs()).toBe(startMs + 120_000 + 604_800_000);
    expect(seen['mini-tick']).toContainEqual({ a: 1 });
  });

  it('deletes what has expired', async () => {
    const { cloud } = await boot();
    const Item = { pk: { S: 'x' }, expiresAt: { N: String(startMs / 1000 + 10) } };
    await cloud.call('dynamodb', 'PutItem', { TableName: 'mini-items', Item });
    await cloud.advance(120_000);
    expect(await cloud.call('dynamodb', 'Scan', { TableName: 'mini-items' })).toMatchObject({ Count: 0 });
  });

  it('makes failed messages visible again and gives them up to the dead-letter queue', async () => {
    const { cloud, seen } = await boot(undefined, {
      acts: {
        'mini-work': (event) => ({
          batchItemFailures: (event as { Records: { messageId: string; body: string }[] }).Records.filter(
            ({ body }) => body === 'bad',
          ).map(({ messageId }) => ({ itemIdentifier: messageId })),
        }),
      },
    });
    const QueueUrl = 'http://127.0.0.1:4566/000000000000/mini-work';
    for (const MessageBody of ['good', 'bad'])
      await cloud.call('sqs', 'SendMessage', { QueueUrl, MessageBody });
    await cloud.advance(200_000);

    expect(bodiesOf(seen['mini-work']).filter((body) => body === 'good')).toHaveLength(1);
    expect(bodiesOf(seen['mini-work']).filter((body) => body === 'bad')).toHaveLength(3);
    const dead = await cloud.call('sqs', 'ReceiveMessage', { QueueUrl: QueueUrl.replace('work', 'dead') });
    expect(dead['Messages']).toMatchObject([{ Body: 'bad' }]);
  });

  it('stops a function that sends to its own queue after sixteen hops, unless it may loop', async () => {
    const again = async (_: unknown, { environment, plugin }: MiniPlatform) => {
      const client = clientOf(plugin, (configuration) => new SQSClient(configuration));
      await client.send(new SendMessageCommand({ QueueUrl: environment['QUEUE_URL'], MessageBody: 'again' }));
    };
    const { cloud, seen } = await boot(undefined, { acts: { 'mini-work': again } });
    await cloud.call('sqs', 'SendMessage', { QueueUrl: 'x/mini-work', MessageBody: 'first' });
    await cloud.settle();
    expect(seen['mini-work']).toHaveLength(16);
    expect(cloud.mappings.get('mini/WorkMapping')?.counts().loopsStopped).toBe(1);
  });

  it('issues tokens a verifier accepts without network', async () => {
    const { cloud } = await boot();
    const token = cloud.mintToken({ sub: 'user', role: 'admin' });
    const { iss, aud } = JSON.parse(
      Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'),
    ) as Record<string, string>;
    const keys = createRemoteJWKSet(new URL(`${iss}/.well-known/jwks.json`), {
      [customFetch]: cloud.plugin.fetch,
    });
    const { payload } = await jwtVerify(token, keys, {
      issuer: `https://cognito-idp.us-east-1.amazonaws.com/${cloud.names['mini']?.['Pool'] === undefined ? '' : iss?.split('/').at(-1)}`,
      audience: aud ?? '',
      currentDate: new Date(startMs),
    });
    expect(payload).toMatchObject({ sub: 'user', token_use: 'id', 'custom:role': 'admin' });
    expect(payload).not.toHaveProperty('role');
  });

  it('refuses virtual time with worker threads', async () => {
    await expect(boot(undefined, { host: 'worker' })).rejects.toThrow('worker threads run on the wall clock');
  });
});

describe('an edited template', () => {
  it('without a mapping leaves its function alone', async () => {
    const { cloud, seen } = await boot((template) => delete template['WorkMapping']);
    await cloud.request('PUT', '/items/a');
    await cloud.settle();
    expect(seen['mini-copy']).toHaveLength(1);
    expect(seen['mini-work']).toBeUndefined();
  });

  it.each([
    [2, [2, 1]],
    [3, [3]],
  ])('with batch size %i delivers batches of %j', async (BatchSize, sizes) => {
    const { cloud, seen } = await boot((template) => {
      template['IngestMapping'] = {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { ...template['IngestMapping']?.Properties, BatchSize },
      };
    });
    await Promise.all(['a', 'b', 'c'].map((data) => put(cloud, data)));
    await cloud.settle();
    expect(seen['mini-ingest']?.map((event) => (event as { Records: unknown[] }).Records.length)).toEqual(
      sizes,
    );
  });

  it('with a renamed queue works with the new name', async () => {
    const { cloud, seen } = await boot((template) => {
      template['Queue'] = {
        Type: 'AWS::SQS::Queue',
        Properties: { ...template['Queue']?.Properties, QueueName: 'mini-renamed' },
      };
    });
    await cloud.request('PUT', '/items/a');
    await cloud.settle();
    expect(bodiesOf(seen['mini-work'])).toEqual(['a']);
    expect(cloud.names['mini']?.['Queue']).toBe('mini-renamed');
    await expect(cloud.call('sqs', 'GetQueueUrl', { QueueName: 'mini-work' })).rejects.toThrow();
  });

  it.each([
    ['an unknown type', { Type: 'AWS::Redshift::Cluster' }, 'resource X (AWS::Redshift::Cluster)'],
    [
      'a tumbling window',
      {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          EventSourceArn: { 'Fn::GetAtt': ['Stream', 'Arn'] },
          FunctionName: { Ref: 'Ingest' },
          TumblingWindowInSeconds: 30,
        },
      },
      'property TumblingWindowInSeconds: tumbling windows are not supported',
    ],
    [
      'a machine in JSONPath',
      {
        Type: 'AWS::StepFunctions::StateMachine',
        Properties: {
          StateMachineName: 'old',
          DefinitionString: '{"StartAt":"A","States":{"A":{"Type":"Pass","InputPath":"$.a","End":true}}}',
        },
      },
      'stack mini, resource X (AWS::StepFunctions::StateMachine)',
    ],
    [
      'a mapping to a function there is not',
      {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: { EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] }, FunctionName: 'gone' },
      },
      'there is no such function',
    ],
  ])('with %s is refused by name', async (_, declared, message) => {
    await expect(boot((template) => (template['X'] = declared))).rejects.toThrow(message);
  });
});
