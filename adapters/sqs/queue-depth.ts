/** How many messages wait in a queue or are at work, as SQS estimates it. */
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { QueueDepth } from '#domain/ports/outside.ts';

const ATTRIBUTES = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;

/** The depth of one queue. */
export const sqsQueueDepth =
  (client: SQSClient, queueUrl: string): QueueDepth =>
  async () => {
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: [...ATTRIBUTES] }),
    );
    return ATTRIBUTES.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
  };
