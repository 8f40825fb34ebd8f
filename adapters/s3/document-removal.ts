/** Deletes documents from the bucket of bodies; the role of whoever is given this allows chunks alone. */
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { documentKey } from '#adapters/dynamodb/ledger.ts';
import type { DocumentRemoval } from '#domain/ports/ledger.ts';

/** Removal from the named bucket; what is not there is removed. */
export const s3DocumentRemoval = (client: S3Client, bucket: string): DocumentRemoval => ({
  removeDocument: async (stream) => {
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: documentKey(stream) }));
  },
});
