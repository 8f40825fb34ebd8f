import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import type { KinesisUnderTest } from './kinesis-under-test.ts';
import { list, START_MS, startKinesis } from './kinesis-under-test.ts';

const stream = 'market-events';
const HOUR_MS = 3_600_000;
const id = (number: number): string => `shardId-${String(number).padStart(12, '0')}`;
const half = String(2n ** 127n);

const startWith = (ShardCount: number): KinesisUnderTest => {
  const kinesis = startKinesis();
  kinesis.call('CreateStream', { StreamName: stream, ShardCount });
  return kinesis;
};

const shardsOf = ({ call }: KinesisUnderTest, more: Json = {}): readonly Json[] =>
  list(call('ListShards', { StreamName: stream, ...more }), 'Shards');

const idsOf = (kinesis: KinesisUnderTest, more: Json = {}): readonly unknown[] =>
  shardsOf(kinesis, more).map((shard) => shard['ShardId']);

const isOpen = (shard: Json): boolean =>
  (shard['SequenceNumberRange'] as Json)['EndingSequenceNumber'] === undefined;

const read = ({ call }: KinesisUnderTest, ShardId: string): Json => {
  const { ShardIterator } = call('GetShardIterator', {
    StreamName: stream,
    ShardId,
    ShardIteratorType: 'TRIM_HORIZON',
  });
  return call('GetRecords', { ShardIterator });
};

