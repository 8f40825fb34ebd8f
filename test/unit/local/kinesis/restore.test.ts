import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { KinesisUnderTest } from './kinesis-under-test.ts';
import { base64, list, startKinesis } from './kinesis-under-test.ts';

const names = ['one', 'two'] as const;
type Act = (kinesis: KinesisUnderTest) => void;

const anyName = fc.constantFrom(...names);
const anyNumber = fc.nat({ max: 1000 });
const anyKey = fc.constantFrom('a', 'b', 'c', 'e');

const openShards = ({ call }: KinesisUnderTest, StreamName: string): readonly string[] =>
  list(call('ListShards', { StreamName, ShardFilter: { Type: 'AT_LATEST' } }), 'Shards').map((shard) =>
    String(shard['ShardId']),
  );

/** Random operations; those Kinesis refuses change nothing, which is a case of its own. */
const anyAct: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(anyName, fc.array(anyKey, { minLength: 1, maxLength: 8 })).map(
      ([StreamName, keys]): Act =>
        ({ call }) =>
          void call('PutRecords', {
            StreamName,
            Records: keys.map((PartitionKey, index) => ({
              PartitionKey,
              Data: base64(`${PartitionKey}${String(index)}`),
            })),
          }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 20 }).map(
      (hours): Act =>
        ({ clock }) =>
          clock.jump(clock.nowMs() + hours * 3_600_000),
    ),
  },
  fc.tuple(anyName, anyNumber).map(([StreamName, index]): Act => (kinesis) => {
    const open = openShards(kinesis, StreamName);
    kinesis.call('SplitShard', {
      StreamName,
      ShardToSplit: open[index % open.length],
      NewStartingHashKey: String((2n ** 128n * BigInt(index)) / 1000n),
    });
  }),
  fc.tuple(anyName, anyNumber, anyNumber).map(([StreamName, index, other]): Act => (kinesis) => {
    const open = openShards(kinesis, StreamName);
    kinesis.call('MergeShards', {
      StreamName,
      ShardToMerge: open[index % open.length],
      AdjacentShardToMerge: open[other % open.length],
    });
  }),
  fc.tuple(anyName, fc.integer({ min: 1, max: 6 })).map(
    ([StreamName, TargetShardCount]): Act =>
      ({ call }) =>
        void call('UpdateShardCount', { StreamName, TargetShardCount, ScalingType: 'UNIFORM_SCALING' }),
  ),
  fc.tuple(anyName, fc.constantFrom(24, 30, 48)).map(
    ([StreamName, RetentionPeriodHours]): Act =>
      ({ call }) =>
        void call('IncreaseStreamRetentionPeriod', { StreamName, RetentionPeriodHours }),
  ),
  anyName.map(
    (StreamName): Act =>
      ({ call }) =>
        void call('DecreaseStreamRetentionPeriod', { StreamName, RetentionPeriodHours: 24 }),
  ),
  anyName.map(
    (StreamName): Act =>
      ({ call }) =>
        void call('StartStreamEncryption', { StreamName, EncryptionType: 'KMS', KeyId: 'key' }),
  ),
  anyName.map((StreamName): Act => ({ call }) => {
    call('DeleteStream', { StreamName });
    call('CreateStream', { StreamName, ShardCount: 2 });
  }),
);

const start = (): KinesisUnderTest => {
  const kinesis = startKinesis();
  for (const StreamName of names) kinesis.call('CreateStream', { StreamName, ShardCount: 2 });
  return kinesis;
};

const perform = (kinesis: KinesisUnderTest, acts: readonly Act[]): void => {
  for (const act of acts) {
    try {
      act(kinesis);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
    }
  }
};

/** All shards, and all records with their positions. */
const everything = ({ call, kinesis }: KinesisUnderTest): unknown =>
  names.map((StreamName) => {
    const source = kinesis.source(StreamName);
    return [
      call('DescribeStream', { StreamName }),
      source.shardIds().map((id) => [source.trimHorizon(id), source.latest(id), source.read(id, 0, 10_000)]),
    ];
  });

describe('a restart', () => {
  it('rebuilds the same streams from the journal', () => {
    fc.assert(
      fc.property(fc.array(anyAct, { maxLength: 40 }), (acts) => {
        const live = start();
        perform(live, acts);

        const restored = startKinesis({ clock: live.clock, entries: live.journal });

        expect(everything(restored)).toEqual(everything(live));
        expect(restored.snapshot()).toEqual(live.snapshot());
      }),
      { numRuns: 150 },
    );
  });

  it('rebuilds the same streams from a snapshot and the journal after it', () => {
    fc.assert(
      fc.property(
        fc.array(anyAct, { maxLength: 30 }),
        fc.array(anyAct, { maxLength: 30 }),
        (before, after) => {
          const live = start();
          perform(live, before);
          const snapshot = live.snapshot();
          const journaledCount = live.journal.length;
          perform(live, after);

          const tail = live.journal.slice(journaledCount);
          const restored = startKinesis({ clock: live.clock, entries: [...snapshot, ...tail] });

          expect(everything(restored)).toEqual(everything(live));
          expect(restored.snapshot()).toEqual(live.snapshot());
        },
      ),
      { numRuns: 150 },
    );
  });

  it('keeps iterators good and never gives a sequence number twice', () => {
    const live = start();
    const sequences = [String(live.put('one', 'a', 'before')['SequenceNumber'])];
    const { ShardIterator } = live.call('GetShardIterator', {
      StreamName: 'one',
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'LATEST',
    });
    sequences.push(String(live.put('two', 'a', 'last')['SequenceNumber']));
    live.call('DeleteStream', { StreamName: 'two' });

    for (const entries of [live.journal, live.snapshot()]) {
      const restored = startKinesis({ clock: live.clock, entries });
      sequences.push(String(restored.put('one', 'a', 'after')['SequenceNumber']));
      expect(list(restored.call('GetRecords', { ShardIterator }), 'Records')).toHaveLength(1);
      expect(sequences.at(-1)).toBe(sequences[2]);
    }
    expect(sequences.slice(0, 3)).toEqual([...new Set(sequences)].sort());
  });
});
