/** Sends refused records to a dead-letter queue, ten at a time, each with its reason. */
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { messageBytes, messageText } from '#adapters/sqs/message-text.ts';

/** A refused record that carries its code and message beside what was refused. */
export interface Letter {
  readonly code: string;
  readonly message: string;
  readonly partitionKey?: string;
}

const BATCH_MAX = 10;
const BODY_MAX_BYTES = 240 * 1024;
/** What a letter says is ours to bound: a record must not become undeliverable by what it is quoted with. */
const MESSAGE_MAX = 1_024;
const PARTITION_KEY_MAX = 256;

/** Sends every letter; what is too long for a message loses its data, never its reason. */
export const deadLetters =
  (client: SQSClient, queueUrl: string) =>
  async (letters: readonly Letter[]): Promise<void> => {
    for (let start = 0; start < letters.length; start += BATCH_MAX) {
      const bodies = letters.slice(start, start + BATCH_MAX).map(bodyOf);
      const isSmall = bodies.reduce((bytes, body) => bytes + messageBytes(body), 0) <= BODY_MAX_BYTES;
      for (const batch of isSmall ? [bodies] : bodies.map((body) => [body]))
        await send(client, queueUrl, batch);
    }
  };

const bodyOf = (letter: Letter): string => {
  const bounded = {
    ...letter,
    message: letter.message.slice(0, MESSAGE_MAX),
    partitionKey: letter.partitionKey?.slice(0, PARTITION_KEY_MAX),
  };
  const body = messageText(bounded);
  const bytes = messageBytes(body);
  if (bytes <= BODY_MAX_BYTES) return body;
  return messageText({
    ...bounded,
    data: undefined,
    dataOmitted: `${bytes} bytes are too long for a message`,
  });
};

const send = async (client: SQSClient, queueUrl: string, bodies: readonly string[]): Promise<void> => {
  const answer = await client.send(
    new SendMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody })),
    }),
  );
  const [failed] = answer.Failed ?? [];
  if (failed) throw new Error(`dead letters were refused: ${failed.Message ?? failed.Code ?? 'unknown'}`);
};
