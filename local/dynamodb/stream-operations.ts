/** The DynamoDB Streams API, and streams as event source mappings read them. */
import { AwsError, validation } from '#local/kernel/aws-error.ts';
import type { Json, Operation } from '#local/kernel/engine.ts';
import type { RecordSource } from '#local/kernel/record-source.ts';
import { optionalChoice, optionalCount, optionalText, refuseUnknown, requiredText } from './request.ts';
import { streamOf, tableNameOf } from './store.ts';
import type { Store } from './store.ts';
import {
  endPosition,
  heldRecords,
  positionOf,
  readShard,
  RETENTION_MS,
  sequenceNumber,
  sourceRecord,
  trim,
} from './stream.ts';
import type { Shard, Stream } from './stream.ts';

/** The operations of the streams endpoint. */
export const streamOperations = (store: Store): Readonly<Record<string, Operation>> => ({
  ListStreams: (input) => listStreams(store, input),
  DescribeStream: (input) => describeStream(store, input),
  GetShardIterator: (input) => getShardIterator(store, input),
  GetRecords: (input) => getRecords(store, input),
});

/** The stream of a table, by the table's name or the stream's ARN, for event source mappings. */
export const recordSource = (store: Store, nameOrArn: string): RecordSource => {
  const table = store.tables.get(nameOrArn);
  const stream = store.streams.get(nameOrArn) ?? (table && streamOf(store, table));
  if (stream === undefined) throw notFound(`Stream of ${nameOrArn} not found`);
  const trimmedShard = (shardId: string): Shard => {
    const shard = requireShard(stream, shardId);
    trim(shard, store.setting.clock.nowMs());
    return shard;
  };
  return {
    arn: stream.definition.arn,
    shardIds: () => stream.shards.map(({ id }) => id),
    trimHorizon: (shardId) => trimmedShard(shardId).trimmedCount,
    latest: (shardId) => endPosition(trimmedShard(shardId)),
    read: (shardId, fromPosition, limitCount) => {
      const shard = trimmedShard(shardId);
      const first = Math.max(fromPosition, shard.trimmedCount);
      return readShard(shard, first, limitCount).map((record, place) => sourceRecord(record, first + place));
    },
    watch: (listener) => {
      stream.listeners.add(listener);
    },
  };
};

const ITERATOR_MS = 15 * 60_000;
const RECORDS_MAX = 1_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
const LIST_MAX = 100;

const ITERATOR_TYPES = ['TRIM_HORIZON', 'LATEST', 'AT_SEQUENCE_NUMBER', 'AFTER_SEQUENCE_NUMBER'] as const;

const LIST_PARAMETERS: ReadonlySet<string> = new Set(['TableName', 'Limit', 'ExclusiveStartStreamArn']);

const listStreams = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'ListStreams', LIST_PARAMETERS);
  const tableName = optionalText(input, 'TableName');
  const limit = optionalCount(input, 'Limit', { least: 1, most: LIST_MAX }) ?? LIST_MAX;
  const after = optionalText(input, 'ExclusiveStartStreamArn') ?? '';
  const listed = [...store.streams.values()]
    .filter((stream) => !isGone(store, stream))
    .filter((stream) => tableName === undefined || stream.tableName === tableNameOf(tableName))
    .filter(({ definition }) => definition.arn > after)
    .sort((left, right) => (left.definition.arn < right.definition.arn ? -1 : 1));
  const page = listed.slice(0, limit);
  const last = page.at(-1);
  return {
    Streams: page.map(({ definition, tableName: name }) => ({
      StreamArn: definition.arn,
      TableName: name,
      StreamLabel: definition.label,
    })),
    ...(listed.length > page.length && last ? { LastEvaluatedStreamArn: last.definition.arn } : {}),
  };
};

const DESCRIBE_PARAMETERS: ReadonlySet<string> = new Set([
  'StreamArn',
  'Limit',
  'ExclusiveStartShardId',
  'ShardFilter',
]);

const describeStream = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'DescribeStream', DESCRIBE_PARAMETERS);
  if (input['ShardFilter']) throw validation('DescribeStream: ShardFilter is not supported');
  const stream = requireStream(store, requiredText(input, 'StreamArn'));
  const limit = optionalCount(input, 'Limit', { least: 1, most: LIST_MAX }) ?? LIST_MAX;
  const after = optionalText(input, 'ExclusiveStartShardId') ?? '';
  const left = stream.shards.filter(({ id }) => id > after);
  const page = left.slice(0, limit);
  const last = page.at(-1);
  const { definition, tableName, keyNames, closedAtMs } = stream;
  return {
    StreamDescription: {
      StreamArn: definition.arn,
      StreamLabel: definition.label,
      StreamStatus: closedAtMs === undefined ? 'ENABLED' : 'DISABLED',
      StreamViewType: definition.view,
      CreationRequestDateTime: definition.createdAtMs / 1_000,
      TableName: tableName,
      KeySchema: keyNames.map((AttributeName, place) => ({
        AttributeName,
        KeyType: place === 0 ? 'HASH' : 'RANGE',
      })),
      Shards: page.map((shard) => describeShard(store, stream, shard)),
      ...(left.length > page.length && last ? { LastEvaluatedShardId: last.id } : {}),
    },
  };
};

