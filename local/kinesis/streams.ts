/** Creates and deletes streams, and changes their settings. */
import type { Json, Operation } from '#local/kernel/engine.ts';
import { AwsError, validation } from '#local/kernel/aws-error.ts';
import type { KinesisChange, Stream, StreamMode, StreamSetting } from './change.ts';
import type { KinesisContext } from './context.ts';
import { streamArn, streamOf, trimmedShards } from './context.ts';
import {
  constraint,
  integer,
  invalidArgument,
  oneOf,
  optionalInteger,
  optionalStructure,
  optionalTextMap,
  refuseUnsupported,
  text,
  texts,
} from './input.ts';
import { rangeEnd, rangeStart } from './reshard.ts';
import { counterAt, sequenceNumber } from './sequence.ts';
import { trimHorizon } from './shard.ts';
import { checkedTags } from './tags.ts';

const STREAM_NAME = /^[a-zA-Z0-9_.-]{1,128}$/;
const SHARD_COUNT_MAX = 10_000;
const ON_DEMAND_SHARD_COUNT = 4;
const RETENTION_HOURS_MIN = 24;
const RETENTION_HOURS_MAX = 8760;

const streamModes = ['PROVISIONED', 'ON_DEMAND'] as const;

const shardLevelMetrics = [
  'IncomingBytes',
  'IncomingRecords',
  'IteratorAgeMilliseconds',
  'OutgoingBytes',
  'OutgoingRecords',
  'ReadProvisionedThroughputExceeded',
  'WriteProvisionedThroughputExceeded',
] as const;

const modeOf = (input: Json): StreamMode => {
  const details = optionalStructure(input, 'StreamModeDetails');
  return details ? oneOf(details, 'StreamMode', streamModes) : 'PROVISIONED';
};

const shardCount = (input: Json, mode: StreamMode): number => {
  const given = optionalInteger(input, 'ShardCount', { min: 1, max: SHARD_COUNT_MAX });
  if (mode === 'PROVISIONED') {
    if (given === undefined) throw constraint('shardCount', 'not be null');
    return given;
  }
  if (given !== undefined) throw validation('ShardCount must not be given for a stream in On-Demand mode');
  return ON_DEMAND_SHARD_COUNT;
};

const freshStream = (
  context: KinesisContext,
  name: string,
  { count, setting }: { readonly count: number; readonly setting: StreamSetting },
): KinesisChange => {
  const createdAtMs = context.setting.clock.nowMs();
  const counter = Math.max(context.state.counter, counterAt(createdAtMs));
  const shards = Array.from({ length: count }, (_, number) => ({
    number,
    low: rangeStart(number, count),
    high: rangeEnd(number, count),
    parents: [],
    startingSequence: sequenceNumber(counter + number + 1),
    createdAtMs,
    position: 0,
  }));
  return ['stream', { name, createdAtMs, setting, shards, nextShardNumber: count }, counter + count];
};

/** A new stream, active at once. */
export const createStream =
  (context: KinesisContext): Operation =>
  (input) => {
    refuseUnsupported(input, ['WarmThroughputMiBps', 'MaxRecordSizeInKiB']);
    const name = text(input, 'StreamName');
    if (!STREAM_NAME.test(name)) {
      throw constraint('streamName', 'satisfy regular expression pattern: [a-zA-Z0-9_.-]{1,128}');
    }
    const mode = modeOf(input);
    const count = shardCount(input, mode);
    if (context.state.streams.has(name)) {
      throw new AwsError(
        'ResourceInUseException',
        `Stream ${name} under account ${context.setting.accountId} already exists.`,
      );
    }
    const setting = {
      mode,
      retentionHours: RETENTION_HOURS_MIN,
      shardLevelMetrics: [],
      tags: checkedTags(optionalTextMap(input, 'Tags') ?? {}),
    };
    context.commit(freshStream(context, name, { count, setting }));
    return {};
  };

/** The stream and its records are gone at once. */
export const deleteStream =
  (context: KinesisContext): Operation =>
  (input) => {
    context.commit(['delete', streamOf(context, input).name]);
    return {};
  };

const changeRetention = (context: KinesisContext, stream: Stream, retentionHours: number): void => {
  // What is trimmed by now stays trimmed, also when the journal is read back under the longer period.
  const kept = trimmedShards(context, stream).map(
    (shard) => [shard.facts.number, trimHorizon(shard)] as const,
  );
  context.commit(['trim', stream.name, kept]);
  context.commit(['set', stream.name, { ...stream.setting, retentionHours }]);
};

