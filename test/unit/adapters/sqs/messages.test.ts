/** Messages as the worker kit receives them. */
import { expect, it } from 'vitest';
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { sqsMessages } from '#adapters/sqs/messages.ts';
import { localStage } from '#test/support/ports.ts';

it('hands out what was sent until it is removed', async () => {
  const stage = await localStage();
  const { QueueUrl } = await stage.dispatcher.call('sqs', 'CreateQueue', {
    QueueName: 'sluice-dev-worker-gpu',
  });
  const queue = sqsMessages(sqsClient(stage.plugin), String(QueueUrl));
  const { signal } = new AbortController();
  for (const MessageBody of ['one', 'two'])
    await stage.dispatcher.call('sqs', 'SendMessage', { QueueUrl, MessageBody });

  const received = await queue.receive(10, signal);
  expect(received.map(({ body }) => body).sort()).toEqual(['one', 'two']);
  await queue.remove(received.find(({ body }) => body === 'one')?.receipt ?? '');
  stage.clock.jump(stage.clock.nowMs() + 60_000);
  expect((await queue.receive(10, signal)).map(({ body }) => body)).toEqual(['two']);
});

it('waits longer for the answer to a long poll than the queue does', async () => {
  const asked: { readonly body: string; readonly timeoutMs: number | undefined }[] = [];
  const handle = (request: { readonly body: Uint8Array }, options: { readonly requestTimeout?: number }) => {
    asked.push({ body: new TextDecoder().decode(request.body), timeoutMs: options.requestTimeout });
    return Promise.reject(new Error('nobody is there'));
  };
  const client = sqsClient({
    configuration: {
      ...{ region: 'us-east-1', endpoint: 'http://127.0.0.1:1', maxAttempts: 1 },
      ...{ credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, requestHandler: { handle } },
    },
    attach: () => undefined,
  });

  const { signal } = new AbortController();
  await expect(sqsMessages(client, 'http://127.0.0.1:1/q').receive(1, signal)).rejects.toThrow('nobody');

  const [poll] = asked;
  const { WaitTimeSeconds } = JSON.parse(poll?.body ?? '{}') as { readonly WaitTimeSeconds: number };
  expect(poll?.timeoutMs).toBeGreaterThan(WaitTimeSeconds * 1_000);
});
