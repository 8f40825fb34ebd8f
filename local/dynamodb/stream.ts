/**
 * A table's stream: one record per change, in shards by the hash of the partition key, so that the changes of one
 * item stay in order. Records live for 24 hours. Positions count a shard's records from 0 and outlive trimming.
 */
import type { Json } from '#local/kernel/engine.ts';
import type { SourceRecord } from '#local/kernel/record-source.ts';
import type { StreamDefinition } from './definition.ts';
import { keyOf } from './key.ts';
import { hashOf } from './key-index.ts';
import type { Entry } from './key-index.ts';
import { itemSize } from './size.ts';
import type { ItemChange } from './table.ts';
import type { Item } from './value.ts';

/** How long a record can be read. */
export const RETENTION_MS = 24 * 3_600_000;

export interface StreamRecord {
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  readonly arrivalMs: number;
  readonly bytes: number;
  /** The record as `GetRecords` answers it. */
  readonly event: Json;
}

/** Mutable: `records` from `headPlace` on are held, and the first of them has the position `trimmedCount`. */
export interface Shard {
  readonly id: string;
  records: StreamRecord[];
  headPlace: number;
  trimmedCount: number;
  /** The newest record that is gone; undefined when none is. */
  trimmedThrough: string | undefined;
}

export interface Stream {
  readonly definition: StreamDefinition;
  readonly tableName: string;
  readonly keyNames: readonly string[];
  readonly shards: readonly Shard[];
  /** When the stream or its table was switched off: its shards are closed and it is gone a day later. */
  closedAtMs: number | undefined;
  readonly listeners: Set<(shardId: string) => void>;
  /** The first 8 hex digits of event ids; the count of the record is the rest, so a rebuilt record has the same. */
  readonly eventIdPrefix: string;
}

/** When and why an item changed, and the how-manieth record that is. */
export interface ChangeOccasion {
  readonly atMs: number;
  readonly isExpiry: boolean;
  readonly region: string;
  readonly recordCount: number;
}

/** A stream without records. */
export const createStream = (
  definition: StreamDefinition,
  tableName: string,
  keyNames: readonly string[],
): Stream => ({
  definition,
  tableName,
  keyNames,
  shards: Array.from({ length: definition.shardCount }, (_, place) => ({
    id: shardId(definition.createdAtMs, place),
    records: [],
    headPlace: 0,
    trimmedCount: 0,
    trimmedThrough: undefined,
  })),
  closedAtMs: undefined,
  listeners: new Set(),
  eventIdPrefix: hashOf(definition.arn).toString(16).padStart(8, '0'),
});

/** The sequence number of the n-th change of this account: 21 digits whose text order is their order. */
export const sequenceNumber = (count: number): string => `1${String(count).padStart(20, '0')}`;

/** Adds the record of a change and gives the shard it went to. */
export const appendChange = (stream: Stream, change: ItemChange, occasion: ChangeOccasion): Shard => {
  const entry = change.after ?? change.before;
  if (entry === undefined) throw new Error('a change without an item before or after it');
  const partitionKey = entry.primary.partition;
  const shard = stream.shards[hashOf(partitionKey) % stream.shards.length];
  if (shard === undefined) throw new Error(`the stream ${stream.definition.arn} has no shards`);
  trim(shard, occasion.atMs);
  shard.records.push(recordOf(stream, change, { ...occasion, entry }));
  return shard;
};

/** Forgets records older than a day. */
export const trim = (shard: Shard, nowMs: number): void => {
  for (;;) {
    const oldest = shard.records[shard.headPlace];
    if (oldest === undefined || oldest.arrivalMs > nowMs - RETENTION_MS) break;
    shard.headPlace += 1;
    shard.trimmedCount += 1;
    shard.trimmedThrough = oldest.sequenceNumber;
  }
  const isMostlyGone = shard.headPlace > 1_024 && shard.headPlace * 2 > shard.records.length;
  if (!isMostlyGone) return;
  shard.records = shard.records.slice(shard.headPlace);
  shard.headPlace = 0;
};

/** The records of a shard that have not been trimmed. */
export const heldRecords = (shard: Shard): readonly StreamRecord[] => shard.records.slice(shard.headPlace);

/** Position the next record will get. */
export const endPosition = (shard: Shard): number =>
  shard.trimmedCount + shard.records.length - shard.headPlace;

/** Up to `count` records from a position on; a position before the oldest record begins at the oldest. */
export const readShard = (shard: Shard, fromPosition: number, count: number): readonly StreamRecord[] => {
  const start = shard.headPlace + Math.max(0, fromPosition - shard.trimmedCount);
  return shard.records.slice(start, start + count);
};

/** The place in the shard of the first record at or after a sequence number. */
export const positionOf = (shard: Shard, sequence: string): number => {
  let low = shard.headPlace;
  let high = shard.records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((shard.records[middle]?.sequenceNumber ?? '') < sequence) low = middle + 1;
    else high = middle;
  }
  return shard.trimmedCount + low - shard.headPlace;
};

/** A record for an event source mapping: Lambda spells the members of an identity in lower case. */
export const sourceRecord = (record: StreamRecord, position: number): SourceRecord => ({
  position,
  sequenceNumber: record.sequenceNumber,
  partitionKey: record.partitionKey,
  arrivalMs: record.arrivalMs,
  event: 'userIdentity' in record.event ? { ...record.event, userIdentity: LAMBDA_IDENTITY } : record.event,
});

const SERVICE_IDENTITY = { Type: 'Service', PrincipalId: 'dynamodb.amazonaws.com' } as const;
const LAMBDA_IDENTITY = { type: 'Service', principalId: 'dynamodb.amazonaws.com' } as const;

const recordOf = (
  stream: Stream,
  { table, before, after }: ItemChange,
  occasion: ChangeOccasion & { readonly entry: Entry },
): StreamRecord => {
  const { atMs, entry, recordCount } = occasion;
  const { view } = stream.definition;
  const Keys = keyOf(table.definition.keys, entry.item);
  const newImage = view === 'NEW_IMAGE' || view === 'NEW_AND_OLD_IMAGES' ? after : undefined;
  const oldImage = view === 'OLD_IMAGE' || view === 'NEW_AND_OLD_IMAGES' ? before : undefined;
  const bytes = itemSize(Keys) + (newImage?.bytes ?? 0) + (oldImage?.bytes ?? 0);
  const number = sequenceNumber(recordCount);
  const images: Record<string, Item> = {};
  if (newImage) images['NewImage'] = newImage.item;
  if (oldImage) images['OldImage'] = oldImage.item;
  const event: Record<string, unknown> = {
    eventID: stream.eventIdPrefix + recordCount.toString(16).padStart(24, '0'),
    eventName: eventName(before, after),
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: occasion.region,
    dynamodb: {
      ApproximateCreationDateTime: Math.floor(atMs / 1_000),
      Keys,
      ...images,
      SequenceNumber: number,
      SizeBytes: bytes,
      StreamViewType: view,
    },
  };
  if (occasion.isExpiry) event['userIdentity'] = SERVICE_IDENTITY;
  return { sequenceNumber: number, partitionKey: entry.primary.partition, arrivalMs: atMs, bytes, event };
};

const eventName = (before: Entry | undefined, after: Entry | undefined): string => {
  if (before === undefined) return 'INSERT';
  return after === undefined ? 'REMOVE' : 'MODIFY';
};

const shardId = (createdAtMs: number, place: number): string =>
  `shardId-${String(createdAtMs).padStart(20, '0')}-${String(place).padStart(8, '0')}`;
