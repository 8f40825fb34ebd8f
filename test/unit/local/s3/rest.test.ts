import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { createS3 } from '#local/s3/engine.ts';
import { startAtMs, startS3 } from './s3-bench.ts';
import type { S3Bench } from './s3-bench.ts';

const text = (body: Uint8Array): string => Buffer.from(body).toString();

const withBucket = (): S3Bench => {
  const bench = startS3();
  bench.call('CreateBucket', { Bucket: 'blobs' });
  return bench;
};

it.each([
  ['127.0.0.1:4566', '/blobs/a/b'],
  ['localhost:4566', '/blobs/a/b'],
  ['s3.us-east-1.amazonaws.com', '/blobs/a%2Fb'],
  ['s3.amazonaws.com', '/blobs/a/b'],
  ['blobs.s3.us-east-1.amazonaws.com', '/a/b'],
  ['blobs.s3.amazonaws.com', '/a%2Fb'],
  ['blobs.localhost:4566', '/a/b'],
  ['blobs.s3.localhost:4566', '/a/b'],
])('finds the bucket of host %s and path %s', async (host, path) => {
  const bench = withBucket();
  await bench.send({ method: 'PUT', path, headers: { host }, body: Buffer.from('x') });
  expect(bench.call('GetObject', { Bucket: 'blobs', Key: 'a/b' })).toMatchObject({ ContentLength: 1 });
});

it('finds a bucket whose name has dots in front of the host', async () => {
  const bench = startS3();
  bench.call('CreateBucket', { Bucket: 'my.blobs' });
  const headers = { host: 'my.blobs.s3.us-east-1.amazonaws.com' };
  expect((await bench.send({ method: 'HEAD', path: '/', headers })).status).toBe(200);
});

const chunks = (
  parts: readonly string[],
  options: { readonly signed?: boolean; readonly trailer?: string },
): Buffer => {
  const signature = options.signed === true ? `;chunk-signature=${'0'.repeat(64)}` : '';
  const lines = [...parts, ''].map(
    (part) => `${Buffer.byteLength(part).toString(16)}${signature}\r\n${part}\r\n`,
  );
  const joined = lines.join('');
  return Buffer.from(
    options.trailer === undefined ? joined : `${joined.slice(0, -2)}${options.trailer}\r\n\r\n`,
  );
};

