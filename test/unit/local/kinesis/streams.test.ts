import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { START_MS, startKinesis } from './kinesis-under-test.ts';

const stream = { StreamName: 'market-events' };
const arn = 'arn:aws:kinesis:us-east-1:000000000000:stream/market-events';

describe('CreateStream', () => {
  it('makes an active stream of equal shards', () => {
    const { call } = startKinesis();

    call('CreateStream', { ...stream, ShardCount: 2, Tags: { stage: 'dev' } });

    expect(call('DescribeStream', stream)).toEqual({
      StreamDescription: {
        StreamName: 'market-events',
        StreamARN: arn,
        StreamStatus: 'ACTIVE',
        StreamModeDetails: { StreamMode: 'PROVISIONED' },
        StreamCreationTimestamp: START_MS / 1000,
        RetentionPeriodHours: 24,
        EnhancedMonitoring: [{ ShardLevelMetrics: [] }],
        EncryptionType: 'NONE',
        Shards: [
          {
            ShardId: 'shardId-000000000000',
            HashKeyRange: { StartingHashKey: '0', EndingHashKey: String(2n ** 127n - 1n) },
            SequenceNumberRange: { StartingSequenceNumber: expect.stringMatching(/^\d{56}$/) as string },
          },
          {
            ShardId: 'shardId-000000000001',
            HashKeyRange: { StartingHashKey: String(2n ** 127n), EndingHashKey: String(2n ** 128n - 1n) },
            SequenceNumberRange: { StartingSequenceNumber: expect.stringMatching(/^\d{56}$/) as string },
          },
        ],
        HasMoreShards: false,
      },
    });
    expect(call('ListTagsForStream', stream)).toEqual({
      Tags: [{ Key: 'stage', Value: 'dev' }],
      HasMoreTags: false,
    });
  });

  it('gives an on-demand stream four shards', () => {
    const { call, refusal } = startKinesis();
    const onDemand = { ...stream, StreamModeDetails: { StreamMode: 'ON_DEMAND' } };

    expect(refusal('CreateStream', { ...onDemand, ShardCount: 1 }).code).toBe('ValidationException');
    call('CreateStream', onDemand);

    expect(call('DescribeStreamSummary', { StreamARN: arn })).toMatchObject({
      StreamDescriptionSummary: {
        StreamModeDetails: { StreamMode: 'ON_DEMAND' },
        OpenShardCount: 4,
        ConsumerCount: 0,
      },
    });
    expect(call('DescribeLimits')).toMatchObject({ OpenShardCount: 4, OnDemandStreamCount: 1 });
  });

  it.each([
    ['a name with a space', { StreamName: 'a b', ShardCount: 1 }, 'ValidationException'],
    ['129 characters', { StreamName: 's'.repeat(129), ShardCount: 1 }, 'ValidationException'],
    ['no shards', { StreamName: 's', ShardCount: 0 }, 'ValidationException'],
    ['no shard count', { StreamName: 's' }, 'ValidationException'],
    [
      'a mode that is none',
      { StreamName: 's', StreamModeDetails: { StreamMode: 'X' } },
      'ValidationException',
    ],
    ['a record size', { StreamName: 's', ShardCount: 1, MaxRecordSizeInKiB: 2048 }, 'ValidationException'],
  ])('refuses %s', (_, input, code) => {
    const { refusal, call } = startKinesis();

    expect(refusal('CreateStream', input).code).toBe(code);
    expect(call('ListStreams')).toMatchObject({ StreamNames: [] });
  });

  it('refuses a name that is in use until the stream is deleted', () => {
    const { call, refusal } = startKinesis();
    const create = { ...stream, ShardCount: 1 };
    call('CreateStream', create);

    expect(refusal('CreateStream', create)).toMatchObject({
      code: 'ResourceInUseException',
      message: 'Stream market-events under account 000000000000 already exists.',
    });
    call('DeleteStream', stream);
    expect(refusal('DescribeStream', stream).code).toBe('ResourceNotFoundException');
    call('CreateStream', create);
  });
});

