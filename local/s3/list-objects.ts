/** ListObjectsV2: keys in the order of their UTF-8 bytes, those beyond a delimiter rolled up into prefixes. */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { Bucket } from './buckets.ts';
import type { S3World } from './world.ts';

const keysMax = 1_000;

interface Entry {
  /** A key, or a common prefix. */
  readonly name: string;
  readonly isPrefix: boolean;
}

/** One page of at most `MaxKeys` keys and common prefixes together. */
export const listObjects = (_world: S3World, bucket: Bucket, input: Json): Json => {
  const {
    Prefix: prefix = '',
    Delimiter: delimiter = '',
    StartAfter: startAfter,
  } = input as {
    readonly Prefix?: string;
    readonly Delimiter?: string;
    readonly StartAfter?: string;
  };
  const token = input['ContinuationToken'];
  const after = typeof token === 'string' ? tokenPlace(token) : startAfter;
  const max = maxKeys(input['MaxKeys']);
  const entries = entriesOf(bucket, { prefix, delimiter, after });
  const page = entries.slice(0, max);
  const last = page.at(-1);
  const isTruncated = entries.length > page.length && last !== undefined;
  return {
    Name: bucket.name,
    Prefix: prefix,
    ...(delimiter === '' ? {} : { Delimiter: delimiter }),
    ...(startAfter === undefined ? {} : { StartAfter: startAfter }),
    ...(typeof token === 'string' ? { ContinuationToken: token } : {}),
    MaxKeys: max,
    KeyCount: page.length,
    IsTruncated: isTruncated,
    ...(isTruncated ? { NextContinuationToken: Buffer.from(`after:${last.name}`).toString('base64') } : {}),
    Contents: page.filter(({ isPrefix }) => !isPrefix).map(({ name }) => contentOf(bucket, name)),
    CommonPrefixes: page.filter(({ isPrefix }) => isPrefix).map(({ name }) => ({ Prefix: name })),
  };
};

const maxKeys = (value: unknown): number => {
  const asked = value === undefined ? keysMax : Number(value);
  if (Number.isInteger(asked) && asked >= 0) return Math.min(asked, keysMax);
  throw new AwsError('InvalidArgument', 'max-keys must be a whole number of at least 0');
};

const tokenPlace = (token: string): string => {
  const text = Buffer.from(token, 'base64').toString();
  if (text.startsWith('after:')) return text.slice('after:'.length);
  throw new AwsError('InvalidArgument', 'The continuation token provided is incorrect');
};

const byBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

const entriesOf = (
  bucket: Bucket,
  rule: { readonly prefix: string; readonly delimiter: string; readonly after: string | undefined },
): readonly Entry[] => {
  const { prefix, delimiter, after } = rule;
  const names = new Map<string, Entry>();
  for (const key of bucket.objects.keys()) {
    if (!key.startsWith(prefix)) continue;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const name = cut < 0 ? key : key.slice(0, cut + delimiter.length);
    if (after === undefined || byBytes(name, after) > 0) names.set(name, { name, isPrefix: cut >= 0 });
  }
  return [...names.values()].sort((one, other) => byBytes(one.name, other.name));
};

const contentOf = (bucket: Bucket, key: string): Json => {
  const object = bucket.objects.get(key);
  return {
    Key: key,
    LastModified: object?.modifiedAtMs,
    ETag: object?.etag,
    Size: object?.body.byteLength,
    StorageClass: 'STANDARD',
  };
};
