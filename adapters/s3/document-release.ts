/** Releases documents in the bucket of bodies: from then on its lifecycle counts their days (ADR 0017). */
import { CopyObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { documentKey } from '#adapters/dynamodb/ledger.ts';
import { releasedTag } from '#contracts/naming.ts';
import type { DocumentRelease } from '#domain/ports/ledger.ts';

/** Release in the named bucket; what is not there has expired. */
export const s3DocumentRelease = (client: S3Client, bucket: string): DocumentRelease => ({
  releaseDocument: async (stream) => {
    const key = documentKey(stream);
    try {
      // Days count from when an object was stored: a copy onto itself begins them now.
      await client.send(
        new CopyObjectCommand({
          Bucket: bucket,
          Key: key,
          CopySource: `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`,
          MetadataDirective: 'REPLACE',
          ContentEncoding: 'gzip',
          TaggingDirective: 'REPLACE',
          Tagging: `${releasedTag.key}=${releasedTag.value}`,
        }),
      );
    } catch (error) {
      if (!(error instanceof Error && error.name === 'NoSuchKey')) throw error;
    }
  },
});
