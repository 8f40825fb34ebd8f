/** Sends refused records to a dead-letter queue, ten at a time, each with its reason. */
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';

/** A refused record that carries its code and message beside what was refused. */
export interface Letter {
  readonly code: string;
  readonly message: string;
}

const BATCH_MAX = 10;
const BODY_MAX_BYTES = 240 * 1024;

/** Sends every letter; what is too long for a message loses its data, never its reason. */
export const deadLetters =
  (client: SQSClient, queueUrl: string) =>
  async (letters: readonly Letter[]): Promise<void> => {
    for (let start = 0; start < letters.length; start += BATCH_MAX) {
      const bodies = letters.slice(start, start + BATCH_MAX).map(bodyOf);
      const isSmall = bodies.reduce((bytes, body) => bytes + body.length, 0) <= BODY_MAX_BYTES;
      for (const batch of isSmall ? [bodies] : bodies.map((body) => [body]))
        await send(client, queueUrl, batch);
    }
  };

const bodyOf = (letter: Letter): string => {
  const body = JSON.stringify(letter);
  if (body.length <= BODY_MAX_BYTES) return body;
  return JSON.stringify({
    ...letter,
    data: undefined,
    dataOmitted: `${body.length} bytes are too long for a message`,
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
