/** Blobs in one S3 bucket, gzip-compressed, written once. */
import { GetObjectCommand, NoSuchKey, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { BlobStore } from '#domain/ports/blobs.ts';

const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name;

/** Two writers of one key at the same instant: S3 asks the loser to look again. */
const CONFLICTS_MAX = 3;

/** Stores bodies in the bucket; putting an existing key again is success. */
export const s3Blobs = (client: S3Client, bucket: string): BlobStore => ({
  put: async (key, body) => {
    const content = gzipSync(body);
    for (let conflicts = 0; ; conflicts++) {
      try {
        await client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: key,
            Body: content,
            ContentEncoding: 'gzip',
            IfNoneMatch: '*',
          }),
        );
        return;
      } catch (error) {
        if (isNamed(error, 'PreconditionFailed')) return;
        if (!isNamed(error, 'ConditionalRequestConflict') || conflicts === CONFLICTS_MAX) throw error;
      }
    }
  },
  get: async (key) => {
    try {
      const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const bytes = await answer.Body?.transformToByteArray();
      return bytes && gunzipSync(bytes).toString('utf8');
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  },
});
