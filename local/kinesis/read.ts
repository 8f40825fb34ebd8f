/** GetShardIterator and GetRecords. An iterator is a position and the instant it was given. */
import type { Json, Operation } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Stream } from './change.ts';
import type { KinesisContext } from './context.ts';
import { childrenOf, isEndOfShard, parentIds, shardNamed, streamNamed, streamOf } from './context.ts';
import { hashKeyRange } from './describe.ts';
import {
  constraint,
  invalidArgument,
  oneOf,
  optionalInteger,
  optionalNumber,
  optionalText,
  text,
} from './input.ts';
import { compareDecimal, sequenceNumber } from './sequence.ts';
import type { Shard, StoredRecord } from './shard.ts';
import { decodedBytes, indexOf, nextPosition, seek, trimHorizon } from './shard.ts';
import { chargeRead, grantRead } from './throttle.ts';

const ITERATOR_LIFE_MS = 300_000;
const RECORDS_MAX = 10_000;
const BYTES_MAX = 10 * 1_048_576;
const SEQUENCE_NUMBER = /^(0|[1-9]\d{0,128})$/;

const iteratorTypes = [
  'AT_SEQUENCE_NUMBER',
  'AFTER_SEQUENCE_NUMBER',
  'TRIM_HORIZON',
  'LATEST',
  'AT_TIMESTAMP',
] as const;

interface IteratorPlace {
  readonly streamName: string;
  readonly streamCreatedAtMs: number;
  readonly shardId: string;
  readonly position: number;
  readonly givenAtMs: number;
}

const encodeIterator = (context: KinesisContext, stream: Stream, shard: Shard, position: number): string =>
  Buffer.from(
    JSON.stringify([stream.name, stream.createdAtMs, shard.id, position, context.setting.clock.nowMs()]),
  ).toString('base64');

const decodeIterator = (given: string): IteratorPlace => {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(given, 'base64').toString());
    if (Array.isArray(parsed) && parsed.length === 5) {
      const [streamName, streamCreatedAtMs, shardId, position, givenAtMs] = parsed as readonly unknown[];
      if (
        typeof streamName === 'string' &&
        typeof streamCreatedAtMs === 'number' &&
        typeof shardId === 'string' &&
        typeof position === 'number' &&
        typeof givenAtMs === 'number'
      ) {
        return { streamName, streamCreatedAtMs, shardId, position, givenAtMs };
      }
    }
  } catch {
    // Refused below: anything that is not ours looks the same to the caller.
  }
  throw invalidArgument('Invalid ShardIterator.');
};

const startingSequence = (context: KinesisContext, stream: Stream, shard: Shard, input: Json): string => {
  const given = optionalText(input, 'StartingSequenceNumber');
  if (given === undefined) {
    throw invalidArgument(
      `Must specify StartingSequenceNumber for iterator of type ${text(input, 'ShardIteratorType')}`,
    );
  }
  if (!SEQUENCE_NUMBER.test(given)) {
    throw constraint('startingSequenceNumber', 'satisfy regular expression pattern: 0|([1-9]\\d{0,128})');
  }
  if (compareDecimal(given, sequenceNumber(context.state.counter)) > 0) {
    throw invalidArgument(
      `StartingSequenceNumber ${given} used in GetShardIterator on shard ${shard.id} in stream ${stream.name} under account ${context.setting.accountId} is invalid because it did not come from this stream.`,
    );
  }
  return given;
};

const startingInstantMs = ({ setting }: KinesisContext, input: Json): number => {
  const seconds = optionalNumber(input, 'Timestamp');
  if (seconds === undefined) {
    throw invalidArgument('Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP.');
  }
  const instantMs = Math.round(seconds * 1000);
  const nowMs = setting.clock.nowMs();
  if (instantMs > nowMs) {
    throw invalidArgument(
      `The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: ${String(instantMs)}, currentTimestampInMillis: ${String(nowMs)}`,
    );
  }
  return instantMs;
};