const describeShard = (store: Store, stream: Stream, shard: Shard): Json => {
  trim(shard, store.setting.clock.nowMs());
  const records = heldRecords(shard);
  const start = records[0]?.sequenceNumber ?? shard.trimmedThrough ?? sequenceNumber(0);
  return {
    ShardId: shard.id,
    SequenceNumberRange: {
      StartingSequenceNumber: start,
      ...(stream.closedAtMs === undefined
        ? {}
        : { EndingSequenceNumber: records.at(-1)?.sequenceNumber ?? start }),
    },
  };
};

const ITERATOR_PARAMETERS: ReadonlySet<string> = new Set([
  'StreamArn',
  'ShardId',
  'ShardIteratorType',
  'SequenceNumber',
]);

const getShardIterator = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'GetShardIterator', ITERATOR_PARAMETERS);
  requiredText(input, 'ShardIteratorType');
  const type = optionalChoice(input, 'ShardIteratorType', ITERATOR_TYPES) ?? 'LATEST';
  const stream = requireStream(store, requiredText(input, 'StreamArn'));
  const shard = requireShard(stream, requiredText(input, 'ShardId'));
  trim(shard, store.setting.clock.nowMs());
  const sequence = optionalText(input, 'SequenceNumber');
  return {
    ShardIterator: printIterator(store, { stream, shard, position: startPosition(shard, type, sequence) }),
  };
};

const startPosition = (
  shard: Shard,
  type: (typeof ITERATOR_TYPES)[number],
  sequence: string | undefined,
): number => {
  if (type === 'TRIM_HORIZON') return shard.trimmedCount;
  if (type === 'LATEST') return endPosition(shard);
  if (sequence === undefined) {
    throw validation(`SequenceNumber is required for the shard iterator type ${type}`);
  }
  const isAfter = type === 'AFTER_SEQUENCE_NUMBER';
  const { trimmedThrough } = shard;
  const isTrimmed =
    trimmedThrough !== undefined && (isAfter ? sequence < trimmedThrough : sequence <= trimmedThrough);
  if (isTrimmed) throw trimmedAccess();
  const position = positionOf(shard, sequence);
  const isExact = readShard(shard, position, 1)[0]?.sequenceNumber === sequence;
  return isAfter && isExact ? position + 1 : position;
};

const RECORDS_PARAMETERS: ReadonlySet<string> = new Set(['ShardIterator', 'Limit']);

const getRecords = (store: Store, input: Json): Json => {
  refuseUnknown(input, 'GetRecords', RECORDS_PARAMETERS);
  const { stream, shard, position } = parseIterator(store, requiredText(input, 'ShardIterator'));
  const limit = optionalCount(input, 'Limit', { least: 1, most: RECORDS_MAX }) ?? RECORDS_MAX;
  trim(shard, store.setting.clock.nowMs());
  if (position < shard.trimmedCount) throw trimmedAccess();
  const events: Json[] = [];
  let bytes = 0;
  for (const record of readShard(shard, position, limit)) {
    bytes += record.bytes;
    if (events.length > 0 && bytes > ANSWER_BYTES_MAX) break;
    events.push(record.event);
  }
  const next = position + events.length;
  const isAtEnd = stream.closedAtMs !== undefined && next >= endPosition(shard);
  return {
    Records: events,
    ...(isAtEnd ? {} : { NextShardIterator: printIterator(store, { stream, shard, position: next }) }),
  };
};

interface Iterator {
  readonly stream: Stream;
  readonly shard: Shard;
  readonly position: number;
}

const printIterator = (store: Store, { stream, shard, position }: Iterator): string =>
  [stream.definition.arn, shard.id, position, store.setting.clock.nowMs()].join('|');

const parseIterator = (store: Store, text: string): Iterator => {
  const [arn, shardId, position, issuedAtMs, ...rest] = text.split('|');
  const isWellFormed =
    arn !== undefined &&
    shardId !== undefined &&
    /^[0-9]+$/.test(position ?? '') &&
    /^[0-9]+$/.test(issuedAtMs ?? '') &&
    rest.length === 0;
  if (!isWellFormed) throw validation('Invalid ShardIterator');
  if (store.setting.clock.nowMs() - Number(issuedAtMs) > ITERATOR_MS) {
    throw new AwsError(
      'ExpiredIteratorException',
      'The shard iterator has expired and can no longer be used to retrieve stream records',
    );
  }
  const stream = requireStream(store, arn);
  return { stream, shard: requireShard(stream, shardId), position: Number(position) };
};

const requireStream = (store: Store, arn: string): Stream => {
  const stream = store.streams.get(arn);
  if (stream === undefined || isGone(store, stream)) throw notFound(`Stream: ${arn} not found`);
  return stream;
};

const requireShard = (stream: Stream, shardId: string): Shard => {
  const shard = stream.shards.find(({ id }) => id === shardId);
  if (shard === undefined) throw notFound(`Shard: ${shardId} does not exist`);
  return shard;
};

/** A stream that was switched off a day ago has no record left to read. */
const isGone = (store: Store, { closedAtMs }: Stream): boolean =>
  closedAtMs !== undefined && closedAtMs <= store.setting.clock.nowMs() - RETENTION_MS;

const notFound = (what: string): AwsError =>
  new AwsError('ResourceNotFoundException', `Requested resource not found: ${what}`);

const trimmedAccess = (): AwsError =>
  new AwsError(
    'TrimmedDataAccessException',
    'The operation attempted to read past the oldest stream record in a shard',
  );
