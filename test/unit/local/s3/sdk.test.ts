import { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveS3 } from './s3-bench.ts';
import type { ServedS3 } from './s3-bench.ts';

let s3: ServedS3;
const Bucket = 'sluice-dev-blobs';

beforeAll(async () => {
  s3 = await serveS3();
});
afterAll(() => s3.stop());
beforeEach(async () => {
  await s3.client.send(new CreateBucketCommand({ Bucket }));
  const { Contents: contents = [] } = await s3.client.send(new ListObjectsV2Command({ Bucket }));
  for (const { Key } of contents) await s3.client.send(new DeleteObjectCommand({ Bucket, Key }));
});

const put = (Key: string, Body: string | Uint8Array, more = {}) =>
  s3.client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
const read = async (Key: string, more = {}): Promise<string | undefined> =>
  (await s3.client.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body?.transformToString();
const refusal = async (call: Promise<unknown>): Promise<readonly [string, number | undefined]> =>
  call.then(
    () => ['no refusal', undefined] as const,
    (thrown: unknown) => {
      const error = thrown as { name: string; $metadata?: { httpStatusCode?: number } };
      return [error.name, error.$metadata?.httpStatusCode] as const;
    },
  );

describe('the SDK', () => {
  it('puts and gets an object with its type, encoding and metadata', async () => {
    const { ETag } = await put('a/b c+ü&<>.json', '{"a":1}', {
      ContentType: 'application/json',
      ContentEncoding: 'gzip',
      Metadata: { run: 'r1' },
    });
    expect(ETag).toBe('"bb6cb5c68df4652941caf652a366f2d8"');
    const answer = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'a/b c+ü&<>.json' }));
    expect(await answer.Body?.transformToString()).toBe('{"a":1}');
    expect(answer).toMatchObject({
      ETag,
      ContentType: 'application/json',
      ContentEncoding: 'gzip',
      ContentLength: 7,
      Metadata: { run: 'r1' },
      LastModified: new Date('2026-01-01T00:00:00Z'),
    });
  });

  it('sends a stream in chunks with a trailing checksum, which is joined and kept', async () => {
    const bytes = Buffer.alloc(200_000, 'sluice');
    const sent = new PutObjectCommand({
      Bucket,
      Key: 'big',
      Body: Readable.from([bytes]),
      ContentLength: bytes.length,
    });
    await s3.client.send(sent);
    const { headers } = s3.requests.at(-1) ?? { headers: {} };
    expect(headers).toMatchObject({ 'x-amz-content-sha256': expect.stringMatching(/^STREAMING-.*TRAILER$/) });
    const answer = await s3.client.send(
      new GetObjectCommand({ Bucket, Key: 'big', ChecksumMode: 'ENABLED' }),
    );
    expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true);
    expect(answer.ContentEncoding).toBeUndefined();
    expect(answer.ChecksumCRC32).toMatch(/^[\w+/]{6}==$/);
  });

  it('keeps an empty object and bytes of every value', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, value) => value);
    await put('empty', new Uint8Array());
    await put('bytes', bytes);
    expect(await read('empty')).toBe('');
    const answer = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'bytes' }));
    expect(Buffer.from((await answer.Body?.transformToByteArray()) ?? [])).toEqual(Buffer.from(bytes));
  });

  it.each([
    ['bytes=0-0', '0', 'bytes 0-0/10'],
    ['bytes=2-4', '234', 'bytes 2-4/10'],
    ['bytes=8-99', '89', 'bytes 8-9/10'],
    ['bytes=7-', '789', 'bytes 7-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=-99', '0123456789', 'bytes 0-9/10'],
  ])('reads the range %s', async (Range, text, range) => {
    await put('digits', '0123456789');
    const answer = await s3.client.send(new GetObjectCommand({ Bucket, Key: 'digits', Range }));
    expect([
      await answer.Body?.transformToString(),
      answer.ContentRange,
      answer.$metadata.httpStatusCode,
    ]).toEqual([text, range, 206]);
  });

  it('refuses a range past the end and ignores one that makes no sense', async () => {
    await put('digits', '0123456789');
    expect(await refusal(read('digits', { Range: 'bytes=10-' }))).toEqual(['InvalidRange', 416]);
    expect(await read('digits', { Range: 'bytes=5-2' })).toBe('0123456789');
    expect(await read('digits', { Range: 'lines=1-2' })).toBe('0123456789');
  });

  it('writes once with If-None-Match and replaces only what it knows with If-Match', async () => {
    const { ETag } = await put('once', 'first', { IfNoneMatch: '*' });
    expect(await refusal(put('once', 'second', { IfNoneMatch: '*' }))).toEqual(['PreconditionFailed', 412]);
    expect(await refusal(put('once', 'second', { IfMatch: '"other"' }))).toEqual(['PreconditionFailed', 412]);
    expect(await refusal(put('none', 'x', { IfMatch: ETag }))).toEqual(['NoSuchKey', 404]);
    expect(await refusal(put('once', 'x', { IfNoneMatch: ETag }))).toEqual(['NotImplemented', 501]);
    await put('once', 'second', { IfMatch: ETag });
    expect(await read('once')).toBe('second');
  });

  it('answers 304 to a reader who has the object, and 412 to one who wanted another', async () => {
    const { ETag } = await put('seen', 'x');
    expect((await refusal(read('seen', { IfNoneMatch: ETag })))[1]).toBe(304);
    expect(await read('seen', { IfNoneMatch: '"other"' })).toBe('x');
    expect(await refusal(read('seen', { IfMatch: '"other"' }))).toEqual(['PreconditionFailed', 412]);
  });

  it('heads objects and buckets', async () => {
    await put('there', 'abc');
    expect(await s3.client.send(new HeadObjectCommand({ Bucket, Key: 'there' }))).toMatchObject({
      ContentLength: 3,
    });
    expect(await refusal(s3.client.send(new HeadObjectCommand({ Bucket, Key: 'none' })))).toEqual([
      'NotFound',
      404,
    ]);
    expect(await s3.client.send(new HeadBucketCommand({ Bucket }))).toMatchObject({
      BucketRegion: 'us-east-1',
    });
    expect(await refusal(s3.client.send(new HeadBucketCommand({ Bucket: 'nowhere' })))).toEqual([
      'NotFound',
      404,
    ]);
  });

  it('deletes objects, once, twice and many at a time', async () => {
    for (const key of ['a', 'b&', 'c']) await put(key, key);
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    await s3.client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    const Delete = { Objects: [{ Key: 'b&' }, { Key: 'none' }] };
    const { Deleted } = await s3.client.send(new DeleteObjectsCommand({ Bucket, Delete }));
    expect(Deleted).toEqual([{ Key: 'b&' }, { Key: 'none' }]);
    const { Contents } = await s3.client.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents?.map(({ Key }) => Key)).toEqual(['c']);
  });

  it('lists in byte order, by prefix, rolled up by delimiter, in pages', async () => {
    for (const key of ['b', 'a/1', 'a/2', 'a/x/3', 'ä', 'A', 'a0']) await put(key, key);
    const list = async (more = {}) => {
      const answer = await s3.client.send(new ListObjectsV2Command({ Bucket, ...more }));
      return {
        keys: answer.Contents?.map(({ Key }) => Key),
        prefixes: answer.CommonPrefixes?.map(({ Prefix }) => Prefix),
        next: answer.NextContinuationToken,
        count: answer.KeyCount,
      };
    };
    expect((await list()).keys).toEqual(['A', 'a/1', 'a/2', 'a/x/3', 'a0', 'b', 'ä']);
    expect((await list({ Prefix: 'a/' })).keys).toEqual(['a/1', 'a/2', 'a/x/3']);
    expect((await list({ StartAfter: 'a0' })).keys).toEqual(['b', 'ä']);
    expect((await list({ EncodingType: 'url', StartAfter: 'b' })).keys).toEqual(['%C3%A4']);
    expect(await list({ Delimiter: '/' })).toMatchObject({
      keys: ['A', 'a0', 'b', 'ä'],
      prefixes: ['a/'],
      count: 5,
    });
    expect(await list({ Delimiter: '/', Prefix: 'a/' })).toMatchObject({
      keys: ['a/1', 'a/2'],
      prefixes: ['a/x/'],
    });
    const first = await list({ Delimiter: '/', MaxKeys: 2 });
    expect(first).toMatchObject({ keys: ['A'], prefixes: ['a/'] });
    const second = await list({ Delimiter: '/', MaxKeys: 2, ContinuationToken: first.next });
    expect(second).toMatchObject({ keys: ['a0', 'b'] });
    const third = await list({ Delimiter: '/', MaxKeys: 2, ContinuationToken: second.next });
    expect(third).toMatchObject({ keys: ['ä'], next: undefined });
  });

  it('creates, lists and deletes buckets', async () => {
    await s3.client.send(new CreateBucketCommand({ Bucket: 'other-bucket' }));
    await s3.client.send(new CreateBucketCommand({ Bucket: 'other-bucket' }));
    const { Buckets } = await s3.client.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['other-bucket', Bucket]);
    await s3.client.send(new DeleteBucketCommand({ Bucket: 'other-bucket' }));
    await put('left', 'x');
    expect(await refusal(s3.client.send(new DeleteBucketCommand({ Bucket })))).toEqual([
      'BucketNotEmpty',
      409,
    ]);
    expect(await refusal(s3.client.send(new CreateBucketCommand({ Bucket: 'Not_Valid' })))).toEqual([
      'InvalidBucketName',
      400,
    ]);
  });

  it('refuses what it does not support by name', async () => {
    const upload = new CreateMultipartUploadCommand({ Bucket, Key: 'x' });
    await expect(s3.client.send(upload)).rejects.toMatchObject({
      name: 'NotImplemented',
      message: expect.stringContaining('multipart uploads') as string,
    });
    expect(await refusal(put('x', 'x', { ACL: 'private' }))).toEqual(['NotImplemented', 501]);
    expect(await refusal(put('x', 'x', { StorageClass: 'GLACIER' }))).toEqual(['NotImplemented', 501]);
    expect(await refusal(read('none'))).toEqual(['NoSuchKey', 404]);
  });
});