const requestedHours = (input: Json): number => {
  const hours = integer(input, 'RetentionPeriodHours', { min: -(2 ** 31), max: 2 ** 31 - 1 });
  if (hours < RETENTION_HOURS_MIN) {
    throw invalidArgument(
      `Minimum allowed retention period is ${String(RETENTION_HOURS_MIN)} hours. Requested retention period (${String(hours)} hours) is too short.`,
    );
  }
  if (hours > RETENTION_HOURS_MAX) {
    throw invalidArgument(
      `Maximum allowed retention period is ${String(RETENTION_HOURS_MAX)} hours. Requested retention period (${String(hours)} hours) is too long.`,
    );
  }
  return hours;
};

/** Keeps records longer: up to 8,760 hours. */
export const increaseRetention =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const hours = requestedHours(input);
    if (hours < stream.setting.retentionHours) {
      throw invalidArgument(
        `Requested retention period (${String(hours)} hours) for stream ${stream.name} can not be shorter than existing retention period (${String(stream.setting.retentionHours)} hours). Use DecreaseRetentionPeriod API.`,
      );
    }
    changeRetention(context, stream, hours);
    return {};
  };

/** Keeps records shorter: down to 24 hours. */
export const decreaseRetention =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const hours = requestedHours(input);
    if (hours > stream.setting.retentionHours) {
      throw invalidArgument(
        `Requested retention period (${String(hours)} hours) for stream ${stream.name} can not be longer than existing retention period (${String(stream.setting.retentionHours)} hours). Use IncreaseRetentionPeriod API.`,
      );
    }
    changeRetention(context, stream, hours);
    return {};
  };

const requestedMetrics = (input: Json): readonly string[] => {
  const given = texts(input, 'ShardLevelMetrics', { min: 1, max: 7 });
  const unknown = given.find((name) => name !== 'ALL' && !shardLevelMetrics.some((known) => known === name));
  if (unknown) throw constraint('shardLevelMetrics', `be names of metrics; ${unknown} is none`);
  return given.includes('ALL') ? shardLevelMetrics : given;
};

const monitoring =
  (
    context: KinesisContext,
    choose: (current: readonly string[], given: readonly string[]) => readonly string[],
  ): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const current = stream.setting.shardLevelMetrics;
    const desired = choose(current, requestedMetrics(input));
    context.commit(['set', stream.name, { ...stream.setting, shardLevelMetrics: desired }]);
    return {
      StreamName: stream.name,
      StreamARN: streamArn(context, stream.name),
      CurrentShardLevelMetrics: current,
      DesiredShardLevelMetrics: desired,
    };
  };

/** Adds metrics to those the stream reports for each shard. */
export const enableMonitoring = (context: KinesisContext): Operation =>
  monitoring(context, (current, given) => [...new Set([...current, ...given])].sort());

/** Takes metrics away from those the stream reports for each shard. */
export const disableMonitoring = (context: KinesisContext): Operation =>
  monitoring(context, (current, given) => current.filter((name) => !given.includes(name)));

/** Marks records put from now on as encrypted with the key; their data is not changed. */
export const startEncryption =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    oneOf(input, 'EncryptionType', ['KMS']);
    context.commit(['set', stream.name, { ...stream.setting, encryptionKeyId: text(input, 'KeyId') }]);
    return {};
  };

/** Records put from now on are no longer marked as encrypted. */
export const stopEncryption =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    oneOf(input, 'EncryptionType', ['KMS']);
    text(input, 'KeyId');
    const { encryptionKeyId: _, ...setting } = stream.setting;
    context.commit(['set', stream.name, setting]);
    return {};
  };

/** Changes between provisioned and on-demand; the shards stay as they are. */
export const updateStreamMode =
  (context: KinesisContext): Operation =>
  (input) => {
    refuseUnsupported(input, ['WarmThroughputMiBps']);
    const stream = streamOf(context, { StreamARN: text(input, 'StreamARN') });
    const details = optionalStructure(input, 'StreamModeDetails');
    if (!details) throw constraint('streamModeDetails', 'not be null');
    const mode = oneOf(details, 'StreamMode', streamModes);
    context.commit(['set', stream.name, { ...stream.setting, mode }]);
    return {};
  };