it.each([
  [{}, 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'],
  [{ signed: true }, 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD'],
  [{ trailer: 'x-amz-checksum-crc32:AAAAAA==' }, 'STREAMING-UNSIGNED-PAYLOAD-TRAILER'],
  [{ signed: true, trailer: 'x-amz-checksum-crc32:AAAAAA==' }, 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER'],
])('joins a body in chunks %j of %s', async (options, sha256) => {
  const bench = withBucket();
  const { headers } = await bench.send({
    method: 'PUT',
    path: '/blobs/k',
    headers: {
      host: 'localhost',
      'content-encoding': 'gzip, aws-chunked',
      'x-amz-content-sha256': sha256,
      'x-amz-decoded-content-length': '9',
    },
    body: chunks(['abc', 'déf\r\n'.slice(0, 5)], options),
  });
  const answer = bench.call('GetObject', { Bucket: 'blobs', Key: 'k' });
  expect(text(answer['Body'] as Uint8Array)).toBe('abcdéf\r\n');
  expect(answer['ContentEncoding']).toBe('gzip');
  if ('trailer' in options) expect(headers['x-amz-checksum-crc32']).toBe('AAAAAA==');
});

it.each([
  ['ends in the middle', Buffer.from('5\r\nabc')],
  ['has no length', Buffer.from('abc')],
  ['has another length than announced', chunks(['abcd'], {})],
])('refuses a chunked body that %s', async (_what, body) => {
  const answer = await withBucket().send({
    method: 'PUT',
    path: '/blobs/k',
    headers: { host: 'localhost', 'content-encoding': 'aws-chunked', 'x-amz-decoded-content-length': '3' },
    body,
  });
  expect([answer.status, text(answer.body)]).toEqual([
    400,
    expect.stringContaining('<Code>IncompleteBody</Code>'),
  ]);
});

it('writes refusals as XML with code, message and details', async () => {
  const { status, headers, body } = await startS3().send({ path: '/no-bucket/a&b' });
  expect([status, headers['content-type']]).toEqual([404, 'application/xml']);
  expect(text(body)).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not exist</Message><BucketName>no-bucket</BucketName><Resource>/no-bucket/a&amp;b</Resource><RequestId>LOCAL</RequestId></Error>',
  );
});

it.each([
  ['GET /blobs', 501, 'use ListObjectsV2'],
  ['GET /blobs?versioning', 501, '?versioning'],
  ['GET /blobs/k?versionId=1', 501, '?versionId'],
  ['PUT /blobs/k?partNumber=1&uploadId=x', 501, 'multipart'],
  ['POST /blobs/k', 405, 'MethodNotAllowed'],
  ['GET /blobs/%zz', 400, 'InvalidURI'],
  ['GET /blobs?list-type=2&max-keys=-1', 400, 'InvalidArgument'],
  ['GET /blobs?list-type=2&continuation-token=x', 400, 'InvalidArgument'],
  [`PUT /blobs/${'x'.repeat(1_025)}`, 400, 'KeyTooLongError'],
  ['POST /blobs?delete', 400, 'MalformedXML'],
])('refuses %s', async (line, status, what) => {
  const [method = '', target = ''] = line.split(' ');
  const [path = '', query = ''] = target.split('?');
  const answer = await withBucket().send({ method, path, query });
  expect(answer.status).toBe(status);
  expect(text(answer.body)).toContain(what);
});

it('refuses a body whose MD5 is not the announced one', async () => {
  const put = (md5: string) =>
    withBucket().send({
      method: 'PUT',
      path: '/blobs/k',
      headers: { host: 'x', 'content-md5': md5 },
      body: Buffer.from('x'),
    });
  expect((await put('AAAA')).status).toBe(400);
  expect((await put(Buffer.from('9dd4e461268c8034f5c8564e155c67a6', 'hex').toString('base64'))).status).toBe(
    200,
  );
});

it('gives the headers of a presigned request no meaning', async () => {
  const bench = withBucket();
  bench.call('PutObject', { Bucket: 'blobs', Key: 'k', Body: Buffer.from('x') });
  expect((await bench.send({ path: '/blobs/k', query: 'X-Amz-Signature=1&x-id=GetObject' })).status).toBe(
    200,
  );
});

it('throws on what is no refusal', async () => {
  const { handleS3 } = await import('#local/s3/rest-protocol.ts');
  const request = { method: 'GET', path: '/', query: '', headers: {}, body: new Uint8Array() };
  const broken = (): never => {
    throw new RangeError('broken');
  };
  await expect(handleS3(request, broken)).rejects.toThrow('broken');
});

const restored = (entries: Iterable<JournalEntry>, bench: S3Bench): readonly JournalEntry[] => {
  const engine = createS3({
    clock: bench.clock,
    journal: { append: () => undefined, durable: () => Promise.resolve() },
    chance: () => 0.5,
    region: 'us-east-1',
    accountId: '000000000000',
  });
  for (const entry of entries) engine.restore(entry);
  return [...engine.snapshot()];
};

it('is the same after a restart, whatever was done, from journal and from snapshot', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const bucket = fc.constantFrom('one', 'two');
  const act = fc.oneof(
    fc.record({ operation: fc.constant('CreateBucket'), Bucket: bucket }),
    fc.record({ operation: fc.constant('DeleteBucket'), Bucket: bucket }),
    fc.record({
      operation: fc.constant('PutObject'),
      Bucket: bucket,
      Key: key,
      Body: fc.uint8Array({ maxLength: 20 }),
    }),
    fc.record({ operation: fc.constant('DeleteObject'), Bucket: bucket, Key: key }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const bench = startS3();
      for (const { operation, ...input } of acts) {
        try {
          bench.call(operation, input);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AwsError);
        }
        bench.clock.jump(bench.clock.nowMs() + 1);
      }
      const snapshot = [...bench.engine.snapshot()];
      expect(restored(bench.entries, bench)).toEqual(snapshot);
      expect(restored(snapshot, bench)).toEqual(snapshot);
    }),
    { numRuns: 50 },
  );
});

it('refuses an entry it never wrote and keeps a copy of the bytes it was given', () => {
  const bench = withBucket();
  expect(() => restored([['nonsense', '']], bench)).toThrow('unknown entry');
  const body = Buffer.from('abc');
  bench.call('PutObject', { Bucket: 'blobs', Key: 'k', Body: body });
  body.fill(0);
  expect(text(bench.call('GetObject', { Bucket: 'blobs', Key: 'k' })['Body'] as Uint8Array)).toBe('abc');
  expect(bench.call('HeadObject', { Bucket: 'blobs', Key: 'k' })['LastModified']).toBe(startAtMs);
});
