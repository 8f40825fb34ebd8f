/** Objects of the bucket of bodies as they are stored, for backups. */
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';

/** One object: its bytes as stored and how they are encoded. */
export interface BlobObject {
  readonly key: string;
  readonly body: Uint8Array;
  readonly contentEncoding?: string;
}

export interface BlobObjects {
  /** Every object, one after the other. */
  readonly all: () => AsyncIterable<BlobObject>;
  /** Puts an object; one that stands under its key already has the same content. */
  readonly put: (object: BlobObject) => Promise<void>;
}

/** The objects of the named bucket. */
export const s3BlobObjects = (client: S3Client, bucket: string): BlobObjects => ({
  all: () => all(client, bucket),
  put: async ({ key, body, contentEncoding }) => {
    try {
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: key,
          Body: body,
          IfNoneMatch: '*',
          ...(contentEncoding === undefined ? {} : { ContentEncoding: contentEncoding }),
        }),
      );
    } catch (error) {
      if (!(error instanceof Error && error.name === 'PreconditionFailed')) throw error;
    }
  },
});

async function* all(client: S3Client, bucket: string): AsyncIterable<BlobObject> {
  let token: string | undefined;
  do {
    const page = await client.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
    );
    for (const { Key: key } of page.Contents ?? []) {
      if (key === undefined) continue;
      const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      const body = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      yield {
        key,
        body,
        ...(answer.ContentEncoding === undefined ? {} : { contentEncoding: answer.ContentEncoding }),
      };
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
}
