/** Messages of a queue one by one, for a program that receives them itself; functions are handed theirs. */
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';

const WAIT_SECONDS = 20;
/** A poll that is given up before the queue answers may lose what the queue hands out. */
const POLL_TIMEOUT_MS = (WAIT_SECONDS + 10) * 1_000;

export interface SqsMessages {
  /** 1 to 10 messages at most, after a long poll of 20 seconds none; the signal cuts it short with an `AbortError`. */
  readonly receive: (
    maxMessages: number,
    signal: AbortSignal,
  ) => Promise<readonly { readonly body: string; readonly receipt: string }[]>;
  readonly remove: (receipt: string) => Promise<void>;
}

/** The messages of one queue. */
export const sqsMessages = (client: SQSClient, queueUrl: string): SqsMessages => ({
  receive: async (maxMessages, abortSignal) => {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: maxMessages,
        WaitTimeSeconds: WAIT_SECONDS,
      }),
      { abortSignal, requestTimeout: POLL_TIMEOUT_MS },
    );
    return Messages.map(({ Body = '', ReceiptHandle = '' }) => ({ body: Body, receipt: ReceiptHandle }));
  },
  remove: async (receipt) => {
    await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: receipt }));
  },
});
