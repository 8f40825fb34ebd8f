import { describe, expect, it } from 'vitest';
import { list, START_MS, startKinesis } from './kinesis-under-test.ts';

const stream = 'market-events';
const oneShard = { StreamName: stream, ShardCount: 1 };
const horizon = { StreamName: stream, ShardId: 'shardId-000000000000', ShardIteratorType: 'TRIM_HORIZON' };
const bytes = (count: number): string => Buffer.alloc(count, 'x').toString('base64');

describe('throttling', () => {
  const record = (size: number): object => ({ PartitionKey: 'k', Data: bytes(size) });

  it('grants a shard 1,000 records a second', () => {
    const { call, put, refusal, clock } = startKinesis();
    call('CreateStream', oneShard);
    for (let count = 0; count < 1000; count++) put(stream, 'k', 'x');
    const again = { StreamName: stream, PartitionKey: 'k', Data: '' };

    expect(refusal('PutRecord', again).code).toBe('ProvisionedThroughputExceededException');
    clock.jump(START_MS + 1);
    call('PutRecord', again);
    expect(refusal('PutRecord', again).code).toBe('ProvisionedThroughputExceededException');
  });

  it('grants a shard 1 MiB a second', () => {
    const { call, refusal, clock } = startKinesis();
    call('CreateStream', oneShard);
    call('PutRecord', { StreamName: stream, ...record(1_048_575) });

    expect(refusal('PutRecord', { StreamName: stream, ...record(99) }).code).toBe(
      'ProvisionedThroughputExceededException',
    );
    clock.jump(START_MS + 1);
    call('PutRecord', { StreamName: stream, ...record(99) });
  });

  it('reports throttled records of a batch one by one and takes later ones that still fit', () => {
    const { call, drain } = startKinesis();
    call('CreateStream', oneShard);

    const answer = call('PutRecords', {
      StreamName: stream,
      Records: [record(1_000_000), record(500_000), record(40_000)],
    });

    expect(answer).toMatchObject({
      FailedRecordCount: 1,
      Records: [
        { ShardId: 'shardId-000000000000' },
        { ErrorCode: 'ProvisionedThroughputExceededException' },
        { ShardId: 'shardId-000000000000' },
      ],
    });
    expect(list(answer, 'Records')[1]?.['ErrorMessage']).toBe(
      'Rate exceeded for shard shardId-000000000000 in stream market-events under account 000000000000.',
    );
    expect(drain(horizon).map((data) => data.length)).toEqual([1_000_000, 40_000]);
  });

  it('charges each shard on its own', () => {
    const { call } = startKinesis();
    call('CreateStream', { StreamName: stream, ShardCount: 2 });
    const big = { Data: bytes(1_000_000), PartitionKey: 'k' };

    const answer = call('PutRecords', {
      StreamName: stream,
      Records: [
        { ...big, ExplicitHashKey: '0' },
        { ...big, ExplicitHashKey: '0' },
        { ...big, ExplicitHashKey: String(2n ** 127n) },
      ],
    });

    expect(list(answer, 'Records').map((item) => item['ShardId'])).toEqual([
      'shardId-000000000000',
      undefined,
      'shardId-000000000001',
    ]);
  });

  it('grants everything when it is switched off', () => {
    const { call } = startKinesis({ throttle: false });
    call('CreateStream', oneShard);

    const answers = Array.from({ length: 3 }, () =>
      call('PutRecords', { StreamName: stream, Records: Array.from({ length: 500 }, () => record(1)) }),
    );

    expect(answers.map((answer) => answer['FailedRecordCount'])).toEqual([0, 0, 0]);
  });
});
