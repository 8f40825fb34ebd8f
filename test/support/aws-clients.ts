/** AWS SDK clients of a local endpoint, with credentials nobody has ever issued. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SQSClient } from '@aws-sdk/client-sqs';

export interface AwsClients {
  readonly dynamodb: DynamoDBClient;
  readonly kinesis: KinesisClient;
  readonly sqs: SQSClient;
  readonly sfn: SFNClient;
  readonly destroy: () => void;
}

/** One client of each service. */
export const awsClients = (endpoint: string): AwsClients => {
  const setting = {
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIAARBITRARY', secretAccessKey: 'anything-at-all' },
    maxAttempts: 1,
  };
  const clients = {
    dynamodb: new DynamoDBClient(setting),
    kinesis: new KinesisClient(setting),
    sqs: new SQSClient(setting),
    sfn: new SFNClient(setting),
  };
  return {
    ...clients,
    destroy: () => {
      for (const client of Object.values(clients)) client.destroy();
    },
  };
};
