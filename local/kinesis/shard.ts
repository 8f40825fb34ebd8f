/** A shard and its records: appended at the end, trimmed at the front, addressed by a position that never changes. */
import type { ShardAllowance } from './throttle.ts';
import { firstNotBefore } from './sequence.ts';

/** A record as a shard keeps it. */
export interface StoredRecord {
  /** Its place in the order of all records of the engine; `sequenceNumber(counter)` is its sequence number. */
  readonly counter: number;
  readonly arrivalMs: number;
  readonly partitionKey: string;
  /** Base64, exactly as it was put. */
  readonly data: string;
  readonly isEncrypted: boolean;
}

/** What is known of a shard besides its records; hash keys as 32 hex digits, both ends included. */
export interface ShardFacts {
  readonly number: number;
  readonly low: string;
  readonly high: string;
  readonly parents: readonly number[];
  readonly startingSequence: string;
  readonly createdAtMs: number;
  readonly closed?: { readonly endingSequence: string; readonly atMs: number };
}

/** A shard with its records and what it may still take and give. */
export interface Shard {
  readonly id: string;
  facts: ShardFacts;
  records: StoredRecord[];
  /** Records before this index are trimmed and wait to be cut off. */
  firstIndex: number;
  /** Position of `records[0]`. */
  basePosition: number;
  readonly allowance: ShardAllowance;
}

const CUT_AFTER = 1024;

/** The name of the n-th shard of a stream. */
export const shardId = (number: number): string => `shardId-${String(number).padStart(12, '0')}`;

/** Position of the oldest record still held. */
export const trimHorizon = (shard: Shard): number => shard.basePosition + shard.firstIndex;

/** Position the next record will get. */
export const nextPosition = (shard: Shard): number => shard.basePosition + shard.records.length;

/** Index of the record at the position, or of the oldest one when that is trimmed. */
export const indexOf = (shard: Shard, position: number): number =>
  Math.max(shard.firstIndex, Math.min(position - shard.basePosition, shard.records.length));

/** Position of the first held record that is not before the place sought. */
export const seek = (shard: Shard, isBefore: (record: StoredRecord) => boolean): number =>
  shard.basePosition + firstNotBefore(shard.records, shard.firstIndex, isBefore);

/** Forgets the records before the position. */
export const trimTo = (shard: Shard, position: number): void => {
  shard.firstIndex = indexOf(shard, position);
  if (shard.firstIndex < CUT_AFTER || shard.firstIndex * 2 < shard.records.length) return;
  shard.records = shard.records.slice(shard.firstIndex);
  shard.basePosition += shard.firstIndex;
  shard.firstIndex = 0;
};

/** Forgets the records that arrived before the instant. */
export const trimBefore = (shard: Shard, instantMs: number): void => {
  const oldest = shard.records[shard.firstIndex];
  if (!oldest || oldest.arrivalMs >= instantMs) return;
  trimTo(
    shard,
    seek(shard, (record) => record.arrivalMs < instantMs),
  );
};

/** Bytes base64 text decodes to. */
export const decodedBytes = (base64: string): number => {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
};
