import { KinesisClient, PutRecordCommand } from '@aws-sdk/client-kinesis';
import { afterEach, describe, expect, it } from 'vitest';

import { bootCloud } from '#local/boot/cloud.ts';
import type { Cloud } from '#local/boot/cloud.ts';
import { wallClock } from '#local/kernel/clock.ts';
import { miniTemplate, writeMini } from '#test/local/cloud/mini-assembly.ts';

const clouds: Cloud[] = [];
afterEach(async () => {
  for (const cloud of clouds.splice(0)) await cloud.close();
});

const bundle = `
const calls = [];
export const handler = async (event) => {
  if (!event.httpMethod) { calls.push(event); return {}; }
  const plugin = globalThis[Symbol.for('sluice.aws')];
  const { response } = await plugin.configuration.requestHandler.handle({
    method: 'POST', path: '/', headers: { 'x-amz-target': 'DynamoDB_20120810.PutItem', 'content-type': 'application/x-amz-json-1.0' },
    body: JSON.stringify({ TableName: process.env.TABLE, Item: { pk: { S: event.pathParameters.id } } }) });
  return { statusCode: response.statusCode === 200 ? 201 : 500, body: '{"made":true}' };
};`;

const boot = async (): Promise<Cloud> => {
  const cloud = await bootCloud({
    assemblyDir: writeMini(miniTemplate(), bundle),
    clock: wallClock(),
    seed: 1,
    host: 'worker',
    apiPort: 0,
    awsPort: 0,
  });
  clouds.push(cloud);
  return cloud;
};

describe('a cloud with ports and worker threads', () => {
  it('serves the HTTP API from a bundle in a thread', async () => {
    const cloud = await boot();
    const answered = await fetch(`${cloud.apiUrl}/items/a`, { method: 'PUT' });
    expect([answered.status, await answered.json()]).toEqual([201, { made: true }]);
    expect(await cloud.call('dynamodb', 'Scan', { TableName: 'mini-items' })).toMatchObject({ Count: 1 });

    const unknown = await fetch(`${cloud.apiUrl}/nowhere`);
    expect([unknown.status, await unknown.json()]).toMatchObject([404, { code: 'route_not_found' }]);
  });

  it('answers AWS clients on its port, and feeds their records to functions', async () => {
    const cloud = await boot();
    const client = new KinesisClient({
      endpoint: cloud.awsUrl ?? '',
      region: 'us-east-1',
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    });
    await client.send(
      new PutRecordCommand({ StreamName: 'mini-stream', PartitionKey: 'k', Data: Buffer.from('x') }),
    );
    await cloud.settle();
    client.destroy();
    expect(cloud.counts().mappings['mini/IngestMapping']).toMatchObject({ delivered: 1 });
  });

  it('serves the issuer’s keys to anybody and nothing else without a signature', async () => {
    const cloud = await boot();
    const [, payload = ''] = cloud.mintToken({ sub: 'u' }).split('.');
    const { iss } = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { iss: string };
    const path = new URL(iss).pathname;
    const keys = await fetch(`${cloud.awsUrl}${path}/.well-known/jwks.json`);
    expect(await keys.json()).toMatchObject({ keys: [{ kty: 'EC', crv: 'P-256', use: 'sig' }] });
    expect((await fetch(`${cloud.awsUrl}${path}/.well-known/other`)).status).toBe(403);
  });

  it('leaves no port behind when it refuses a template', async () => {
    const cloud = await boot();
    const port = Number(new URL(cloud.apiUrl ?? '').port);
    await expect(
      bootCloud({
        assemblyDir: writeMini(miniTemplate(), bundle),
        clock: wallClock(),
        seed: 1,
        host: 'worker',
        apiPort: port,
        awsPort: 0,
      }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
