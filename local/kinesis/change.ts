/**
 * The physical changes of Kinesis, and the only place that makes them: a live operation applies its change and
 * appends it to the journal, a boot applies what the journal holds.
 */
import type { Shard, ShardFacts } from './shard.ts';
import { shardId, trimTo } from './shard.ts';
import { firstNotBefore, hashOfNumber, numberOfHash, sequenceNumber } from './sequence.ts';
import { fullAllowance } from './throttle.ts';

/** How a stream gets its capacity; both modes have the same limits for each shard here. */
export type StreamMode = 'PROVISIONED' | 'ON_DEMAND';

/** The members of a stream that operations change as a whole. */
export interface StreamSetting {
  readonly mode: StreamMode;
  readonly retentionHours: number;
  readonly shardLevelMetrics: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
  readonly encryptionKeyId?: string;
}

/** A stream with its shards and their records. */
export interface Stream {
  readonly name: string;
  readonly createdAtMs: number;
  setting: StreamSetting;
  /** By number, hence parents before children. */
  shards: readonly Shard[];
  /** Ordered by hash key; together they cover every key once. */
  open: readonly Shard[];
  nextShardNumber: number;
}

/** All that Kinesis knows. */
export interface KinesisState {
  readonly streams: Map<string, Stream>;
  /** Of the last sequence number given. */
  counter: number;
}

/** A record as it is put: shard number, counter, arrival, partition key, data as base64, encrypted. */
export type PutRow = readonly [
  shard: number,
  counter: number,
  arrivalMs: number,
  partitionKey: string,
  data: string,
  isEncrypted: boolean,
];

/** A stream without its records. */
export interface StreamImage {
  readonly name: string;
  readonly createdAtMs: number;
  readonly setting: StreamSetting;
  readonly shards: readonly (ShardFacts & { readonly position: number })[];
  readonly nextShardNumber: number;
}

/** Where the records of a shard that is kept begin. */
export type ShardHorizon = readonly [shard: number, position: number];

/** A change as the journal has it. */
export type KinesisChange =
  | readonly ['counter', counter: number]
  | readonly ['stream', image: StreamImage, counter: number]
  | readonly ['delete', name: string]
  | readonly ['put', name: string, rows: readonly PutRow[]]
  | readonly ['split', name: string, shard: number, firstHigherHash: string, atMs: number]
  | readonly ['merge', name: string, shard: number, adjacent: number, atMs: number]
  | readonly ['set', name: string, setting: StreamSetting]
  | readonly ['trim', name: string, kept: readonly ShardHorizon[]];

const placeShard = (facts: ShardFacts, position: number): Shard => ({
  id: shardId(facts.number),
  facts,
  records: [],
  firstIndex: 0,
  basePosition: position,
  allowance: fullAllowance(),
});

const openShards = (shards: readonly Shard[]): readonly Shard[] =>
  shards.filter(({ facts }) => !facts.closed).sort((a, b) => (a.facts.low < b.facts.low ? -1 : 1));

const replaceShards = (stream: Stream, shards: readonly Shard[]): void => {
  stream.shards = shards;
  stream.open = openShards(shards);
};

const shardNumbered = (stream: Stream, number: number): Shard => {
  const shard = stream.shards[firstNotBefore(stream.shards, 0, ({ facts }) => facts.number < number)];
  if (shard?.facts.number !== number) throw new Error(`stream ${stream.name} has no shard ${String(number)}`);
  return shard;
};

const place = (state: KinesisState, image: StreamImage, counter: number): void => {
  const shards = image.shards.map(({ position, ...facts }) => placeShard(facts, position));
  state.streams.set(image.name, {
    name: image.name,
    createdAtMs: image.createdAtMs,
    setting: image.setting,
    shards,
    open: openShards(shards),
    nextShardNumber: image.nextShardNumber,
  });
  state.counter = Math.max(state.counter, counter);
};

const put = (state: KinesisState, stream: Stream, rows: readonly PutRow[]): void => {
  let shard: Shard | undefined;
  for (const [number, counter, arrivalMs, partitionKey, data, isEncrypted] of rows) {
    if (shard?.facts.number !== number) shard = shardNumbered(stream, number);
    shard.records.push({
      counter,
      arrivalMs,
      partitionKey,
      data,
      isEncrypted,
    });
    state.counter = Math.max(state.counter, counter);
  }
};

interface Resharding {
  readonly parents: readonly Shard[];
  readonly ranges: readonly { readonly low: string; readonly high: string }[];
  readonly atMs: number;
}

/** Closes the parents, then opens one child for each range. */
const reshard = (state: KinesisState, stream: Stream, { parents, ranges, atMs }: Resharding): void => {
  for (const parent of parents) {
    parent.facts = { ...parent.facts, closed: { endingSequence: sequenceNumber(++state.counter), atMs } };
  }
  const children = ranges.map(({ low, high }) =>
    placeShard(
      {
        number: stream.nextShardNumber++,
        low,
        high,
        parents: parents.map(({ facts }) => facts.number),
        startingSequence: sequenceNumber(++state.counter),
        createdAtMs: atMs,
      },
      0,
    ),
  );
  replaceShards(stream, [...stream.shards, ...children]);
};

const split = (
  state: KinesisState,
  stream: Stream,
  [, , number, firstHigherHash, atMs]: Extract<KinesisChange, readonly ['split', ...unknown[]]>,
): void => {
  const parent = shardNumbered(stream, number);
  const ranges = [
    { low: parent.facts.low, high: hashOfNumber(numberOfHash(firstHigherHash) - 1n) },
    { low: firstHigherHash, high: parent.facts.high },
  ];
  reshard(state, stream, { parents: [parent], ranges, atMs });
};

const merge = (
  state: KinesisState,
  stream: Stream,
  [, , number, adjacentNumber, atMs]: Extract<KinesisChange, readonly ['merge', ...unknown[]]>,
): void => {
  const parents = [shardNumbered(stream, number), shardNumbered(stream, adjacentNumber)];
  const keys = parents.flatMap(({ facts }) => [facts.low, facts.high]).sort();
  reshard(state, stream, { parents, ranges: [{ low: keys[0] ?? '', high: keys[3] ?? '' }], atMs });
};

const trim = (stream: Stream, kept: readonly ShardHorizon[]): void => {
  const horizons = new Map(kept);
  const shards = stream.shards.filter(({ facts }) => horizons.has(facts.number));
  for (const shard of shards) trimTo(shard, horizons.get(shard.facts.number) ?? 0);
  replaceShards(stream, shards);
};

/** Makes the change; a stream it names exists, because every change was made before in this order. */
export const applyChange = (state: KinesisState, change: KinesisChange): void => {
  if (change[0] === 'counter') {
    state.counter = Math.max(state.counter, change[1]);
    return;
  }
  if (change[0] === 'stream') {
    place(state, change[1], change[2]);
    return;
  }
  const stream = state.streams.get(change[1]);
  if (!stream) throw new Error(`the journal changes stream ${change[1]}, which does not exist`);
  switch (change[0]) {
    case 'delete':
      state.streams.delete(stream.name);
      break;
    case 'put':
      put(state, stream, change[2]);
      break;
    case 'split':
      split(state, stream, change);
      break;
    case 'merge':
      merge(state, stream, change);
      break;
    case 'set':
      stream.setting = change[2];
      break;
    case 'trim':
      trim(stream, change[2]);
      break;
  }
};
