/** What a consumer may do with a message it has received besides taking it. */
import { ChangeMessageVisibilityCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { Received } from '#domain/ports/outside.ts';

/** Messages of one queue. */
export const sqsReceived = (client: SQSClient, queueUrl: string): Received => ({
  release: async (receiptHandle) => {
    await client.send(
      new ChangeMessageVisibilityCommand({
        QueueUrl: queueUrl,
        ReceiptHandle: receiptHandle,
        VisibilityTimeout: 0,
      }),
    );
  },
});
