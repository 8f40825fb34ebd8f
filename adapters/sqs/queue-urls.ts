/** Where a queue is, for tools that know it by name alone; functions are told. */
import { GetQueueUrlCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';

/** The URL of a queue of this account; throws when there is none of that name. */
export const queueUrlOf = async (client: SQSClient, queueName: string): Promise<string> => {
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: queueName }));
  if (QueueUrl === undefined) throw new Error(`the answer named no URL for queue ${queueName}`);
  return QueueUrl;
};
