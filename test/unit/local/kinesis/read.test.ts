import { describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import type { KinesisUnderTest } from './kinesis-under-test.ts';
import { list, plain, START_MS, startKinesis } from './kinesis-under-test.ts';

const stream = 'market-events';
const shard = { StreamName: stream, ShardId: 'shardId-000000000000' };
const HOUR_MS = 3_600_000;

/** Three records, one a second. */
const startWithRecords = (): KinesisUnderTest & { readonly sequences: readonly string[] } => {
  const kinesis = startKinesis();
  kinesis.call('CreateStream', { StreamName: stream, ShardCount: 1 });
  const sequences = ['one', 'two', 'three'].map((text, second) => {
    kinesis.clock.jump(START_MS + second * 1000);
    return String(kinesis.put(stream, 'k', text)['SequenceNumber']);
  });
  return { ...kinesis, sequences };
};

const iteratorOf = ({ call }: KinesisUnderTest, more: Json): unknown =>
  call('GetShardIterator', { ...shard, ...more })['ShardIterator'];

describe('GetShardIterator', () => {
  it.each([
    ['TRIM_HORIZON', {}, ['one', 'two', 'three']],
    ['LATEST', {}, []],
    ['AT_TIMESTAMP', { Timestamp: START_MS / 1000 + 1 }, ['two', 'three']],
    ['AT_TIMESTAMP', { Timestamp: START_MS / 1000 + 1.001 }, ['three']],
    ['AT_TIMESTAMP', { Timestamp: 0 }, ['one', 'two', 'three']],
    ['AT_TIMESTAMP', { Timestamp: START_MS / 1000 + 2 }, ['three']],
  ])('begins at %s %o', (ShardIteratorType, more, expected) => {
    const { drain } = startWithRecords();

    expect(drain({ ...shard, ShardIteratorType, ...more })).toEqual(expected);
  });

  it('begins at or after a sequence number', () => {
    const { drain, sequences } = startWithRecords();
    const from = (ShardIteratorType: string, index: number): readonly string[] =>
      drain({ ...shard, ShardIteratorType, StartingSequenceNumber: sequences[index] });

    expect(from('AT_SEQUENCE_NUMBER', 1)).toEqual(['two', 'three']);
    expect(from('AFTER_SEQUENCE_NUMBER', 1)).toEqual(['three']);
    expect(from('AT_SEQUENCE_NUMBER', 2)).toEqual(['three']);
    expect(from('AFTER_SEQUENCE_NUMBER', 2)).toEqual([]);
  });

  it('at the latest place sees what is put after it was given', () => {
    const kinesis = startWithRecords();
    const ShardIterator = iteratorOf(kinesis, { ShardIteratorType: 'LATEST' });

    kinesis.put(stream, 'k', 'four');

    const { Records } = kinesis.call('GetRecords', { ShardIterator });
    expect((Records as readonly Json[]).map((record) => plain(record['Data']))).toEqual(['four']);
  });

  it.each([
    ['an unknown type', { ShardIteratorType: 'MIDDLE' }, 'ValidationException'],
    ['no type', {}, 'ValidationException'],
    ['no timestamp', { ShardIteratorType: 'AT_TIMESTAMP' }, 'InvalidArgumentException'],
    [
      'a timestamp of the future',
      { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: START_MS / 1000 + 2.001 },
      'InvalidArgumentException',
    ],
    ['no sequence number', { ShardIteratorType: 'AT_SEQUENCE_NUMBER' }, 'InvalidArgumentException'],
    [
      'a sequence number that was never given',
      { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: '9'.repeat(56) },
      'InvalidArgumentException',
    ],
    [
      'a sequence number that is none',
      { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: 'x' },
      'ValidationException',
    ],
    [
      'a sequence number where none belongs',
      { ShardIteratorType: 'LATEST', StartingSequenceNumber: '1' },
      'InvalidArgumentException',
    ],
    [
      'an unknown shard',
      { ShardIteratorType: 'LATEST', ShardId: 'shardId-000000000009' },
      'ResourceNotFoundException',
    ],
  ])('refuses %s', (_, more, code) => {
    const { refusal } = startWithRecords();

    expect(refusal('GetShardIterator', { ...shard, ...more }).code).toBe(code);
  });
});

describe('GetRecords', () => {
  it('pages by limit and says how far behind it is', () => {
    const { call, clock, ...kinesis } = startWithRecords();
    clock.jump(START_MS + 5000);
    const read = (ShardIterator: unknown, Limit: number): Json =>
      call('GetRecords', { ShardIterator, Limit });

    const first = read(iteratorOf({ call, clock, ...kinesis }, { ShardIteratorType: 'TRIM_HORIZON' }), 2);
    const second = read(first['NextShardIterator'], 1);

    expect(list(first, 'Records')).toHaveLength(2);
    expect(first['MillisBehindLatest']).toBe(3000);
    expect(list(second, 'Records').map((record) => plain(record['Data']))).toEqual(['three']);
    expect(second['MillisBehindLatest']).toBe(0);
    expect(second['NextShardIterator']).toEqual(expect.any(String));
  });

  it('is behind as long as there is a record, also one of this very instant', () => {
    const { call, ...kinesis } = startWithRecords();

    const answer = call('GetRecords', {
      ShardIterator: iteratorOf({ call, ...kinesis }, { ShardIteratorType: 'TRIM_HORIZON' }),
      Limit: 2,
    });

    expect(answer['MillisBehindLatest']).toBe(1);
  });

  it('returns at most 10,000 records, and takes no higher limit', () => {
    const kinesis = startKinesis({ throttle: false });
    kinesis.call('CreateStream', { StreamName: stream, ShardCount: 1 });
    const Records = Array.from({ length: 500 }, () => ({ PartitionKey: 'k', Data: '' }));
    for (let batch = 0; batch < 21; batch++) kinesis.call('PutRecords', { StreamName: stream, Records });
    const ShardIterator = iteratorOf(kinesis, { ShardIteratorType: 'TRIM_HORIZON' });

    expect(list(kinesis.call('GetRecords', { ShardIterator }), 'Records')).toHaveLength(10_000);
    for (const Limit of [0, 10_001]) {
      expect(kinesis.refusal('GetRecords', { ShardIterator, Limit }).code).toBe('ValidationException');
    }
  });

  it('returns at most 10 MiB', () => {
    const kinesis = startKinesis({ throttle: false });
    kinesis.call('CreateStream', { StreamName: stream, ShardCount: 1 });
    const Data = Buffer.alloc(1_048_575).toString('base64');
    for (let count = 0; count < 11; count++)
      kinesis.call('PutRecord', { StreamName: stream, PartitionKey: 'k', Data });
    const first = kinesis.call('GetRecords', {
      ShardIterator: iteratorOf(kinesis, { ShardIteratorType: 'TRIM_HORIZON' }),
    });

    const second = kinesis.call('GetRecords', { ShardIterator: first['NextShardIterator'] });

    expect([first, second].map((answer) => list(answer, 'Records').length)).toEqual([10, 1]);
  });

  it('accepts an iterator for five minutes', () => {
    const kinesis = startWithRecords();
    const ShardIterator = iteratorOf(kinesis, { ShardIteratorType: 'TRIM_HORIZON' });
    const givenAtMs = kinesis.clock.nowMs();

    kinesis.clock.jump(givenAtMs + 300_000);
    kinesis.call('GetRecords', { ShardIterator });
    kinesis.clock.jump(givenAtMs + 300_001);
    expect(kinesis.refusal('GetRecords', { ShardIterator }).code).toBe('ExpiredIteratorException');
  });

  it('refuses an iterator that is none, and one of a stream that is gone or another by now', () => {
    const kinesis = startWithRecords();
    const ShardIterator = iteratorOf(kinesis, { ShardIteratorType: 'TRIM_HORIZON' });

    for (const wrong of ['x', Buffer.from('[1,2,3,4,5]').toString('base64')]) {
      expect(kinesis.refusal('GetRecords', { ShardIterator: wrong }).code).toBe('InvalidArgumentException');
    }
    kinesis.call('DeleteStream', { StreamName: stream });
    expect(kinesis.refusal('GetRecords', { ShardIterator }).code).toBe('ResourceNotFoundException');
    kinesis.call('CreateStream', { StreamName: stream, ShardCount: 1 });
    expect(kinesis.refusal('GetRecords', { ShardIterator }).code).toBe('InvalidArgumentException');
  });

  it('grants a shard five reads a second', () => {
    const kinesis = startWithRecords();
    const ShardIterator = iteratorOf(kinesis, { ShardIteratorType: 'LATEST' });
    for (let read = 0; read < 5; read++) kinesis.call('GetRecords', { ShardIterator });
    const startMs = kinesis.clock.nowMs();

    kinesis.clock.jump(startMs + 199);
    expect(kinesis.refusal('GetRecords', { ShardIterator }).code).toBe(
      'ProvisionedThroughputExceededException',
    );
    kinesis.clock.jump(startMs + 200);
    kinesis.call('GetRecords', { ShardIterator });
  });

  it('closes a shard for five seconds after 10 MiB, which are 2 MiB a second', () => {
    const kinesis = startKinesis();
    kinesis.call('CreateStream', { StreamName: stream, ShardCount: 1 });
    const Data = Buffer.alloc(1_048_575).toString('base64');
    for (let second = 0; second < 10; second++) {
      kinesis.clock.jump(START_MS + second * 1000);
      kinesis.call('PutRecord', { StreamName: stream, PartitionKey: 'k', Data });
    }
    const ShardIterator = iteratorOf(kinesis, { ShardIteratorType: 'TRIM_HORIZON' });
    expect(list(kinesis.call('GetRecords', { ShardIterator }), 'Records')).toHaveLength(10);
    const startMs = kinesis.clock.nowMs();

    kinesis.clock.jump(startMs + 5000);
    expect(kinesis.refusal('GetRecords', { ShardIterator }).code).toBe(
      'ProvisionedThroughputExceededException',
    );
    kinesis.clock.jump(startMs + 5001);
    kinesis.call('GetRecords', { ShardIterator });
  });
});

describe('retention', () => {
  it('keeps records for 24 hours and not longer', () => {
    const { clock, drain } = startWithRecords();

    clock.jump(START_MS + 24 * HOUR_MS);
    expect(drain({ ...shard, ShardIteratorType: 'TRIM_HORIZON' })).toEqual(['one', 'two', 'three']);
    clock.jump(START_MS + 24 * HOUR_MS + 1);
    expect(drain({ ...shard, ShardIteratorType: 'TRIM_HORIZON' })).toEqual(['two', 'three']);
  });

  it('moves an iterator that points to trimmed records to the oldest one kept', () => {
    const kinesis = startWithRecords();
    kinesis.clock.jump(START_MS + 24 * HOUR_MS);
    const ShardIterator = iteratorOf(kinesis, { ShardIteratorType: 'TRIM_HORIZON' });

    kinesis.clock.jump(START_MS + 24 * HOUR_MS + 1001);

    const { Records } = kinesis.call('GetRecords', { ShardIterator });
    expect((Records as readonly Json[]).map((record) => plain(record['Data']))).toEqual(['three']);
  });

  it('brings nothing back when it is increased after a trim', () => {
    const { clock, call, drain } = startWithRecords();
    clock.jump(START_MS + 24 * HOUR_MS + 1);

    call('IncreaseStreamRetentionPeriod', { StreamName: stream, RetentionPeriodHours: 48 });

    expect(drain({ ...shard, ShardIteratorType: 'TRIM_HORIZON' })).toEqual(['two', 'three']);
    clock.jump(START_MS + 48 * HOUR_MS + 1000);
    expect(drain({ ...shard, ShardIteratorType: 'TRIM_HORIZON' })).toEqual(['two', 'three']);
    call('DecreaseStreamRetentionPeriod', { StreamName: stream, RetentionPeriodHours: 24 });
    expect(drain({ ...shard, ShardIteratorType: 'TRIM_HORIZON' })).toEqual([]);
  });

  it('is between 24 and 8,760 hours and changed by the operation that fits', () => {
    const { call, refusal } = startWithRecords();
    const hours = (RetentionPeriodHours: number): Json => ({ StreamName: stream, RetentionPeriodHours });

    expect(refusal('DecreaseStreamRetentionPeriod', hours(23)).message).toContain('too short');
    expect(refusal('IncreaseStreamRetentionPeriod', hours(8761)).message).toContain('too long');
    call('IncreaseStreamRetentionPeriod', hours(8760));
    expect(refusal('IncreaseStreamRetentionPeriod', hours(24)).message).toContain('Use DecreaseRetention');
    call('DecreaseStreamRetentionPeriod', hours(24));
    expect(refusal('DecreaseStreamRetentionPeriod', hours(48)).message).toContain('Use IncreaseRetention');
  });
});
