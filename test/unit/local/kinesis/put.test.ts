import { describe, expect, it } from 'vitest';
import { base64, list, plain, START_MS, startKinesis } from './kinesis-under-test.ts';

const stream = 'market-events';
const oneShard = { StreamName: stream, ShardCount: 1 };
const horizon = { StreamName: stream, ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' };
const bytes = (count: number): string => Buffer.alloc(count, 'x').toString('base64');

describe('PutRecord', () => {
  it('answers shard and a growing sequence number, and keeps the data as given', () => {
    const { call, put } = startKinesis();
    call('CreateStream', oneShard);

    const first = put(stream, 'binance|BTC|trade', 'one');
    const second = put(stream, 'binance|BTC|trade', 'two');

    expect(first['ShardId']).toBe('shardId-000000000000');
    expect(first['SequenceNumber']).toMatch(/^[1-9]\d{55}$/);
    expect(BigInt(String(second['SequenceNumber']))).toBeGreaterThan(BigInt(String(first['SequenceNumber'])));
    const { ShardIterator } = call('GetShardIterator', horizon);
    expect(call('GetRecords', { ShardIterator })).toMatchObject({
      Records: [
        {
          Data: base64('one'),
          PartitionKey: 'binance|BTC|trade',
          SequenceNumber: first['SequenceNumber'],
          ApproximateArrivalTimestamp: START_MS / 1000,
        },
        { Data: base64('two') },
      ],
      MillisBehindLatest: 0,
    });
  });

  it('takes 1,048,576 bytes of data and key, and refuses one more', () => {
    const { call, refusal } = startKinesis({ throttle: false });
    call('CreateStream', oneShard);
    const put = { StreamName: stream, PartitionKey: 'key' };

    call('PutRecord', { ...put, Data: bytes(1_048_573) });
    const together = refusal('PutRecord', { ...put, Data: bytes(1_048_574) });
    const alone = refusal('PutRecord', { ...put, Data: bytes(1_048_577) });

    expect(together.code).toBe('InvalidArgumentException');
    expect(together.message).toContain('at most 1048576');
    expect(alone.code).toBe('ValidationException');
    expect(alone.message).toContain(
      "'data' failed to satisfy constraint: Member must have length less than or equal to 1048576",
    );
  });

  it('takes partition keys of 1 to 256 characters', () => {
    const { put, call, refusal } = startKinesis();
    call('CreateStream', oneShard);

    put(stream, 'k'.repeat(256), 'x');

    for (const PartitionKey of ['', 'k'.repeat(257)]) {
      const error = refusal('PutRecord', { StreamName: stream, PartitionKey, Data: base64('x') });
      expect(error.code).toBe('ValidationException');
      expect(error.message).toContain("'partitionKey'");
    }
  });

  it('routes by the MD5 of the partition key, or by the explicit hash key instead', () => {
    const { call, refusal } = startKinesis();
    call('CreateStream', { StreamName: stream, ShardCount: 4 });
    const put = (more: object): unknown =>
      call('PutRecord', { StreamName: stream, Data: base64('x'), PartitionKey: 'a', ...more })['ShardId'];

    // md5('a') begins with 0c, md5('c') with 4a, md5('b') with 92, md5('e') with e1.
    expect(['a', 'c', 'b', 'e'].map((PartitionKey) => put({ PartitionKey }))).toEqual([
      'shardId-000000000000',
      'shardId-000000000001',
      'shardId-000000000002',
      'shardId-000000000003',
    ]);
    expect(put({ ExplicitHashKey: String(2n ** 128n - 1n) })).toBe('shardId-000000000003');
    expect(put({ ExplicitHashKey: String(2n ** 126n) })).toBe('shardId-000000000001');
    expect(put({ ExplicitHashKey: String(2n ** 126n - 1n) })).toBe('shardId-000000000000');
    expect(
      refusal('PutRecord', {
        StreamName: stream,
        Data: '',
        PartitionKey: 'a',
        ExplicitHashKey: String(2n ** 128n),
      }).code,
    ).toBe('InvalidArgumentException');
  });

  it('accepts a sequence number for ordering unless it lies in the future', () => {
    const { call, put, refusal } = startKinesis();
    call('CreateStream', oneShard);
    const first = String(put(stream, 'k', 'one')['SequenceNumber']);
    const next = { StreamName: stream, PartitionKey: 'k', Data: base64('two') };

    const second = call('PutRecord', { ...next, SequenceNumberForOrdering: first });

    expect(String(second['SequenceNumber']) > first).toBe(true);
    const future = String(BigInt(first) + 1000n);
    expect(refusal('PutRecord', { ...next, SequenceNumberForOrdering: future }).code).toBe(
      'InvalidArgumentException',
    );
    expect(refusal('PutRecord', { ...next, SequenceNumberForOrdering: 'x' }).code).toBe(
      'ValidationException',
    );
  });

  it.each([
    ['data that is no base64', { PartitionKey: 'k', Data: '###' }, 'SerializationException'],
    ['no data', { PartitionKey: 'k' }, 'ValidationException'],
    ['no partition key', { Data: '' }, 'ValidationException'],
    ['a numeric partition key', { Data: '', PartitionKey: 7 }, 'SerializationException'],
  ])('refuses %s', (_, input, code) => {
    const { call, refusal } = startKinesis();
    call('CreateStream', oneShard);

    expect(refusal('PutRecord', { StreamName: stream, ...input }).code).toBe(code);
  });

  it('refuses an unknown stream, named or by ARN', () => {
    const { refusal } = startKinesis();
    const record = { PartitionKey: 'k', Data: '' };

    expect(refusal('PutRecord', { StreamName: 'none', ...record })).toMatchObject({
      code: 'ResourceNotFoundException',
      message: 'Stream none under account 000000000000 not found.',
    });
    expect(
      refusal('PutRecord', {
        StreamARN: 'arn:aws:kinesis:us-east-1:000000000000:stream/none',
        ...record,
      }).code,
    ).toBe('ResourceNotFoundException');
    expect(refusal('PutRecord', record).code).toBe('InvalidArgumentException');
  });
});

describe('PutRecords', () => {
  const records = (count: number, size = 1): readonly object[] =>
    Array.from({ length: count }, () => ({ PartitionKey: 'k', Data: bytes(size) }));

  it('takes 1 to 500 records', () => {
    const { call, refusal } = startKinesis();
    call('CreateStream', oneShard);

    call('PutRecords', { StreamName: stream, Records: records(500) });

    for (const count of [0, 501]) {
      const error = refusal('PutRecords', { StreamName: stream, Records: records(count) });
      expect(error.code).toBe('ValidationException');
      expect(error.message).toContain("'records'");
    }
  });

  it('takes 5 MiB of data and keys, and refuses one byte more', () => {
    const { call, refusal } = startKinesis({ throttle: false });
    call('CreateStream', oneShard);
    const full = records(5, 1_048_575);

    expect(call('PutRecords', { StreamName: stream, Records: full })['FailedRecordCount']).toBe(0);
    const error = refusal('PutRecords', {
      StreamName: stream,
      Records: [...full, { PartitionKey: 'k', Data: '' }],
    });
    expect(error.code).toBe('InvalidArgumentException');
    expect(error.message).toContain('5 MB');
  });

  it('refuses the whole request for one malformed record and names it', () => {
    const { call, refusal, drain } = startKinesis();
    call('CreateStream', oneShard);

    const error = refusal('PutRecords', {
      StreamName: stream,
      Records: [...records(1), { PartitionKey: 'k'.repeat(257), Data: '' }],
    });

    expect(error.message).toContain("'records.2.member.partitionKey'");
    expect(drain(horizon)).toEqual([]);
  });

  it('keeps the order of the request and tells watchers once per shard', () => {
    const { call, drain, kinesis } = startKinesis();
    call('CreateStream', oneShard);
    const seen: string[] = [];
    kinesis.source(stream).watch((shardId) => seen.push(shardId));

    call('PutRecords', {
      StreamName: stream,
      Records: ['1', '2', '3'].map((text) => ({ PartitionKey: text, Data: base64(text) })),
    });

    expect(drain(horizon)).toEqual(['1', '2', '3']);
    expect(seen).toEqual(['shardId-000000000000']);
  });
});

describe('encryption', () => {
  it('marks the records put while it is on', () => {
    const { call, put } = startKinesis();
    call('CreateStream', oneShard);
    const key = { StreamName: stream, EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' };
    put(stream, 'k', 'before');

    call('StartStreamEncryption', key);
    const during = put(stream, 'k', 'during');
    const description = call('DescribeStreamSummary', { StreamName: stream });
    call('StopStreamEncryption', key);
    put(stream, 'k', 'after');

    expect(during['EncryptionType']).toBe('KMS');
    expect(description).toMatchObject({
      StreamDescriptionSummary: { EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' },
    });
    const { ShardIterator } = call('GetShardIterator', horizon);
    expect(
      list(call('GetRecords', { ShardIterator }), 'Records').map((record) => [
        plain(record['Data']),
        record['EncryptionType'],
      ]),
    ).toEqual([
      ['before', undefined],
      ['during', 'KMS'],
      ['after', undefined],
    ]);
  });
});
