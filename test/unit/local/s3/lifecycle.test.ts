/** Copies of objects onto themselves and others, their tags, and the expiry that goes by them. */
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createS3 } from '#local/s3/engine.ts';
import { serveS3, startAtMs, startS3 } from './s3-bench.ts';
import type { S3Bench, ServedS3 } from './s3-bench.ts';

const DAY_MS = 86_400_000;
const Bucket = 'blobs';

describe('a copy', () => {
  let s3: ServedS3;
  beforeAll(async () => {
    s3 = await serveS3();
    await s3.client.send(new CreateBucketCommand({ Bucket }));
  });
  afterAll(() => s3.stop());
  const copy = (Key: string, CopySource: string, more = {}) =>
    s3.client.send(new CopyObjectCommand({ Bucket, Key, CopySource, ...more }));
  const object = async (Key: string) => {
    const { Body, ContentEncoding, Metadata, LastModified, TagCount } = await s3.client.send(
      new GetObjectCommand({ Bucket, Key }),
    );
    const body = await Body?.transformToString();
    return { body, ContentEncoding, Metadata, LastModified, ...(TagCount && { TagCount }) };
  };

  it('onto itself has new metadata and a new age', async () => {
    const Key = 'documents/spill%23a b';
    await s3.client.send(
      new PutObjectCommand({ Bucket, Key, Body: 'x', ContentEncoding: 'gzip', Metadata: { of: 'old' } }),
    );
    s3.clock.jump(startAtMs + DAY_MS);
    const encoded = `${Bucket}/${Key.split('/').map(encodeURIComponent).join('/')}`;
    const { CopyObjectResult: answer } = await copy(Key, encoded, {
      MetadataDirective: 'REPLACE',
      ContentEncoding: 'gzip',
    });
    expect(answer?.LastModified).toEqual(new Date(startAtMs + DAY_MS));
    expect(await object(Key)).toEqual({
      body: 'x',
      ContentEncoding: 'gzip',
      Metadata: {},
      LastModified: new Date(startAtMs + DAY_MS),
    });
  });

  it('of another object keeps what is not replaced', async () => {
    await s3.client.send(
      new PutObjectCommand({ Bucket, Key: 'from', Body: 'y', Metadata: { of: 'from' }, Tagging: 'a=b' }),
    );
    await copy('to', `/${Bucket}/from`);
    expect(await object('to')).toMatchObject({ body: 'y', Metadata: { of: 'from' }, TagCount: 1 });
    await copy('bare', `${Bucket}/from`, { TaggingDirective: 'REPLACE' });
    expect(await object('bare')).not.toHaveProperty('TagCount');
  });

  it.each([
    ['to', `${Bucket}/none`, {}, 'NoSuchKey'],
    ['to', 'nowhere/none', {}, 'NoSuchKey'],
    ['from', `${Bucket}/from`, {}, 'InvalidRequest'],
    ['to', `${Bucket}/`, {}, 'InvalidArgument'],
    ['to', 'blobs', {}, 'InvalidArgument'],
    ['to', `${Bucket}/from`, { CopySourceIfMatch: 'x' }, 'NotImplemented'],
  ])('to %s from %s with %o is refused: %s', async (key, source, more, name) => {
    await expect(copy(key, source, more)).rejects.toMatchObject({ name });
  });
});

describe('a rule of a bucket', () => {
  const rule = {
    Status: 'Enabled',
    Filter: { Tag: { Key: 'state', Value: 'gone' } },
    Expiration: { Days: 2 },
  };
  const withRules = (Rules: readonly Json[]): S3Bench => {
    const bench = startS3();
    bench.call('CreateBucket', { Bucket });
    bench.call('PutBucketLifecycleConfiguration', { Bucket, LifecycleConfiguration: { Rules } });
    return bench;
  };
  const put = (bench: S3Bench, Key: string, Tagging?: string) =>
    bench.call('PutObject', {
      Bucket,
      Key,
      Body: Buffer.from('x'),
      ...(Tagging === undefined ? {} : { Tagging }),
    });
  const keys = (bench: S3Bench): readonly unknown[] =>
    ((bench.call('ListObjectsV2', { Bucket })['Contents'] as readonly Json[] | undefined) ?? []).map(
      ({ Key }) => Key,
    );
  const after = (bench: S3Bench, ms: number): readonly unknown[] => {
    bench.clock.jump(startAtMs + ms);
    return keys(bench);
  };

  it('lets what has its tag expire at the midnight after its days, and nothing else', () => {
    const bench = withRules([rule]);
    bench.clock.jump(startAtMs + 1);
    put(bench, 'gone', 'state=gone');
    put(bench, 'other', 'state=kept');
    put(bench, 'plain');
    expect(after(bench, 3 * DAY_MS - 1)).toEqual(['gone', 'other', 'plain']);
    expect(after(bench, 3 * DAY_MS)).toEqual(['other', 'plain']);
  });

  it('counts the days of a copy from when it was made', () => {
    const bench = withRules([rule]);
    put(bench, 'gone', 'state=gone');
    bench.clock.jump(startAtMs + DAY_MS);
    bench.call('CopyObject', {
      Bucket,
      Key: 'gone',
      CopySource: `${Bucket}/gone`,
      MetadataDirective: 'REPLACE',
    });
    expect(after(bench, 3 * DAY_MS - 1)).toEqual(['gone']);
    expect(after(bench, 3 * DAY_MS)).toEqual([]);
  });

  it('that is off, or about multipart uploads, lets nothing expire', () => {
    const bench = withRules([
      { ...rule, Status: 'Disabled' },
      { Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
    ]);
    put(bench, 'gone', 'state=gone');
    expect(after(bench, 30 * DAY_MS)).toEqual(['gone']);
  });

  it('is there after a restart, from journal and from snapshot, with the tags it goes by', () => {
    const bench = withRules([rule]);
    put(bench, 'gone', 'state=gone');
    for (const entries of [bench.entries, [...bench.engine.snapshot()]]) {
      const engine = createS3({
        clock: { ...bench.clock, nowMs: () => startAtMs + 2 * DAY_MS },
        journal: { append: () => undefined, durable: () => Promise.resolve() },
        chance: () => 0.5,
        region: 'us-east-1',
        accountId: '000000000000',
      });
      for (const entry of entries) engine.restore(JSON.parse(JSON.stringify(entry)) as typeof entry);
      expect(engine.operations['ListObjectsV2']?.({ Bucket })).toMatchObject({ KeyCount: 0 });
    }
  });

  it.each([
    [{ Status: 'Enabled', Filter: { Prefix: 'a/' }, Expiration: { Days: 1 } }],
    [{ Status: 'Enabled', Expiration: { Days: 1 } }],
    [{ ...rule, Expiration: { Date: '2026-01-01' } }],
    [{ ...rule, Transitions: [] }],
  ])('that is more than the local cloud imitates is refused: %o', (given) => {
    expect(() => withRules([given])).toThrow('lifecycle rules of S3 with one tag and days');
  });
});
