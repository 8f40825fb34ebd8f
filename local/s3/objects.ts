/** Operations on single objects. */
import { createHash } from 'node:crypto';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { Bucket, StoredObject } from './buckets.ts';
import { keyOf } from './world.ts';
import type { S3World } from './world.ts';

/** Members kept with an object and given back on reading. */
export const keptMembers = [
  'ContentType',
  'ContentEncoding',
  'ContentDisposition',
  'ContentLanguage',
  'CacheControl',
  'Expires',
  'ChecksumCRC32',
  'ChecksumCRC32C',
  'ChecksumCRC64NVME',
  'ChecksumSHA1',
  'ChecksumSHA256',
] as const;

const deletionsMax = 1_000;
const bodyBytesMax = 5 * 2 ** 30;

/** A member of a request that is a text. */
export const textMember = (input: Json, member: string): string | undefined =>
  typeof input[member] === 'string' ? input[member] : undefined;

const md5 = (body: Uint8Array, encoding: 'hex' | 'base64'): string =>
  createHash('md5').update(body).digest(encoding);

/** Stores an object whole, or not at all when its precondition does not hold. */
export const putObject = (world: S3World, bucket: Bucket, input: Json): Json => {
  const key = keyOf(input);
  const body = input['Body'] instanceof Uint8Array ? input['Body'] : new Uint8Array();
  if (body.byteLength > bodyBytesMax)
    throw new AwsError('EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size');
  checkWrite(bucket.objects.get(key), input);
  const given = textMember(input, 'ContentMD5');
  if (given !== undefined && given !== md5(body, 'base64'))
    throw new AwsError('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  const members = membersOf(input);
  const etag = `"${md5(body, 'hex')}"`;
  const metadata = (input['Metadata'] ?? {}) as StoredObject['metadata'];
  const modifiedAtMs = world.setting.clock.nowMs();
  const tags = tagsOf(input);
  // A copy: the caller's bytes may change, or keep a whole request alive.
  world.buckets.put(bucket, key, {
    body: Uint8Array.from(body),
    etag,
    modifiedAtMs,
    members,
    metadata,
    ...(tags && { tags }),
  });
  return { ETag: etag, ...checksumsOf(members) };
};

/** The members of a request that are kept with its object. */
export const membersOf = (input: Json): StoredObject['members'] =>
  Object.fromEntries(
    keptMembers.flatMap((member) => {
      const value = textMember(input, member);
      return value === undefined ? [] : [[member, value]];
    }),
  );

/** Tags as a request gives them: a query string. */
export const tagsOf = (input: Json): StoredObject['tags'] => {
  const tagging = textMember(input, 'Tagging');
  return tagging === undefined ? undefined : Object.fromEntries(new URLSearchParams(tagging));
};

const checksumsOf = (members: StoredObject['members']): Json =>
  Object.fromEntries(Object.entries(members).filter(([member]) => member.startsWith('Checksum')));

const preconditionFailed = (condition: string): AwsError =>
  new AwsError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', {
    status: 412,
    details: { Condition: condition },
  });

/** The refusal of an object that is not there. */
export const noSuchKey = (key: string): AwsError =>
  new AwsError('NoSuchKey', 'The specified key does not exist.', { status: 404, details: { Key: key } });

const checkWrite = (present: StoredObject | undefined, input: Json): void => {
  const ifNoneMatch = textMember(input, 'IfNoneMatch');
  const ifMatch = textMember(input, 'IfMatch');
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*')
    throw new AwsError('NotImplemented', 'on writes If-None-Match takes only *', { status: 501 });
  if (ifNoneMatch !== undefined && present) throw preconditionFailed('If-None-Match');
  if (ifMatch === undefined) return;
  if (!present) throw noSuchKey(keyOf(input));
  if (!names(ifMatch, present.etag)) throw preconditionFailed('If-Match');
};

/** Whether a list of entity tags names this one; quotes are optional, as S3 has it. */
const names = (list: string, etag: string): boolean =>
  list.split(',').some((tag) => {
    const bare = tag.trim().replace(/^W\//, '').replaceAll('"', '');
    return bare === '*' || bare === etag.replaceAll('"', '');
  });

/** The members of an object, without its body. */
export const headObject = (_world: S3World, bucket: Bucket, input: Json): Json => {
  const { Body: _body, ...head } = getObject(_world, bucket, input);
  return head;
};

/** An object or a range of it; `NotModified` when the caller's entity tag is the present one. */
export const getObject = (_world: S3World, bucket: Bucket, input: Json): Json => {
  const key = keyOf(input);
  const object = bucket.objects.get(key);
  if (!object) throw noSuchKey(key);
  const ifMatch = textMember(input, 'IfMatch');
  const ifNoneMatch = textMember(input, 'IfNoneMatch');
  if (ifMatch !== undefined && !names(ifMatch, object.etag)) throw preconditionFailed('If-Match');
  if (ifNoneMatch !== undefined && names(ifNoneMatch, object.etag))
    throw new AwsError('NotModified', 'Not Modified', { status: 304, details: { ETag: object.etag } });
  const range = rangeOf(textMember(input, 'Range'), object.body.byteLength);
  const [first, end] = range ?? [0, object.body.byteLength];
  const isWhole = range === undefined;
  const members = Object.fromEntries(
    Object.entries(object.members).filter(([member]) => isWhole || !member.startsWith('Checksum')),
  );
  return {
    ContentType: 'binary/octet-stream',
    ...members,
    Body: object.body.subarray(first, end),
    ContentLength: end - first,
    ETag: object.etag,
    LastModified: object.modifiedAtMs,
    AcceptRanges: 'bytes',
    Metadata: object.metadata,
    ...(object.tags && { TagCount: Object.keys(object.tags).length }),
    ...(isWhole ? {} : { ContentRange: `bytes ${first}-${end - 1}/${object.body.byteLength}` }),
  };
};

/** First byte and the one after the last; undefined for the whole, as for a header that makes no sense. */
const rangeOf = (range: string | undefined, length: number): readonly [number, number] | undefined => {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range ?? '');
  const [, from = '', to = ''] = match ?? [];
  if (!match || (from === '' && to === '')) return undefined;
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined;
  const first = from === '' ? Math.max(0, length - Number(to)) : Number(from);
  const end = from === '' || to === '' ? length : Math.min(length, Number(to) + 1);
  if (first >= end) {
    throw new AwsError('InvalidRange', 'The requested range is not satisfiable', {
      status: 416,
      details: { RangeRequested: range, ActualObjectSize: length },
    });
  }
  return [first, end];
};

/** Deletes up to 1,000 objects; those that are not there count as deleted. */
export const deleteObjects = ({ buckets }: S3World, bucket: Bucket, input: Json): Json => {
  const { Objects: objects = [], Quiet: isQuiet = false } = (input['Delete'] ?? {}) as {
    readonly Objects?: readonly Json[];
    readonly Quiet?: boolean;
  };
  if (objects.length === 0 || objects.length > deletionsMax)
    throw new AwsError('MalformedXML', `name 1 to ${deletionsMax} objects to delete`);
  const keys = objects.map(keyOf);
  for (const key of keys) buckets.remove(bucket, key);
  return isQuiet ? {} : { Deleted: keys.map((key) => ({ Key: key })) };
};
