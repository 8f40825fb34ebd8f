/** The throughput a shard grants: token buckets that refill with service time and are full at the start. */

const RECORDS_PER_SECOND = 1000;
const WRITE_BYTES_PER_SECOND = 1_048_576;
const READS_PER_SECOND = 5;
const READ_BYTES_PER_SECOND = 2_097_152;

interface Bucket {
  available: number;
  refilledAtMs: number;
}

/** What one shard may still take and give at this moment. */
export interface ShardAllowance {
  readonly records: Bucket;
  readonly writtenBytes: Bucket;
  readonly reads: Bucket;
  readonly readBytes: Bucket;
}

const full = (available: number): Bucket => ({ available, refilledAtMs: Number.NEGATIVE_INFINITY });

/** All buckets full. */
export const fullAllowance = (): ShardAllowance => ({
  records: full(RECORDS_PER_SECOND),
  writtenBytes: full(WRITE_BYTES_PER_SECOND),
  reads: full(READS_PER_SECOND),
  readBytes: full(READ_BYTES_PER_SECOND),
});

const refill = (bucket: Bucket, perSecond: number, nowMs: number): Bucket => {
  const elapsedMs = Math.max(0, nowMs - bucket.refilledAtMs);
  bucket.available = Math.min(perSecond, bucket.available + (elapsedMs * perSecond) / 1000);
  bucket.refilledAtMs = nowMs;
  return bucket;
};

/** Takes one record of that size out of the allowance, or answers false and takes nothing. */
export const grantWrite = (allowance: ShardAllowance, bytes: number, nowMs: number): boolean => {
  const records = refill(allowance.records, RECORDS_PER_SECOND, nowMs);
  const written = refill(allowance.writtenBytes, WRITE_BYTES_PER_SECOND, nowMs);
  if (records.available < 1 || written.available < bytes) return false;
  records.available -= 1;
  written.available -= bytes;
  return true;
};

/** Takes one read out of the allowance, or answers false and takes nothing. */
export const grantRead = (allowance: ShardAllowance, nowMs: number): boolean => {
  const reads = refill(allowance.reads, READS_PER_SECOND, nowMs);
  const bytes = refill(allowance.readBytes, READ_BYTES_PER_SECOND, nowMs);
  if (reads.available < 1 || bytes.available <= 0) return false;
  reads.available -= 1;
  return true;
};

/** Charges what a granted read returned: one answer of 10 MB closes the shard for the next five seconds. */
export const chargeRead = (allowance: ShardAllowance, bytes: number): void => {
  const { readBytes } = allowance;
  readBytes.available = bytes > READ_BYTES_PER_SECOND ? -bytes : readBytes.available - bytes;
};
