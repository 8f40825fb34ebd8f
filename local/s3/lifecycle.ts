/** Expiry of tagged objects by the rules of their bucket, which S3 looks through once a day. */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { Bucket, ExpiryRule, StoredObject } from './buckets.ts';
import type { S3World } from './world.ts';

const dayMs = 24 * 3_600_000;

/** Sets the rules of a bucket: objects with one tag expire after days; rules for multipart uploads have nothing to do. */
export const putLifecycle = ({ buckets }: S3World, bucket: Bucket, input: Json): Json => {
  const { Rules: rules = [] } = (input['LifecycleConfiguration'] ?? {}) as {
    readonly Rules?: readonly Json[];
  };
  buckets.setExpiry(bucket, rules.flatMap(expiryOf));
  return {};
};

const supportedMembers: ReadonlySet<string> = new Set([
  'ID',
  'Status',
  'Filter',
  'Expiration',
  'AbortIncompleteMultipartUpload',
]);

const expiryOf = (rule: Json): readonly ExpiryRule[] => {
  const { Tag: tag, ...others } = (rule['Filter'] ?? {}) as { readonly Tag?: Json };
  const { Days: days, ...otherwise } = (rule['Expiration'] ?? {}) as { readonly Days?: number };
  const unsupported = [
    ...Object.keys(rule).filter((member) => !supportedMembers.has(member)),
    ...Object.keys({ ...others, ...otherwise }),
  ];
  if (unsupported.length > 0 || (days !== undefined && tag === undefined))
    throw new AwsError(
      'NotImplemented',
      `the local cloud supports lifecycle rules of S3 with one tag and days, not ${unsupported.join(', ') || 'those without a tag'}`,
      { status: 501 },
    );
  if (days === undefined || rule['Status'] !== 'Enabled') return [];
  return [{ key: String(tag?.['Key']), value: String(tag?.['Value']), days }];
};

/** Deletes what has expired, at most once a day of the clock. */
export const expireObjects = ({ buckets, setting }: S3World, bucket: Bucket): void => {
  const nowMs = setting.clock.nowMs();
  const day = Math.floor(nowMs / dayMs);
  if (bucket.expiry.length === 0 || bucket.expiredOnDay === day) return;
  bucket.expiredOnDay = day;
  for (const [key, object] of bucket.objects)
    if (bucket.expiry.some((rule) => isExpired(object, rule, nowMs))) buckets.remove(bucket, key);
};

/** S3 counts days from the creation of an object and rounds up to midnight. */
const isExpired = (
  { modifiedAtMs, tags }: StoredObject,
  { key, value, days }: ExpiryRule,
  nowMs: number,
): boolean => tags?.[key] === value && Math.ceil(modifiedAtMs / dayMs + days) * dayMs <= nowMs;
