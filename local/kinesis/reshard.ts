/** SplitShard, MergeShards and UpdateShardCount; the last is a series of the other two, so a shard has at most two parents. */
import type { Operation } from '#local/kernel/engine.ts';
import { validation } from '#local/kernel/aws-error.ts';
import type { Stream } from './change.ts';
import type { KinesisContext } from './context.ts';
import { shardNamed, streamArn, streamOf } from './context.ts';
import { constraint, integer, invalidArgument, oneOf, text } from './input.ts';
import { firstNotBefore, HASH_KEY_END, hashOfNumber, numberOfHash } from './sequence.ts';
import type { Shard } from './shard.ts';

const SHARD_COUNT_MAX = 10_000;
const HASH_KEY = /^(0|[1-9]\d{0,38})$/;

/** Where the n-th of `count` equal ranges of hash keys begins. */
export const rangeStart = (index: number, count: number): string =>
  hashOfNumber((HASH_KEY_END * BigInt(index)) / BigInt(count));

/** The last hash key of the n-th of `count` equal ranges. */
export const rangeEnd = (index: number, count: number): string =>
  hashOfNumber((HASH_KEY_END * BigInt(index + 1)) / BigInt(count) - 1n);

const openShardNamed = (context: KinesisContext, stream: Stream, id: string): Shard => {
  const shard = shardNamed(context, stream, id);
  if (!shard.facts.closed) return shard;
  throw invalidArgument(
    `Shard ${id} in stream ${stream.name} under account ${context.setting.accountId} has already been merged or split, and thus is not eligible for merging or splitting.`,
  );
};

/** Cuts an open shard in two at the hash key. */
export const splitShard =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const shard = openShardNamed(context, stream, text(input, 'ShardToSplit'));
    const given = text(input, 'NewStartingHashKey');
    if (!HASH_KEY.test(given)) {
      throw constraint('newStartingHashKey', 'satisfy regular expression pattern: 0|([1-9]\\d{0,38})');
    }
    const cut = BigInt(given);
    if (cut <= numberOfHash(shard.facts.low) + 1n || cut >= numberOfHash(shard.facts.high)) {
      throw invalidArgument(
        `NewStartingHashKey ${given} used in SplitShard() on shard ${shard.id} in stream ${stream.name} under account ${context.setting.accountId} is not both greater than one plus the shard's StartingHashKey and less than the shard's EndingHashKey.`,
      );
    }
    context.commit([
      'split',
      stream.name,
      shard.facts.number,
      hashOfNumber(cut),
      context.setting.clock.nowMs(),
    ]);
    return {};
  };

/** Joins two open shards whose hash keys touch. */
export const mergeShards =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const shard = openShardNamed(context, stream, text(input, 'ShardToMerge'));
    const adjacent = openShardNamed(context, stream, text(input, 'AdjacentShardToMerge'));
    const [lower, upper] = shard.facts.low < adjacent.facts.low ? [shard, adjacent] : [adjacent, shard];
    if (numberOfHash(lower.facts.high) + 1n !== numberOfHash(upper.facts.low)) {
      throw invalidArgument(
        `Shards ${shard.id} and ${adjacent.id} in stream ${stream.name} under account ${context.setting.accountId} are not an adjacent pair of shards eligible for merging`,
      );
    }
    context.commit([
      'merge',
      stream.name,
      shard.facts.number,
      adjacent.facts.number,
      context.setting.clock.nowMs(),
    ]);
    return {};
  };

const openShardAt = (stream: Stream, hashKey: string): Shard => {
  const shard = stream.open[firstNotBefore(stream.open, 0, ({ facts }) => facts.high < hashKey)];
  if (!shard) throw new Error(`no shard of stream ${stream.name} covers ${hashKey}`);
  return shard;
};

/** Cuts the open shards at every new border, then joins the pieces of each new range. */
const reshardEvenly = (context: KinesisContext, stream: Stream, count: number): void => {
  const atMs = context.setting.clock.nowMs();
  for (let index = 1; index < count; index++) {
    const border = rangeStart(index, count);
    const shard = openShardAt(stream, border);
    if (shard.facts.low !== border) {
      context.commit(['split', stream.name, shard.facts.number, border, atMs]);
    }
  }
  for (let index = 0; index < count; index++) {
    const start = rangeStart(index, count);
    const end = rangeEnd(index, count);
    for (
      let first = openShardAt(stream, start);
      first.facts.high !== end;
      first = openShardAt(stream, start)
    ) {
      const next = openShardAt(stream, hashOfNumber(numberOfHash(first.facts.high) + 1n));
      context.commit(['merge', stream.name, first.facts.number, next.facts.number, atMs]);
    }
  }
};

/** Gives the stream that many open shards of equal size: at most double, at least half of those it has. */
export const updateShardCount =
  (context: KinesisContext): Operation =>
  (input) => {
    const stream = streamOf(context, input);
    const target = integer(input, 'TargetShardCount', { min: 1, max: SHARD_COUNT_MAX });
    oneOf(input, 'ScalingType', ['UNIFORM_SCALING']);
    const current = stream.open.length;
    const counts = `Current open shard count: ${String(current)} Target shard count: ${String(target)}`;
    if (stream.setting.mode === 'ON_DEMAND') {
      throw validation(
        `Request is invalid. Stream ${stream.name} under account ${context.setting.accountId} is in On-Demand mode.`,
      );
    }
    if (target > current * 2) {
      throw invalidArgument(
        `UpdateShardCount cannot scale up over double your current open shard count. ${counts}`,
      );
    }
    if (target * 2 < current) {
      throw invalidArgument(
        `UpdateShardCount cannot scale down below half your current open shard count. ${counts}`,
      );
    }
    reshardEvenly(context, stream, target);
    return {
      StreamName: stream.name,
      StreamARN: streamArn(context, stream.name),
      CurrentShardCount: current,
      TargetShardCount: target,
    };
  };
