/** Ids of events: ULIDs that rise within one environment. */
import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

const POOL_BYTES = 1_024;

/** Mints ids of the given instants; of one instant, each is greater than the one before. */
export const eventIds = (): ((nowMs: number) => string) => {
  const pool = new Uint8Array(POOL_BYTES);
  let position = POOL_BYTES;
  // An id of a new millisecond takes 16 random numbers, which one by one cost thirty times as much as from a pool.
  return monotonicFactory(() => {
    if (position === POOL_BYTES) {
      randomFillSync(pool);
      position = 0;
    }
    return (pool[position++] ?? 0) / 256;
  });
};
