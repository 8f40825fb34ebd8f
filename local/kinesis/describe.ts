/** How streams and shards look from outside. */
import type { Json, Operation } from '#local/kernel/engine.ts';
import type { Stream } from './change.ts';
import type { KinesisContext } from './context.ts';
import { parentIds, streamArn, streamOf, trimmedShards } from './context.ts';
import { optionalInteger, optionalText } from './input.ts';
import { numberOfHash } from './sequence.ts';
import type { Shard } from './shard.ts';

const SHARD_LIMIT = 20_000;
const ON_DEMAND_STREAM_LIMIT = 50;
const PAGE_MAX = 10_000;

/** The hash keys a shard takes, both ends included. */
export const hashKeyRange = ({ facts }: Shard): Json => ({
  StartingHashKey: String(numberOfHash(facts.low)),
  EndingHashKey: String(numberOfHash(facts.high)),
});

/** A shard as DescribeStream and ListShards answer it. */
export const describeShard = (shard: Shard): Json => {
  const [parent, adjacent] = parentIds(shard);
  const { startingSequence, closed } = shard.facts;
  return {
    ShardId: shard.id,
    ...(parent === undefined ? {} : { ParentShardId: parent }),
    ...(adjacent === undefined ? {} : { AdjacentParentShardId: adjacent }),
    HashKeyRange: hashKeyRange(shard),
    SequenceNumberRange: {
      StartingSequenceNumber: startingSequence,
      ...(closed ? { EndingSequenceNumber: closed.endingSequence } : {}),
    },
  };
};

const identity = (context: KinesisContext, stream: Stream): Json => ({
  StreamName: stream.name,
  StreamARN: streamArn(context, stream.name),
  StreamStatus: 'ACTIVE',
  StreamModeDetails: { StreamMode: stream.setting.mode },
  StreamCreationTimestamp: stream.createdAtMs / 1000,
});

const description = (context: KinesisContext, stream: Stream): Json => {
  const { retentionHours, shardLevelMetrics, encryptionKeyId } = stream.setting;
  return {
    ...identity(context, stream),
    RetentionPeriodHours: retentionHours,
    EnhancedMonitoring: [{ ShardLevelMetrics: shardLevelMetrics }],
    ...(encryptionKeyId === undefined
      ? { EncryptionType: 'NONE' }
      : { EncryptionType: 'KMS', KeyId: encryptionKeyId }),
  };
};

/** The stream and a page of its shards. */
export const describeStream =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const after = optionalText(input, 'ExclusiveStartShardId') ?? '';
    const limit = optionalInteger(input, 'Limit', { min: 1, max: PAGE_MAX }) ?? 100;
    const shards = trimmedShards(context, stream).filter(({ id }) => id > after);
    return {
      StreamDescription: {
        ...description(context, stream),
        Shards: shards.slice(0, limit).map(describeShard),
        HasMoreShards: shards.length > limit,
      },
    };
  };

/** The stream with the number of its open shards. */
export const describeStreamSummary =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    return {
      StreamDescriptionSummary: {
        ...description(context, stream),
        OpenShardCount: stream.open.length,
        ConsumerCount: 0,
      },
    };
  };

/** A page of the streams by name. */
export const listStreams =
  (context: KinesisContext): Operation =>
  (input) => {
    const token = optionalText(input, 'NextToken');
    const after =
      token === undefined
        ? (optionalText(input, 'ExclusiveStartStreamName') ?? '')
        : Buffer.from(token, 'base64').toString();
    const limit = optionalInteger(input, 'Limit', { min: 1, max: PAGE_MAX }) ?? 100;
    const streams = [...context.state.streams.values()]
      .filter(({ name }) => name > after)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const page = streams.slice(0, limit);
    const last = page.at(-1);
    const hasMore = streams.length > limit;
    return {
      StreamNames: page.map(({ name }) => name),
      StreamSummaries: page.map((stream) => identity(context, stream)),
      HasMoreStreams: hasMore,
      ...(hasMore && last ? { NextToken: Buffer.from(last.name).toString('base64') } : {}),
    };
  };

/** Open shards of the account against its limits. */
export const describeLimits =
  ({ state }: KinesisContext): Operation =>
  () => {
    const streams = [...state.streams.values()];
    return {
      ShardLimit: SHARD_LIMIT,
      OpenShardCount: streams.reduce((sum, { open }) => sum + open.length, 0),
      OnDemandStreamCount: streams.filter(({ setting }) => setting.mode === 'ON_DEMAND').length,
      OnDemandStreamCountLimit: ON_DEMAND_STREAM_LIMIT,
    };
  };
