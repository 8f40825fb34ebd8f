/** What every operation of S3 works with. */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { EngineSetting, Json } from '#local/kernel/engine.ts';
import type { Buckets } from './buckets.ts';

/** What the operations work on. */
export interface S3World {
  readonly setting: EngineSetting;
  readonly buckets: Buckets;
}

const keyBytesMax = 1_024;

/** The key of an object: 1 to 1,024 bytes. */
export const keyOf = (input: Json): string => {
  const key = input['Key'];
  if (typeof key !== 'string' || key === '')
    throw new AwsError('InvalidArgument', 'Key must be a text that is not empty');
  if (Buffer.byteLength(key) > keyBytesMax) throw new AwsError('KeyTooLongError', 'Your key is too long');
  return key;
};
