/**
 * S3 of the local cloud. Members carry their AWS names; bodies are bytes (`Uint8Array`), since no JSON protocol
 * ever carries them; instants are milliseconds. `rest-protocol.ts` has the wire.
 *
 * Not imitated: multipart uploads, versions, access control, presigned policies, storage classes.
 */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Engine, EngineSetting, Json, Operation } from '#local/kernel/engine.ts';
import { createBuckets } from './buckets.ts';
import type { Bucket, Buckets } from './buckets.ts';
import { copyObject } from './copy-object.ts';
import { expireObjects, putLifecycle } from './lifecycle.ts';
import { listObjects } from './list-objects.ts';
import { deleteObjects, getObject, headObject, putObject } from './objects.ts';
import { keyOf } from './world.ts';
import type { S3World } from './world.ts';

/** An S3 without buckets. */
export const createS3 = (setting: EngineSetting): Engine => {
  const buckets = createBuckets(setting);
  const world: S3World = { setting, buckets };
  const inBucket =
    (operation: (world: S3World, bucket: Bucket, input: Json) => Json): Operation =>
    (input) => {
      const bucket = bucketOf(buckets, input);
      expireObjects(world, bucket);
      return operation(world, bucket, input);
    };
  return {
    operations: {
      CreateBucket: (input) => createBucket(world, input),
      HeadBucket: inBucket(() => ({ BucketRegion: setting.region })),
      ListBuckets: () => listBuckets(world),
      DeleteBucket: inBucket(deleteBucket),
      PutBucketLifecycleConfiguration: inBucket(putLifecycle),
      PutObject: inBucket(putObject),
      CopyObject: inBucket(copyObject),
      GetObject: inBucket(getObject),
      HeadObject: inBucket(headObject),
      DeleteObject: inBucket((_world, bucket, input) => {
        buckets.remove(bucket, keyOf(input));
        return {};
      }),
      DeleteObjects: inBucket(deleteObjects),
      ListObjectsV2: inBucket(listObjects),
    },
    restore: buckets.restore,
    snapshot: buckets.snapshot,
  };
};

const nameOf = (input: Json): string => (typeof input['Bucket'] === 'string' ? input['Bucket'] : '');

const bucketOf = (buckets: Buckets, input: Json): Bucket => {
  const bucket = buckets.all.get(nameOf(input));
  if (bucket) return bucket;
  const details = { BucketName: nameOf(input) };
  throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', { status: 404, details });
};

const createBucket = ({ buckets, setting }: S3World, input: Json): Json => {
  const name = nameOf(input);
  if (!/^(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]$/.test(name))
    throw new AwsError('InvalidBucketName', 'The specified bucket is not valid.', {
      details: { BucketName: name },
    });
  // us-east-1 alone answers the owner's second creation with success.
  if (buckets.all.has(name) && setting.region !== 'us-east-1')
    throw new AwsError('BucketAlreadyOwnedByYou', 'you already own this bucket', { status: 409 });
  if (!buckets.all.has(name)) buckets.add(name, setting.clock.nowMs());
  return { Location: `/${name}` };
};

const listBuckets = ({ buckets, setting }: S3World): Json => ({
  Buckets: [...buckets.all.values()]
    .map(({ name, createdAtMs }) => ({ Name: name, CreationDate: createdAtMs }))
    .sort((one, other) => (one.Name < other.Name ? -1 : 1)),
  Owner: { ID: setting.accountId },
});

const deleteBucket = ({ buckets }: S3World, bucket: Bucket): Json => {
  if (bucket.objects.size > 0)
    throw new AwsError('BucketNotEmpty', 'The bucket you tried to delete is not empty', { status: 409 });
  buckets.drop(bucket.name);
  return {};
};
