import { expect, it } from 'vitest';
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { sqsReceived } from '#adapters/sqs/received.ts';
import { adaptersOf } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';

it('gives a message back at once, and with it those of its group', async () => {
  const stage = await localStage();
  const QueueUrl = stage.queueUrl('commands.fifo');
  const receive = async () =>
    (await stage.dispatcher.call('sqs', 'ReceiveMessage', { QueueUrl, MaxNumberOfMessages: 1 })) as {
      readonly Messages?: readonly { readonly Body: string; readonly ReceiptHandle: string }[];
    };
  const { queues } = adaptersOf(stage);
  const of = (id: string) => ({
    queue: 'commands' as const,
    body: { id },
    groupId: 'g',
    deduplicationId: id,
  });
  await queues.send([of('first'), of('second')]);
  const [held] = (await receive()).Messages ?? [];
  expect((await receive()).Messages ?? []).toEqual([]);

  await sqsReceived(sqsClient(stage.plugin), QueueUrl).release(held?.ReceiptHandle ?? '');

  expect((await receive()).Messages).toMatchObject([{ Body: '{"id":"first"}' }]);
});