/** The open shards cover all hash keys, each once. */
const expectCover = (shards: readonly Json[]): void => {
  const ranges = shards
    .filter(isOpen)
    .map((shard) => shard['HashKeyRange'] as Readonly<Record<string, string>>)
    .map((range) => [BigInt(range['StartingHashKey'] ?? ''), BigInt(range['EndingHashKey'] ?? '')] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  let next = 0n;
  for (const [start, end] of ranges) {
    expect(start).toBe(next);
    next = end + 1n;
  }
  expect(next).toBe(2n ** 128n);
};

describe('SplitShard', () => {
  it('closes the shard, which answers its children after its last record', () => {
    const kinesis = startWith(1);
    kinesis.put(stream, 'a', 'before');

    kinesis.call('SplitShard', { StreamName: stream, ShardToSplit: id(0), NewStartingHashKey: half });
    const after = kinesis.put(stream, 'a', 'after');

    const [parent, low, high] = shardsOf(kinesis);
    expect(parent).toMatchObject({
      ShardId: id(0),
      SequenceNumberRange: { EndingSequenceNumber: expect.stringMatching(/^\d{56}$/) as string },
    });
    expect(low).toMatchObject({
      ShardId: id(1),
      ParentShardId: id(0),
      HashKeyRange: { StartingHashKey: '0', EndingHashKey: String(2n ** 127n - 1n) },
    });
    expect(high).toMatchObject({ ShardId: id(2), HashKeyRange: { StartingHashKey: half } });
    expect(low).not.toHaveProperty('AdjacentParentShardId');
    expect(low?.['SequenceNumberRange']).not.toHaveProperty('EndingSequenceNumber');
    expect(after['ShardId']).toBe(id(1));

    const answer = read(kinesis, id(0));
    expect(list(answer, 'Records')).toHaveLength(1);
    expect(answer).not.toHaveProperty('NextShardIterator');
    expect(answer['ChildShards']).toMatchObject([
      { ShardId: id(1), ParentShards: [id(0)], HashKeyRange: { StartingHashKey: '0' } },
      { ShardId: id(2), ParentShards: [id(0)] },
    ]);
    expect(read(kinesis, id(1))).toHaveProperty('NextShardIterator');
  });

  it('keeps the iterator of a closed shard until its last record is read', () => {
    const kinesis = startWith(1);
    for (const text of ['1', '2']) kinesis.put(stream, 'a', text);
    kinesis.call('SplitShard', { StreamName: stream, ShardToSplit: id(0), NewStartingHashKey: half });
    const { ShardIterator } = kinesis.call('GetShardIterator', {
      StreamName: stream,
      ShardId: id(0),
      ShardIteratorType: 'TRIM_HORIZON',
    });

    const first = kinesis.call('GetRecords', { ShardIterator, Limit: 1 });
    const second = kinesis.call('GetRecords', { ShardIterator: first['NextShardIterator'], Limit: 1 });

    expect(first).not.toHaveProperty('ChildShards');
    expect(second).not.toHaveProperty('NextShardIterator');
    expect(list(second, 'ChildShards')).toHaveLength(2);
  });

  it('refuses borders outside the shard and shards that are closed', () => {
    const { call, refusal } = startWith(1);
    const split = (NewStartingHashKey: string): Json => ({
      StreamName: stream,
      ShardToSplit: id(0),
      NewStartingHashKey,
    });

    for (const border of ['0', '1', String(2n ** 128n - 1n), String(2n ** 128n)]) {
      expect(refusal('SplitShard', split(border)).code).toBe('InvalidArgumentException');
    }
    expect(refusal('SplitShard', split('x')).code).toBe('ValidationException');
    call('SplitShard', split('2'));
    expect(refusal('SplitShard', split(half)).message).toContain('already been merged or split');
  });
});

describe('MergeShards', () => {
  it('joins two neighbours in either order under both parents', () => {
    const kinesis = startWith(2);

    kinesis.call('MergeShards', { StreamName: stream, ShardToMerge: id(1), AdjacentShardToMerge: id(0) });

    expect(shardsOf(kinesis)[2]).toMatchObject({
      ShardId: id(2),
      ParentShardId: id(1),
      AdjacentParentShardId: id(0),
      HashKeyRange: { StartingHashKey: '0', EndingHashKey: String(2n ** 128n - 1n) },
    });
    expect(read(kinesis, id(0))['ChildShards']).toMatchObject([
      { ShardId: id(2), ParentShards: [id(1), id(0)] },
    ]);
    expectCover(shardsOf(kinesis));
  });

  it('refuses shards that are no neighbours', () => {
    const { refusal } = startWith(3);
    const merge = (one: number, other: number): string =>
      refusal('MergeShards', {
        StreamName: stream,
        ShardToMerge: id(one),
        AdjacentShardToMerge: id(other),
      }).message;

    expect(merge(0, 2)).toContain('not an adjacent pair');
    expect(merge(1, 1)).toContain('not an adjacent pair');
    expect(merge(0, 7)).toContain('does not exist');
  });
});

describe('UpdateShardCount', () => {
  const update = (TargetShardCount: number): Json => ({
    StreamName: stream,
    TargetShardCount,
    ScalingType: 'UNIFORM_SCALING',
  });

  it('doubles and halves at most', () => {
    const { call, refusal } = startWith(2);

    expect(refusal('UpdateShardCount', update(5)).message).toContain('over double');
    expect(call('UpdateShardCount', update(4))).toMatchObject({ CurrentShardCount: 2, TargetShardCount: 4 });
    expect(refusal('UpdateShardCount', update(1)).message).toContain('below half');
    call('UpdateShardCount', update(2));
    expect(refusal('UpdateShardCount', { StreamName: stream, TargetShardCount: 2 }).code).toBe(
      'ValidationException',
    );
    call('UpdateStreamMode', {
      StreamARN: `arn:aws:kinesis:us-east-1:000000000000:stream/${stream}`,
      StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    });
    expect(refusal('UpdateShardCount', update(2)).message).toContain('On-Demand');
  });

  it('leaves open shards of equal size, each with at most two parents, and loses no key', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
        (start, targets) => {
          const kinesis = startWith(start);
          let count = start;
          for (const wanted of targets) {
            const target = Math.min(Math.max(wanted, Math.ceil(count / 2)), count * 2);
            kinesis.call('UpdateShardCount', update(target));
            count = target;
            const shards = shardsOf(kinesis);
            expectCover(shards);
            const open = shards.filter(isOpen);
            expect(open).toHaveLength(target);
            const starts = open.map((shard) => (shard['HashKeyRange'] as Json)['StartingHashKey']);
            const even = Array.from({ length: target }, (_, index) =>
              String((2n ** 128n * BigInt(index)) / BigInt(target)),
            );
            expect([...starts].sort()).toEqual([...even].sort());
          }
          const ids = idsOf(kinesis);
          const closed = shardsOf(kinesis).filter((shard) => !isOpen(shard));
          expect(new Set(ids).size).toBe(ids.length);
          for (const shard of closed) {
            expect(list(read(kinesis, String(shard['ShardId'])), 'ChildShards').length).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('ListShards', () => {
  const reshard = (kinesis: KinesisUnderTest): void => {
    kinesis.clock.jump(START_MS + HOUR_MS);
    kinesis.call('SplitShard', { StreamName: stream, ShardToSplit: id(0), NewStartingHashKey: half });
    kinesis.clock.jump(START_MS + 2 * HOUR_MS);
    kinesis.call('MergeShards', { StreamName: stream, ShardToMerge: id(1), AdjacentShardToMerge: id(2) });
    kinesis.clock.jump(START_MS + 3 * HOUR_MS);
  };
  const at = (hours: number): number => START_MS / 1000 + hours * 3600;

  it.each([
    [{ Type: 'AT_LATEST' }, [3]],
    [{ Type: 'AT_TRIM_HORIZON' }, [0]],
    [{ Type: 'FROM_TRIM_HORIZON' }, [0, 1, 2, 3]],
    [{ Type: 'AFTER_SHARD_ID', ShardId: id(1) }, [2, 3]],
    [{ Type: 'AT_TIMESTAMP', Timestamp: at(0.5) }, [0]],
    [{ Type: 'AT_TIMESTAMP', Timestamp: at(1.5) }, [1, 2]],
    [{ Type: 'AT_TIMESTAMP', Timestamp: at(2.5) }, [3]],
    [{ Type: 'FROM_TIMESTAMP', Timestamp: at(1.5) }, [1, 2, 3]],
    [{ Type: 'FROM_TIMESTAMP', Timestamp: at(2.5) }, [3]],
  ])('filters by %o', (ShardFilter, numbers) => {
    const kinesis = startWith(1);
    reshard(kinesis);

    expect(idsOf(kinesis, { ShardFilter })).toEqual(numbers.map(id));
  });

  it('forgets closed shards when the retention period is over', () => {
    const kinesis = startWith(1);
    reshard(kinesis);

    kinesis.clock.jump(START_MS + 25 * HOUR_MS);
    expect(idsOf(kinesis)).toEqual([0, 1, 2, 3].map(id));
    kinesis.clock.jump(START_MS + 25 * HOUR_MS + 1);
    expect(idsOf(kinesis)).toEqual([1, 2, 3].map(id));
    expect(idsOf(kinesis, { ShardFilter: { Type: 'AT_TRIM_HORIZON' } })).toEqual([1, 2].map(id));
    kinesis.clock.jump(START_MS + 100 * HOUR_MS);
    expect(idsOf(kinesis)).toEqual([id(3)]);
  });

  it('pages, and a page token keeps the filter and lives for five minutes', () => {
    const kinesis = startWith(5);
    const page = (input: Json): readonly [readonly unknown[], unknown] => {
      const answer = kinesis.call('ListShards', input);
      return [list(answer, 'Shards').map((shard) => shard['ShardId']), answer['NextToken']];
    };

    const [first, token] = page({
      StreamName: stream,
      MaxResults: 2,
      ShardFilter: { Type: 'AFTER_SHARD_ID', ShardId: id(0) },
    });
    const [second, end] = page({ NextToken: token });

    expect([first, second, end]).toEqual([[id(1), id(2)], [id(3), id(4)], undefined]);
    expect(kinesis.refusal('ListShards', { StreamName: stream, NextToken: token }).message).toContain(
      'NextToken and StreamName cannot be provided together',
    );
    expect(kinesis.refusal('ListShards', { NextToken: 'x' }).code).toBe('InvalidArgumentException');
    kinesis.clock.jump(START_MS + 300_000);
    page({ NextToken: token });
    kinesis.clock.jump(START_MS + 300_001);
    expect(kinesis.refusal('ListShards', { NextToken: token }).code).toBe('ExpiredNextTokenException');
  });

  it.each([
    ['a filter without its shard', { ShardFilter: { Type: 'AFTER_SHARD_ID' } }],
    ['a filter without its instant', { ShardFilter: { Type: 'AT_TIMESTAMP' } }],
    ['an instant where none belongs', { ShardFilter: { Type: 'AT_LATEST', Timestamp: 1 } }],
    ['a shard where none belongs', { ShardFilter: { Type: 'AT_LATEST', ShardId: id(0) } }],
    ['an unknown filter', { ShardFilter: { Type: 'ODD' } }],
    ['another creation instant', { StreamCreationTimestamp: 1 }],
    ['no page size', { MaxResults: 0 }],
  ])('refuses %s', (_, more) => {
    const { refusal } = startWith(1);

    expect(refusal('ListShards', { StreamName: stream, ...more }).code).toMatch(
      /^(InvalidArgument|Validation)Exception$/,
    );
  });
});