describe('streams', () => {
  it('are listed in pages by name', () => {
    const { call } = startKinesis();
    for (const StreamName of ['c', 'a', 'b']) call('CreateStream', { StreamName, ShardCount: 1 });

    const first = call('ListStreams', { Limit: 2 });
    const second = call('ListStreams', { Limit: 2, NextToken: first['NextToken'] });

    expect(first).toMatchObject({
      StreamNames: ['a', 'b'],
      HasMoreStreams: true,
      StreamSummaries: [{ StreamName: 'a', StreamStatus: 'ACTIVE' }, { StreamName: 'b' }],
    });
    expect(second).toMatchObject({ StreamNames: ['c'], HasMoreStreams: false });
    expect(call('ListStreams', { ExclusiveStartStreamName: 'a' })['StreamNames']).toEqual(['b', 'c']);
  });

  it('are described with their shards in pages', () => {
    const { call } = startKinesis();
    call('CreateStream', { ...stream, ShardCount: 3 });
    const describe_ = (more: Json): unknown => call('DescribeStream', { ...stream, ...more });

    expect(describe_({ Limit: 2 })).toMatchObject({
      StreamDescription: { HasMoreShards: true, Shards: [{}, { ShardId: 'shardId-000000000001' }] },
    });
    expect(describe_({ ExclusiveStartShardId: 'shardId-000000000001' })).toMatchObject({
      StreamDescription: { HasMoreShards: false, Shards: [{ ShardId: 'shardId-000000000002' }] },
    });
  });

  it('must be named once, by name or by ARN', () => {
    const { call, refusal } = startKinesis();
    call('CreateStream', { ...stream, ShardCount: 1 });

    call('DescribeStream', { ...stream, StreamARN: arn });
    for (const input of [{}, { StreamARN: 'x' }, { StreamName: 'other', StreamARN: arn }]) {
      expect(refusal('DescribeStream', input).code).toBe('InvalidArgumentException');
    }
  });

  it('switch shard-level metrics on and off', () => {
    const { call, refusal } = startKinesis();
    call('CreateStream', { ...stream, ShardCount: 1 });

    call('EnableEnhancedMonitoring', { ...stream, ShardLevelMetrics: ['OutgoingBytes'] });
    const enabled = call('EnableEnhancedMonitoring', { ...stream, ShardLevelMetrics: ['IncomingBytes'] });
    const disabled = call('DisableEnhancedMonitoring', { ...stream, ShardLevelMetrics: ['OutgoingBytes'] });

    expect(enabled).toMatchObject({
      StreamARN: arn,
      CurrentShardLevelMetrics: ['OutgoingBytes'],
      DesiredShardLevelMetrics: ['IncomingBytes', 'OutgoingBytes'],
    });
    expect(disabled['DesiredShardLevelMetrics']).toEqual(['IncomingBytes']);
    const all = call('EnableEnhancedMonitoring', { ...stream, ShardLevelMetrics: ['ALL'] });
    expect(all['DesiredShardLevelMetrics']).toHaveLength(7);
    expect(refusal('EnableEnhancedMonitoring', { ...stream, ShardLevelMetrics: ['Odd'] }).code).toBe(
      'ValidationException',
    );
    expect(refusal('EnableEnhancedMonitoring', { ...stream, ShardLevelMetrics: [] }).code).toBe(
      'ValidationException',
    );
  });

  it('change their mode by ARN', () => {
    const { call, refusal } = startKinesis();
    call('CreateStream', { ...stream, ShardCount: 1 });
    const StreamModeDetails = { StreamMode: 'ON_DEMAND' };

    call('UpdateStreamMode', { StreamARN: arn, StreamModeDetails });

    expect(call('DescribeStreamSummary', stream)).toMatchObject({
      StreamDescriptionSummary: { StreamModeDetails, OpenShardCount: 1 },
    });
    expect(refusal('UpdateStreamMode', { ...stream, StreamModeDetails }).code).toBe('ValidationException');
  });

  it('keep up to fifty tags, listed in pages', () => {
    const { call, refusal } = startKinesis();
    call('CreateStream', { ...stream, ShardCount: 1 });
    const tags = (count: number): object =>
      Object.fromEntries(
        Array.from({ length: count }, (_, index) => [`k${String(index).padStart(2, '0')}`, 'v']),
      );

    call('AddTagsToStream', { ...stream, Tags: tags(50) });
    expect(refusal('AddTagsToStream', { ...stream, Tags: { one: 'more' } }).code).toBe(
      'InvalidArgumentException',
    );
    call('RemoveTagsFromStream', { ...stream, TagKeys: ['k00', 'none'] });
    call('AddTagsToStream', { ...stream, Tags: { k01: 'changed' } });

    expect(call('ListTagsForStream', { ...stream, Limit: 1 })).toEqual({
      Tags: [{ Key: 'k01', Value: 'changed' }],
      HasMoreTags: true,
    });
    expect(call('ListTagsForStream', { ...stream, ExclusiveStartTagKey: 'k48' })).toEqual({
      Tags: [{ Key: 'k49', Value: 'v' }],
      HasMoreTags: false,
    });
    for (const Tags of [{ ['k'.repeat(129)]: 'v' }, { k: 'v'.repeat(257) }]) {
      expect(refusal('AddTagsToStream', { ...stream, Tags }).code).toBe('ValidationException');
    }
  });
});
