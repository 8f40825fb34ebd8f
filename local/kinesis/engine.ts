/**
 * Kinesis Data Streams in memory. Streams are active, and resharding is done, at the moment of the call. Without
 * enhanced fan-out, resource policies and stream consumers: those operations are not here, hence refused by name.
 */
import type { Engine, EngineSetting } from '#local/kernel/engine.ts';
import type { JournalEntry } from '#local/kernel/journal.ts';
import type { RecordSource } from '#local/kernel/record-source.ts';
import type { KinesisChange, KinesisState, PutRow, Stream } from './change.ts';
import { applyChange } from './change.ts';
import type { KinesisContext } from './context.ts';
import { trimmedShards } from './context.ts';
import { describeLimits, describeStream, describeStreamSummary, listStreams } from './describe.ts';
import { listShards } from './list-shards.ts';
import { putRecord, putRecords } from './put.ts';
import { getRecords, getShardIterator } from './read.ts';
import { mergeShards, splitShard, updateShardCount } from './reshard.ts';
import { recordSource } from './source.ts';
import * as streams from './streams.ts';
import { addTags, listTags, removeTags } from './tags.ts';
import { trimHorizon } from './shard.ts';

/** Kinesis as the cloud uses it. */
export interface Kinesis {
  readonly engine: Engine;
  /** The stream of that name for event source mappings; it may be created later. */
  readonly source: (streamName: string) => RecordSource;
}

/** The name under which Kinesis journals. */
const JOURNAL_NAME = 'kinesis';
const SNAPSHOT_ROWS = 500;

const operationsOf = (context: KinesisContext): Engine['operations'] => ({
  AddTagsToStream: addTags(context),
  CreateStream: streams.createStream(context),
  DecreaseStreamRetentionPeriod: streams.decreaseRetention(context),
  DeleteStream: streams.deleteStream(context),
  DescribeLimits: describeLimits(context),
  DescribeStream: describeStream(context),
  DescribeStreamSummary: describeStreamSummary(context),
  DisableEnhancedMonitoring: streams.disableMonitoring(context),
  EnableEnhancedMonitoring: streams.enableMonitoring(context),
  GetRecords: getRecords(context),
  GetShardIterator: getShardIterator(context),
  IncreaseStreamRetentionPeriod: streams.increaseRetention(context),
  ListShards: listShards(context),
  ListStreams: listStreams(context),
  ListTagsForStream: listTags(context),
  MergeShards: mergeShards(context),
  PutRecord: putRecord(context),
  PutRecords: putRecords(context),
  RemoveTagsFromStream: removeTags(context),
  SplitShard: splitShard(context),
  StartStreamEncryption: streams.startEncryption(context),
  StopStreamEncryption: streams.stopEncryption(context),
  UpdateShardCount: updateShardCount(context),
  UpdateStreamMode: streams.updateStreamMode(context),
});

function* snapshotStream(context: KinesisContext, stream: Stream): Generator<KinesisChange> {
  const shards = trimmedShards(context, stream);
  yield [
    'stream',
    {
      name: stream.name,
      createdAtMs: stream.createdAtMs,
      setting: stream.setting,
      shards: shards.map((shard) => ({ ...shard.facts, position: trimHorizon(shard) })),
      nextShardNumber: stream.nextShardNumber,
    },
    context.state.counter,
  ];
  for (const shard of shards) {
    for (let start = shard.firstIndex; start < shard.records.length; start += SNAPSHOT_ROWS) {
      const rows = shard.records
        .slice(start, start + SNAPSHOT_ROWS)
        .map((record): PutRow => [
          shard.facts.number,
          record.counter,
          record.arrivalMs,
          record.partitionKey,
          record.data,
          record.isEncrypted,
        ]);
      yield ['put', stream.name, rows];
    }
  }
}

/** Kinesis without streams; `throttle: false` lifts the throughput limits of shards, never the size limits. */
export const createKinesis = (setting: EngineSetting & { readonly throttle?: boolean }): Kinesis => {
  const state: KinesisState = { streams: new Map(), counter: 0 };
  const watchers = new Map<string, ((shardId: string) => void)[]>();
  const context: KinesisContext = {
    setting,
    isThrottling: setting.throttle ?? true,
    state,
    commit: (change) => {
      applyChange(state, change);
      setting.journal.append(JOURNAL_NAME, change);
    },
    notify: (streamName, shardIds) => {
      const listeners = watchers.get(streamName);
      if (!listeners) return;
      for (const shardId of shardIds) for (const listener of listeners) listener(shardId);
    },
  };
  return {
    engine: {
      operations: operationsOf(context),
      // Entries come from our own journal, which has checked them against their checksum.
      restore: (entry: JournalEntry) => applyChange(state, entry as unknown as KinesisChange),
      *snapshot() {
        yield ['counter', state.counter];
        for (const stream of state.streams.values()) yield* snapshotStream(context, stream);
      },
    },
    source: (streamName) =>
      recordSource(context, streamName, (listener) => {
        watchers.set(streamName, [...(watchers.get(streamName) ?? []), listener]);
      }),
  };
};
