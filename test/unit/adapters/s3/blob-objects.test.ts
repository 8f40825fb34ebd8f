import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, it } from 'vitest';
import { s3BlobObjects } from '#adapters/s3/blob-objects.ts';
import type { BlobObject } from '#adapters/s3/blob-objects.ts';
import { s3Client } from '#adapters/sdk/s3-client.ts';
import { localStage } from '#test/support/ports.ts';

const client = new S3Client({});
const mock = mockClient(client);
beforeEach(() => {
  mock.reset();
});

const all = async (objects: AsyncIterable<BlobObject>): Promise<readonly BlobObject[]> => {
  const found: BlobObject[] = [];
  for await (const object of objects) found.push(object);
  return found;
};

it('gives back every object as it was put, with its encoding', async () => {
  const stage = await localStage();
  const blobs = s3BlobObjects(s3Client(stage.plugin), 'blobs');
  const plain = { key: 'a', body: Uint8Array.from([]) };
  const packed = { key: 'b', body: Uint8Array.from([31, 139]), contentEncoding: 'gzip' };

  await blobs.put(plain);
  await blobs.put(packed);
  await blobs.put({ ...packed, body: Uint8Array.from([1]) });

  expect(await all(blobs.all())).toEqual([plain, packed]);
});

it('reads the list page by page and leaves out what has no key', async () => {
  mock
    .on(ListObjectsV2Command)
    .resolvesOnce({ Contents: [{}, { Key: 'a' }], NextContinuationToken: 'more' })
    .resolvesOnce({ NextContinuationToken: 'still more' })
    .resolves({ Contents: [] });
  mock.on(GetObjectCommand).resolves({});

  expect(await all(s3BlobObjects(client, 'blobs').all())).toEqual([{ key: 'a', body: new Uint8Array() }]);
  expect(
    mock.commandCalls(ListObjectsV2Command).map(({ args: [{ input }] }) => input.ContinuationToken),
  ).toEqual([undefined, 'more', 'still more']);
});

it('throws whatever keeps an object from being put', async () => {
  mock.on(PutObjectCommand).rejects(new Error('down'));

  await expect(s3BlobObjects(client, 'blobs').put({ key: 'a', body: new Uint8Array() })).rejects.toThrow(
    'down',
  );
});
