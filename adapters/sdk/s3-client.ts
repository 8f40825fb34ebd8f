import { S3Client } from '@aws-sdk/client-s3';
import { sharedClient } from '#adapters/sdk/connection.ts';

/** The environment's client of S3; buckets are in the path, which every endpoint understands. */
export const s3Client = sharedClient(
  (configuration) => new S3Client({ ...configuration, forcePathStyle: true }),
);
