import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from 'vitest';

import { bootCloud } from '#local/boot/cloud.ts';
import type { Cloud } from '#local/boot/cloud.ts';
import { issuerKeyFile } from '#local/boot/issuer.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import { miniFunctions, miniTemplate, writeMini } from '#test/local/cloud/mini-assembly.ts';
import type { MiniTemplate, Seen } from '#test/local/cloud/mini-assembly.ts';
import { testFolder } from '#test/support/folders.ts';

const startMs = Date.parse('2026-11-20T00:00:30Z');
const newDirectory = testFolder;
const clouds: Cloud[] = [];
afterEach(async () => {
  for (const cloud of clouds.splice(0)) await cloud.close();
});

const boot = async (stateDir: string, change: (template: MiniTemplate) => void = () => undefined) => {
  const seen: Seen = {};
  const template = miniTemplate();
  change(template);
  const cloud = await bootCloud({
    assemblyDir: writeMini(template),
    stateDir,
    clock: virtualClock(startMs),
    seed: 1,
    host: 'direct',
    importModule: miniFunctions(seen),
  });
  clouds.push(cloud);
  return { cloud, seen };
};
const put = (cloud: Cloud, data: string) =>
  cloud.call('kinesis', 'PutRecord', {
    StreamName: 'mini-stream',
    PartitionKey: 'k',
    Data: Buffer.from(data).toString('base64'),
  });
const dataOf = (events: readonly unknown[] = []): readonly string[] =>
  events
    .flatMap((event) => (event as { Records: { kinesis: { data: string } }[] }).Records)
    .map(({ kinesis }) => Buffer.from(kinesis.data, 'base64').toString());
const withProperties = (
  template: MiniTemplate,
  logicalId: string,
  more: Readonly<Record<string, unknown>>,
) => {
  const { Type = '', Properties } = template[logicalId] ?? {};
  template[logicalId] = { Type, Properties: { ...Properties, ...more } };
};

describe('a cloud with a state directory', () => {
  it.each([
    ['its journal', false],
    ['a snapshot and its tail', true],
  ])('comes back from %s and delivers nothing twice that had succeeded', async (_, hasSnapshot) => {
    const directory = newDirectory();
    const first = await boot(directory);
    await put(first.cloud, 'a');
    await first.cloud.settle();
    if (hasSnapshot) await first.cloud.snapshot();
    await put(first.cloud, 'b');
    await first.cloud.settle();
    const token = first.cloud.mintToken({ sub: 'u' });
    await first.cloud.close();

    const again = await boot(directory);
    await put(again.cloud, 'c');
    await again.cloud.settle();

    expect(dataOf(first.seen['mini-ingest'])).toEqual(['a', 'b']);
    expect(dataOf(again.seen['mini-ingest'])).toEqual(['c']);
    expect(again.cloud.mintToken({ sub: 'u' }).split('.')[0]).toBe(token.split('.')[0]);
    expect(statSync(join(directory, issuerKeyFile)).mode & 0o777).toBe(0o600);
  });

  it('delivers again what had failed', async () => {
    const directory = newDirectory();
    const first = await boot(directory);
    first.cloud.mappings.get('mini/IngestMapping')?.inject({ loseAnswer: () => true });
    await put(first.cloud, 'a');
    await first.cloud.settle();
    await first.cloud.close();
    const again = await boot(directory);
    await again.cloud.settle();
    expect(dataOf(again.seen['mini-ingest'])).toEqual(['a']);
  });

  it('runs every schedule once at the next boot', async () => {
    const directory = newDirectory();
    const first = await boot(directory);
    expect(first.seen['mini-tick']).toBeUndefined();
    await first.cloud.close();
    const again = await boot(directory);
    await again.cloud.settle();
    expect(again.seen['mini-tick']).toHaveLength(1);
  });

  it('takes up what a later template adds or changes beside the keys', async () => {
    const directory = newDirectory();
    await (await boot(directory)).cloud.close();
    const { cloud } = await boot(directory, (template) => {
      template['More'] = { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'mini-more' } };
      withProperties(template, 'Queue', { VisibilityTimeout: 60 });
      withProperties(template, 'Stream', { ShardCount: 2, RetentionPeriodHours: 48 });
      withProperties(template, 'Table', {
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'by', AttributeType: 'S' },
        ],
        GlobalSecondaryIndexes: [
          {
            IndexName: 'by-by',
            KeySchema: [{ AttributeName: 'by', KeyType: 'HASH' }],
            Projection: { ProjectionType: 'ALL' },
          },
        ],
      });
    });
    expect(await cloud.call('sqs', 'GetQueueUrl', { QueueName: 'mini-more' })).toHaveProperty('QueueUrl');
    expect(await cloud.call('kinesis', 'DescribeStreamSummary', { StreamName: 'mini-stream' })).toMatchObject(
      { StreamDescriptionSummary: { OpenShardCount: 2, RetentionPeriodHours: 48 } },
    );
    expect(await cloud.call('dynamodb', 'DescribeTable', { TableName: 'mini-items' })).toMatchObject({
      Table: { GlobalSecondaryIndexes: [{ IndexName: 'by-by' }] },
    });
  });

  it.each([
    [
      'a table without its old key',
      (template: MiniTemplate) =>
        withProperties(template, 'Table', {
          AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
          KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        }),
      'AWS::DynamoDB::Table mini-items has another KeySchema',
    ],
    [
      'a renamed queue',
      (template: MiniTemplate) => withProperties(template, 'Queue', { QueueName: 'mini-renamed' }),
      'AWS::SQS::Queue mini-work is gone or renamed',
    ],
    [
      'no stream',
      (template: MiniTemplate) => {
        delete template['Stream'];
        delete template['IngestMapping'];
      },
      'AWS::Kinesis::Stream mini-stream is gone or renamed',
    ],
  ])('stops at a template with %s and says what to do', async (_, change, message) => {
    const directory = newDirectory();
    await (await boot(directory)).cloud.close();
    const refused = boot(directory, change);
    await expect(refused).rejects.toMatchObject({ code: 'template_change' });
    await expect(refused).rejects.toThrow(message);
    await expect(refused).rejects.toThrow(`delete ${directory}`);

    const { cloud } = await boot(directory);
    expect(cloud.names['mini']).toHaveProperty('Table', 'mini-items');
  });

  it('leaves nothing secret in readable files', async () => {
    const directory = newDirectory();
    const { cloud } = await boot(directory);
    await cloud.close();
    const readable = readdirSync(directory).filter(
      (name) => /key|vault/.test(name) && (statSync(join(directory, name)).mode & 0o077) !== 0,
    );
    expect(readable).toEqual([]);
  });
});