const startingPosition = (context: KinesisContext, stream: Stream, shard: Shard, input: Json): number => {
  const type = oneOf(input, 'ShardIteratorType', iteratorTypes);
  if (!type.endsWith('SEQUENCE_NUMBER') && optionalText(input, 'StartingSequenceNumber') !== undefined) {
    throw invalidArgument(`StartingSequenceNumber must not be given for iterator of type ${type}`);
  }
  switch (type) {
    case 'TRIM_HORIZON':
      return trimHorizon(shard);
    case 'LATEST':
      return nextPosition(shard);
    case 'AT_TIMESTAMP': {
      const instantMs = startingInstantMs(context, input);
      return seek(shard, (record) => record.arrivalMs < instantMs);
    }
    case 'AT_SEQUENCE_NUMBER': {
      const sequence = startingSequence(context, stream, shard, input);
      return seek(shard, (record) => compareDecimal(sequenceNumber(record.counter), sequence) < 0);
    }
    case 'AFTER_SEQUENCE_NUMBER': {
      const sequence = startingSequence(context, stream, shard, input);
      return seek(shard, (record) => compareDecimal(sequenceNumber(record.counter), sequence) <= 0);
    }
  }
};

/** An iterator at the place asked for; it is good for five minutes. */
export const getShardIterator =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const shard = shardNamed(context, stream, text(input, 'ShardId'));
    const position = startingPosition(context, stream, shard, input);
    return { ShardIterator: encodeIterator(context, stream, shard, position) };
  };

const resolveIterator = (context: KinesisContext, given: string): readonly [Stream, Shard, number] => {
  const iterator = decodeIterator(given);
  const nowMs = context.setting.clock.nowMs();
  if (nowMs - iterator.givenAtMs > ITERATOR_LIFE_MS) {
    throw new AwsError(
      'ExpiredIteratorException',
      `Iterator expired. The iterator was created at time ${new Date(iterator.givenAtMs).toISOString()} while right now it is ${new Date(nowMs).toISOString()} which is further in the future than the tolerated delay of ${String(ITERATOR_LIFE_MS)} milliseconds.`,
    );
  }
  const stream = streamNamed(context, iterator.streamName);
  if (stream.createdAtMs !== iterator.streamCreatedAtMs) throw invalidArgument('Invalid ShardIterator.');
  return [stream, shardNamed(context, stream, iterator.shardId), iterator.position];
};

interface Page {
  readonly records: readonly StoredRecord[];
  readonly bytes: number;
  readonly endPosition: number;
}

/** As many records as fit the limits, and always one when there is one. */
const readPage = (shard: Shard, position: number, recordsMax: number): Page => {
  const start = indexOf(shard, position);
  let end = start;
  let bytes = 0;
  while (end < shard.records.length && end - start < recordsMax) {
    const record = shard.records[end];
    if (!record) break;
    const size = decodedBytes(record.data) + record.partitionKey.length;
    if (end > start && bytes + size > BYTES_MAX) break;
    bytes += size;
    end += 1;
  }
  return { records: shard.records.slice(start, end), bytes, endPosition: shard.basePosition + end };
};

const describeRecord = (record: StoredRecord): Json => ({
  SequenceNumber: sequenceNumber(record.counter),
  ApproximateArrivalTimestamp: record.arrivalMs / 1000,
  Data: record.data,
  PartitionKey: record.partitionKey,
  ...(record.isEncrypted ? { EncryptionType: 'KMS' } : {}),
});

const childShards = (context: KinesisContext, stream: Stream, shard: Shard): readonly Json[] =>
  childrenOf(context, stream, shard).map((child) => ({
    ShardId: child.id,
    ParentShards: parentIds(child),
    HashKeyRange: hashKeyRange(child),
  }));

const behindMs = ({ setting }: KinesisContext, shard: Shard, position: number): number => {
  const next = shard.records[position - shard.basePosition];
  return next ? Math.max(1, setting.clock.nowMs() - next.arrivalMs) : 0;
};

/** The records from the iterator on; a closed shard that is read to its end answers its children instead of an iterator. */
export const getRecords =
  (context: KinesisContext): Operation =>
  (input) => {
    const [stream, shard, position] = resolveIterator(context, text(input, 'ShardIterator'));
    const recordsMax = optionalInteger(input, 'Limit', { min: 1, max: RECORDS_MAX }) ?? RECORDS_MAX;
    if (context.isThrottling && !grantRead(shard.allowance, context.setting.clock.nowMs())) {
      throw new AwsError(
        'ProvisionedThroughputExceededException',
        `Rate exceeded for shard ${shard.id} in stream ${stream.name} under account ${context.setting.accountId}.`,
      );
    }
    const page = readPage(shard, position, recordsMax);
    chargeRead(shard.allowance, page.bytes);
    return {
      Records: page.records.map(describeRecord),
      MillisBehindLatest: behindMs(context, shard, page.endPosition),
      ...(isEndOfShard(shard, page.endPosition)
        ? { ChildShards: childShards(context, stream, shard) }
        : { NextShardIterator: encodeIterator(context, stream, shard, page.endPosition) }),
    };
  };
