/**
 * A sharded stream as event source mappings read it: Kinesis and DynamoDB Streams look alike from here.
 * Positions count the records of a shard from 0 and stay valid when old records are trimmed.
 */
import type { Json } from '#local/kernel/engine.ts';

export interface SourceRecord {
  readonly position: number;
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  readonly arrivalMs: number;
  /** The record as a Lambda event carries it, without `eventSourceARN`. */
  readonly event: Json;
}

export interface RecordSource {
  readonly arn: string;
  readonly shardIds: () => readonly string[];
  /** Position of the oldest record still held. */
  readonly trimHorizon: (shardId: string) => number;
  /** Position the next record will get. */
  readonly latest: (shardId: string) => number;
  readonly read: (shardId: string, fromPosition: number, limitCount: number) => readonly SourceRecord[];
  /** Calls back after records were added to a shard. */
  readonly watch: (listener: (shardId: string) => void) => void;
}
