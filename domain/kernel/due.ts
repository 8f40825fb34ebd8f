/** Buckets of the sparse index by which the sweeper finds streams whose deadline has passed (docs/guide/design.md §5). */
const BUCKETS = 16;
const MINUTE_MS = 60_000;

/** A small stable hash, FNV-1a 32 bit; it spreads streams over buckets and needs no secrecy. */
const fnv1a = (text: string): number => {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
};

/** `minute#bucket` for a stream's deadline; the deadline's own minute, so it is found after it has passed. */
export const dueBucket = (stream: string, deadlineMs: number): string =>
  `${Math.floor(deadlineMs / MINUTE_MS)}#${fnv1a(stream) % BUCKETS}`;

/** The instant a bucket's minute begins: a deadline armed there is at or after it. */
export const bucketStartMs = (bucket: string): number => Number.parseInt(bucket, 10) * MINUTE_MS;

/** The instant a bucket's minute ends. */
export const bucketEndMs = (bucket: string): number => bucketStartMs(bucket) + MINUTE_MS;

/** All buckets of the minutes in [fromMs, toMs], oldest first. */
export const dueBuckets = (fromMs: number, toMs: number): readonly string[] => {
  const buckets: string[] = [];
  for (let minute = Math.floor(fromMs / MINUTE_MS); minute <= Math.floor(toMs / MINUTE_MS); minute++) {
    for (let bucket = 0; bucket < BUCKETS; bucket++) buckets.push(`${minute}#${bucket}`);
  }
  return buckets;
};
