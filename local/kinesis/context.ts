/** What every Kinesis operation works on. */
import type { EngineSetting, Json } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { KinesisChange, KinesisState, Stream } from './change.ts';
import { invalidArgument, optionalText } from './input.ts';
import type { Shard } from './shard.ts';
import { nextPosition, shardId, trimBefore } from './shard.ts';

/** The engine as its operations see it. */
export interface KinesisContext {
  readonly setting: EngineSetting;
  readonly isThrottling: boolean;
  readonly state: KinesisState;
  /** Makes the change and appends it to the journal. */
  readonly commit: (change: KinesisChange) => void;
  /** Tells the watchers of the stream that the shards got records. */
  readonly notify: (streamName: string, shardIds: Iterable<string>) => void;
}

const HOUR_MS = 3_600_000;

/** The ARN of a stream of that name, whether it exists or not. */
export const streamArn = ({ setting }: KinesisContext, name: string): string =>
  `arn:aws:kinesis:${setting.region}:${setting.accountId}:stream/${name}`;

const requestedName = (input: Json): string => {
  const name = optionalText(input, 'StreamName');
  const arn = optionalText(input, 'StreamARN');
  const nameOfArn = arn?.split(':stream/')[1];
  if (arn !== undefined && !nameOfArn) throw invalidArgument(`StreamARN ${arn} is not the ARN of a stream`);
  if (name !== undefined && nameOfArn !== undefined && name !== nameOfArn) {
    throw invalidArgument('StreamName and StreamARN name different streams');
  }
  const requested = name ?? nameOfArn;
  if (requested === undefined) throw invalidArgument('Either StreamName or StreamARN must be given');
  return requested;
};

/** The stream of that name, or `ResourceNotFoundException`. */
export const streamNamed = ({ state, setting }: KinesisContext, name: string): Stream => {
  const stream = state.streams.get(name);
  if (stream) return stream;
  throw new AwsError(
    'ResourceNotFoundException',
    `Stream ${name} under account ${setting.accountId} not found.`,
  );
};

/** The stream the input names by StreamName or StreamARN. */
export const streamOf = (context: KinesisContext, input: Json): Stream =>
  streamNamed(context, requestedName(input));

/** The oldest arrival that is still inside the retention period. */
export const retainedFromMs = (context: KinesisContext, stream: Stream): number =>
  context.setting.clock.nowMs() - stream.setting.retentionHours * HOUR_MS;

/** The shards still listed: open ones, and closed ones until their last record has left the retention period. */
export const trimmedShards = (context: KinesisContext, stream: Stream): readonly Shard[] => {
  const fromMs = retainedFromMs(context, stream);
  for (const shard of stream.shards) trimBefore(shard, fromMs);
  return stream.shards.filter(({ facts }) => !facts.closed || facts.closed.atMs >= fromMs);
};

/** The listed shard of that id, or `ResourceNotFoundException`. */
export const shardNamed = (context: KinesisContext, stream: Stream, id: string): Shard => {
  const shard = trimmedShards(context, stream).find((candidate) => candidate.id === id);
  if (shard) return shard;
  throw new AwsError(
    'ResourceNotFoundException',
    `Shard ${id} in stream ${stream.name} under account ${context.setting.accountId} does not exist`,
  );
};

/** The shards that were made from this one and are still listed. */
export const childrenOf = (context: KinesisContext, stream: Stream, shard: Shard): readonly Shard[] =>
  trimmedShards(context, stream).filter(({ facts }) => facts.parents.includes(shard.facts.number));

/** Ids of the shards this one was made from. */
export const parentIds = (shard: Shard): readonly string[] => shard.facts.parents.map(shardId);

/** Whether no further record can come after the position. */
export const isEndOfShard = (shard: Shard, position: number): boolean =>
  shard.facts.closed !== undefined && position >= nextPosition(shard);
