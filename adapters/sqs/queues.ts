/** Sends effects to SQS, ten at a time; order within a FIFO group is the order of the call. */
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import type { SendMessageBatchRequestEntry, SQSClient } from '@aws-sdk/client-sqs';
import { messageBytes, messageText } from '#adapters/sqs/message-text.ts';
import type { SendMessage } from '#domain/kernel/effect.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import type { Queues } from '#domain/ports/outside.ts';

export type QueueUrls = Readonly<Partial<Record<SendMessage['queue'], string>>>;

type Message = Omit<SendMessage, 'kind' | 'name'>;

const BATCH_MAX = 10;
const BATCH_MAX_BYTES = 240 * 1024;
const TRIES_MAX = 4;

/** Queues by their logical name; sending to one the function was not given is an error of the deployment. */
export const sqsQueues = (client: SQSClient, urls: QueueUrls): Queues => ({
  send: async (messages) => {
    for (const [queue, group] of groupBy(messages, (message) => message.queue)) {
      const url = urls[queue];
      if (url === undefined) throw new Error(`this function was given no queue ${queue}`);
      for (const batch of batches(group)) await sendBatch(client, url, batch);
    }
  },
});

function* batches(messages: readonly Message[]): Iterable<readonly SendMessageBatchRequestEntry[]> {
  let batch: SendMessageBatchRequestEntry[] = [];
  let bytes = 0;
  for (const message of messages) {
    const entry = toEntry(message, batch.length);
    const size = messageBytes(entry.MessageBody ?? '');
    if (batch.length === BATCH_MAX || (batch.length > 0 && bytes + size > BATCH_MAX_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push({ ...entry, Id: String(batch.length) });
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

const toEntry = (message: Message, index: number): SendMessageBatchRequestEntry => ({
  Id: String(index),
  MessageBody: messageText(message.body),
  ...(message.groupId === undefined ? {} : { MessageGroupId: message.groupId }),
  ...(message.deduplicationId === undefined ? {} : { MessageDeduplicationId: message.deduplicationId }),
  ...(message.delaySeconds === undefined ? {} : { DelaySeconds: message.delaySeconds }),
});

const sendBatch = async (
  client: SQSClient,
  url: string,
  entries: readonly SendMessageBatchRequestEntry[],
): Promise<void> => {
  let pending = [...entries];
  for (let tries = 1; pending.length > 0; tries++) {
    const answer = await client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: pending }));
    const failed = new Set((answer.Failed ?? []).map((entry) => entry.Id));
    pending = pending.filter((entry) => failed.has(entry.Id));
    if (pending.length > 0 && tries === TRIES_MAX)
      throw new Error(
        `${pending.length} messages to ${url} were refused: ${answer.Failed?.[0]?.Message ?? ''}`,
      );
  }
};
