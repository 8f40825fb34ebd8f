/** Copies of whole objects, onto themselves too, which is how S3 gives an object new metadata and a new age. */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { Bucket, StoredObject } from './buckets.ts';
import { membersOf, noSuchKey, tagsOf, textMember } from './objects.ts';
import { keyOf } from './world.ts';
import type { S3World } from './world.ts';

/** Stores what another object holds; members and tags are those of the source unless a directive replaces them. */
export const copyObject = ({ buckets, setting }: S3World, bucket: Bucket, input: Json): Json => {
  const key = keyOf(input);
  const from = copySource(input);
  const isReplaced = textMember(input, 'MetadataDirective') === 'REPLACE';
  if (from.bucket === bucket.name && from.key === key && !isReplaced)
    throw new AwsError(
      'InvalidRequest',
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  const source = buckets.all.get(from.bucket)?.objects.get(from.key);
  if (!source) throw noSuchKey(from.key);
  const { body, etag } = source;
  const metadata = isReplaced ? ((input['Metadata'] ?? {}) as StoredObject['metadata']) : source.metadata;
  const tags = textMember(input, 'TaggingDirective') === 'REPLACE' ? tagsOf(input) : source.tags;
  const modifiedAtMs = setting.clock.nowMs();
  const members = isReplaced ? { ...checksumsOf(source), ...membersOf(input) } : source.members;
  buckets.put(bucket, key, { body, etag, modifiedAtMs, members, metadata, ...(tags && { tags }) });
  return { ETag: etag, LastModified: modifiedAtMs };
};

/** `bucket/key`, with or without a slash before it, percent-encoded. */
const copySource = (input: Json): { readonly bucket: string; readonly key: string } => {
  const named = decodeURIComponent((textMember(input, 'CopySource') ?? '').replace(/^\//, ''));
  const at = named.indexOf('/');
  if (at < 1 || at === named.length - 1)
    throw new AwsError(
      'InvalidArgument',
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    );
  return { bucket: named.slice(0, at), key: named.slice(at + 1) };
};

/** Checksums are of the body, which is the same. */
const checksumsOf = ({ members }: StoredObject): StoredObject['members'] =>
  Object.fromEntries(Object.entries(members).filter(([member]) => member.startsWith('Checksum')));
