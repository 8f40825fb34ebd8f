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
