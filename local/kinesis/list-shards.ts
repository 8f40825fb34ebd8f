/** ListShards: the shards of a stream by filter, in pages. A page token carries the filter and lives five minutes. */
import type { Json, Operation } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Stream } from './change.ts';
import type { KinesisContext } from './context.ts';
import { retainedFromMs, streamNamed, streamOf, trimmedShards } from './context.ts';
import { describeShard } from './describe.ts';
import {
  constraint,
  invalidArgument,
  oneOf,
  optionalInteger,
  optionalNumber,
  optionalStructure,
  optionalText,
} from './input.ts';
import type { Shard } from './shard.ts';

const TOKEN_LIFE_MS = 300_000;
const PAGE_MAX = 10_000;
const PAGE_DEFAULT = 1000;

const filterTypes = [
  'AFTER_SHARD_ID',
  'AT_TRIM_HORIZON',
  'FROM_TRIM_HORIZON',
  'AT_LATEST',
  'AT_TIMESTAMP',
  'FROM_TIMESTAMP',
] as const;

interface ShardFilter {
  readonly type: (typeof filterTypes)[number];
  readonly shardId?: string;
  readonly instantMs?: number;
}

interface Query {
  readonly stream: Stream;
  readonly afterShardId: string;
  readonly filter: ShardFilter | undefined;
}

const parseFilter = (given: Json | undefined): ShardFilter | undefined => {
  if (!given) return undefined;
  const type = oneOf(given, 'Type', filterTypes);
  const shardId = optionalText(given, 'ShardId');
  const seconds = optionalNumber(given, 'Timestamp');
  if ((type === 'AFTER_SHARD_ID') !== (shardId !== undefined)) {
    throw invalidArgument(
      `ShardFilter of type ${type} ${shardId === undefined ? 'needs' : 'must not have'} a ShardId`,
    );
  }
  if (type.endsWith('TIMESTAMP') !== (seconds !== undefined)) {
    throw invalidArgument(
      `ShardFilter of type ${type} ${seconds === undefined ? 'needs' : 'must not have'} a Timestamp`,
    );
  }
  return {
    type,
    ...(shardId === undefined ? {} : { shardId }),
    ...(seconds === undefined ? {} : { instantMs: Math.round(seconds * 1000) }),
  };
};

const wasOpenAt = ({ facts }: Shard, instantMs: number): boolean =>
  facts.createdAtMs <= instantMs && (!facts.closed || facts.closed.atMs >= instantMs);

const passes = (context: KinesisContext, { stream, filter }: Query, shard: Shard): boolean => {
  if (!filter) return true;
  const horizonMs = Math.max(retainedFromMs(context, stream), stream.createdAtMs);
  const instantMs = Math.max(filter.instantMs ?? 0, horizonMs);
  switch (filter.type) {
    case 'AFTER_SHARD_ID':
      return shard.id > (filter.shardId ?? '');
    case 'AT_LATEST':
      return !shard.facts.closed;
    case 'AT_TRIM_HORIZON':
      return wasOpenAt(shard, horizonMs);
    case 'FROM_TRIM_HORIZON':
      return true;
    case 'AT_TIMESTAMP':
      return wasOpenAt(shard, instantMs);
    case 'FROM_TIMESTAMP':
      return !shard.facts.closed || shard.facts.closed.atMs >= instantMs;
  }
};

const encodeToken = (context: KinesisContext, { stream, filter }: Query, lastShardId: string): string =>
  Buffer.from(
    JSON.stringify({
      streamName: stream.name,
      afterShardId: lastShardId,
      givenAtMs: context.setting.clock.nowMs(),
      ...(filter ? { filter } : {}),
    }),
  ).toString('base64');

interface Token {
  readonly streamName: string;
  readonly afterShardId: string;
  readonly givenAtMs: number;
  readonly filter?: ShardFilter;
}

const decodeToken = (given: string): Token => {
  try {
    const token = JSON.parse(Buffer.from(given, 'base64').toString()) as Partial<Token> | null;
    if (token && typeof token.streamName === 'string' && typeof token.afterShardId === 'string') {
      return {
        ...token,
        streamName: token.streamName,
        afterShardId: token.afterShardId,
        givenAtMs: token.givenAtMs ?? 0,
      };
    }
  } catch {
    // Refused below, like any other token that is not ours.
  }
  throw invalidArgument('Invalid NextToken.');
};

const continued = (context: KinesisContext, input: Json, given: string): Query => {
  const other = ['StreamName', 'StreamARN', 'ShardFilter', 'ExclusiveStartShardId'].find(
    (name) => input[name] !== undefined,
  );
  if (other) throw invalidArgument(`NextToken and ${other} cannot be provided together.`);
  const token = decodeToken(given);
  if (context.setting.clock.nowMs() - token.givenAtMs > TOKEN_LIFE_MS) {
    throw new AwsError('ExpiredNextTokenException', 'NextToken has expired; list the shards again');
  }
  return {
    stream: streamNamed(context, token.streamName),
    afterShardId: token.afterShardId,
    filter: token.filter,
  };
};

const started = (context: KinesisContext, input: Json): Query => {
  const stream = streamOf(context, input);
  const createdAt = optionalNumber(input, 'StreamCreationTimestamp');
  if (createdAt !== undefined && Math.round(createdAt * 1000) !== stream.createdAtMs) {
    throw constraint('streamCreationTimestamp', 'be the creation instant of the stream');
  }
  return {
    stream,
    afterShardId: optionalText(input, 'ExclusiveStartShardId') ?? '',
    filter: parseFilter(optionalStructure(input, 'ShardFilter')),
  };
};

/** A page of the shards that pass the filter, by id. */
export const listShards =
  (context: KinesisContext): Operation =>
  (input) => {
    const limit = optionalInteger(input, 'MaxResults', { min: 1, max: PAGE_MAX }) ?? PAGE_DEFAULT;
    const token = optionalText(input, 'NextToken');
    const query = token === undefined ? started(context, input) : continued(context, input, token);
    const shards = trimmedShards(context, query.stream).filter(
      (shard) => shard.id > query.afterShardId && passes(context, query, shard),
    );
    const page = shards.slice(0, limit);
    const last = page.at(-1);
    return {
      Shards: page.map(describeShard),
      ...(shards.length > limit && last ? { NextToken: encodeToken(context, query, last.id) } : {}),
    };
  };
