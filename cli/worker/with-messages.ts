/** The messages of an SQS queue for the example worker. */
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { sqsMessages } from '#adapters/sqs/messages.ts';
import { queueUrlOf } from '#adapters/sqs/queue-urls.ts';
import { withAws } from '#cli/aws-connection.ts';
import type { AwsConnection } from '#cli/aws-connection.ts';
import type { MessageQueue } from '#cli/worker-kit/messages.ts';

/** Works with the messages of a queue, by its name, and closes its client. */
export const withMessages = (
  connection: AwsConnection,
  queueName: string,
  work: (messages: MessageQueue) => Promise<void>,
): Promise<void> =>
  withAws(connection, async (plugin) => {
    const client = sqsClient(plugin);
    await work(sqsMessages(client, await queueUrlOf(client, queueName)));
  });
