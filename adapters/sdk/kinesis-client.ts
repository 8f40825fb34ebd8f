import { KinesisClient } from '@aws-sdk/client-kinesis';
import { sharedClient } from '#adapters/sdk/connection.ts';

/** The environment's client of Kinesis. */
export const kinesisClient = sharedClient((configuration) => new KinesisClient(configuration));
