/** Sends envelopes to queues that customers made for their workers, in the account of the stage. */
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';

/** Sends to queues by name; `baseUrl` is what their URLs begin with. What SQS refuses is thrown. */
export const workerQueues =
  (client: SQSClient, baseUrl: string) =>
  async (queueName: string, envelope: DispatchEnvelope): Promise<void> => {
    const MessageBody = JSON.stringify(envelope);
    await client.send(new SendMessageCommand({ QueueUrl: `${baseUrl}/${queueName}`, MessageBody }));
  };
