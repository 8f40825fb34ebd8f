/** Streams as event source mappings read them: without iterators, limits or throttling. */
import type { Json } from '#local/kernel/engine.ts';
import type { RecordSource, SourceRecord } from '#local/kernel/record-source.ts';
import type { KinesisContext } from './context.ts';
import { streamArn, trimmedShards } from './context.ts';
import { sequenceNumber } from './sequence.ts';
import type { Shard, StoredRecord } from './shard.ts';
import { indexOf, nextPosition, trimHorizon } from './shard.ts';

const lambdaEvent = ({ setting }: KinesisContext, shard: Shard, record: StoredRecord): Json => ({
  kinesis: {
    kinesisSchemaVersion: '1.0',
    partitionKey: record.partitionKey,
    sequenceNumber: sequenceNumber(record.counter),
    data: record.data,
    approximateArrivalTimestamp: record.arrivalMs / 1000,
  },
  eventSource: 'aws:kinesis',
  eventVersion: '1.0',
  eventID: `${shard.id}:${sequenceNumber(record.counter)}`,
  eventName: 'aws:kinesis:record',
  invokeIdentityArn: `arn:aws:iam::${setting.accountId}:role/local`,
  awsRegion: setting.region,
});

const read = (
  context: KinesisContext,
  shard: Shard,
  from: number,
  limit: number,
): readonly SourceRecord[] => {
  const start = indexOf(shard, from);
  return shard.records.slice(start, start + limit).map((record, offset) => ({
    position: shard.basePosition + start + offset,
    sequenceNumber: sequenceNumber(record.counter),
    partitionKey: record.partitionKey,
    arrivalMs: record.arrivalMs,
    event: lambdaEvent(context, shard, record),
  }));
};

/** Reads the stream of that name as it is at each call; one that does not exist has no shards. */
export const recordSource = (
  context: KinesisContext,
  streamName: string,
  watch: RecordSource['watch'],
): RecordSource => {
  const shards = (): readonly Shard[] => {
    const stream = context.state.streams.get(streamName);
    return stream ? trimmedShards(context, stream) : [];
  };
  const shardNamed = (id: string): Shard | undefined => shards().find((shard) => shard.id === id);
  const position = (id: string, of: (shard: Shard) => number): number => {
    const shard = shardNamed(id);
    return shard ? of(shard) : 0;
  };
  return {
    arn: streamArn(context, streamName),
    shardIds: () => shards().map(({ id }) => id),
    trimHorizon: (id) => position(id, trimHorizon),
    latest: (id) => position(id, nextPosition),
    read: (id, fromPosition, limitCount) => {
      const shard = shardNamed(id);
      return shard ? read(context, shard, fromPosition, limitCount) : [];
    },
    watch,
  };
};
