import { SQSClient } from '@aws-sdk/client-sqs';
import { sharedClient } from '#adapters/sdk/connection.ts';

/** The environment's client of SQS. */
export const sqsClient = sharedClient((configuration) => new SQSClient(configuration));
