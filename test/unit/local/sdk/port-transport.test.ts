import path from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { portTransport, servePort } from '#local/sdk/port-transport.ts';
import { bodyText, type WireHandler, type WireRequest } from '#local/wire/message.ts';
import { createLocalAws } from '#test/unit/local/sdk/local-aws.ts';

const request = (body: Uint8Array): WireRequest => ({
  method: 'POST',
  path: '/',
  query: 'a=b',
  headers: { 'x-amz-target': 'T' },
  body,
});

const echo: WireHandler = async ({ body, path: status }) =>
  Promise.resolve({ status: status.length, headers: { echo: 'yes' }, body });

it('sends the requests of a turn as one message each way, and leaves their bytes alone', async () => {
  const { port1, port2 } = new MessageChannel();
  servePort(port1, echo);
  let askedCount = 0;
  let answeredCount = 0;
  port1.on('message', () => askedCount++);
  const handle = portTransport(port2);
  port2.on('message', () => answeredCount++);
  const pooled = Buffer.from('pooled é');
  const bodies = [pooled, new Uint8Array(), new Uint8Array(100_000).fill(7), pooled.subarray(0, 3)];

  const answers = await Promise.all(bodies.map((body) => handle(request(body))));

  expect(answers.map(({ body }) => Buffer.from(body).equals(Buffer.from(body)))).toEqual(
    bodies.map(() => true),
  );
  expect(answers.map(({ body }) => body.byteLength)).toEqual(bodies.map((body) => body.byteLength));
  expect(bodyText(answers[0] ?? request(pooled))).toBe('pooled é');
  expect(answers[1]).toMatchObject({ status: 1, headers: { echo: 'yes' } });
  expect(pooled.toString()).toBe('pooled é');
  expect([askedCount, answeredCount]).toEqual([1, 1]);
  port1.close();
});

it('rejects like a reset connection when there is no answer, and when the port closes', async () => {
  const { port1, port2 } = new MessageChannel();
  const never = new Promise<never>(() => undefined);
  servePort(port1, ({ body }) => (body.byteLength > 0 ? never : Promise.reject(new Error('broken'))));
  const handle = portTransport(port2);
  await expect(handle(request(new Uint8Array()))).rejects.toMatchObject({ code: 'ECONNRESET' });
  const pending = handle(request(new Uint8Array(1)));
  port1.close();
  await expect(pending).rejects.toMatchObject({ code: 'ECONNRESET' });
});

const bundleOf = async (contents: string): Promise<string> => {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: path.resolve(import.meta.dirname, '../../../..'), loader: 'ts' },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire('file:///');" },
    logLevel: 'silent',
  });
  return `data:text/javascript;base64,${Buffer.from(outputFiles[0]?.text ?? '').toString('base64')}`;
};

it('serves the minified bundle of a function in a worker thread', async () => {
  const program = await bundleOf(`
    import { parentPort, workerData } from 'node:worker_threads';
    import { CreateTableCommand, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
    import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
    import { createSdkHost } from '#local/sdk/sdk-host.ts';
    import { portTransport } from '#local/sdk/port-transport.ts';
    globalThis[Symbol.for('sluice.aws')] = createSdkHost({
      handle: portTransport(workerData), fidelity: 'bytes', region: 'us-east-1',
    });
    const client = dynamodbClient();
    const TableName = 'items';
    await client.send(new CreateTableCommand({
      TableName,
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      BillingMode: 'PAY_PER_REQUEST',
    }));
    const Item = { pk: { S: 'é' }, bytes: { B: new Uint8Array([1, 255]) } };
    const ConditionExpression = 'attribute_not_exists(pk)';
    await client.send(new PutItemCommand({ TableName, Item, ConditionExpression }));
    const again = await client.send(new PutItemCommand({ TableName, Item, ConditionExpression })).catch(({ name }) => name);
    const { Item: found } = await client.send(new GetItemCommand({ TableName, Key: { pk: Item.pk } }));
    parentPort.postMessage({ again, found });
  `);
  const aws = createLocalAws();
  const { port1, port2 } = new MessageChannel();
  servePort(port1, aws.wire.handle);
  const worker = new Worker(new URL(program), {
    workerData: port2,
    transferList: [port2],
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const message = await new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  expect(message).toEqual({
    again: 'ConditionalCheckFailedException',
    found: { pk: { S: 'é' }, bytes: { B: new Uint8Array([1, 255]) } },
  });
  expect(aws.dispatcher.counts()).toEqual({
    'dynamodb.CreateTable': 1,
    'dynamodb.GetItem': 1,
    'dynamodb.PutItem': 2,
  });
  await worker.terminate();
  port1.close();
});
