import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench, START_MS } from './support.ts';
import type { Answer, Bench } from './support.ts';

let bench: Bench;
const nowSeconds = START_MS / 1_000;

const enable = (Enabled: boolean, AttributeName = 'expiresAt'): Answer =>
  bench.call('UpdateTimeToLive', {
    TableName: 'things',
    TimeToLiveSpecification: { AttributeName, Enabled },
  });
const put = (pk: string, attributes: Json = {}): void => {
  bench.call('PutItem', { TableName: 'things', Item: { ...key(pk), ...attributes } });
};
const expires = (seconds: number): Json => ({ expiresAt: { N: String(nowSeconds + seconds) } });
const pks = (): string[] =>
  bench
    .call('Scan', { TableName: 'things' })
    .Items.map((item) => item.pk.S)
    .sort();

beforeEach(() => {
  bench = openBench({ streamShardCount: 1 });
  createTable(bench, { StreamSpecification: { StreamEnabled: true, StreamViewType: 'OLD_IMAGE' } });
});

describe('time to live', () => {
  it('deletes an item once its second has passed, not before', () => {
    enable(true);
    put('p', expires(10));
    expect(bench.dynamo.nextTtlMs()).toBe(START_MS + 11_000);
    bench.clock.jump(START_MS + 10_999);
    expect(bench.dynamo.sweepTtl()).toBe(0);
    bench.clock.jump(START_MS + 11_000);
    expect(bench.dynamo.sweepTtl()).toBe(1);
    expect(pks()).toEqual([]);
    expect(bench.dynamo.nextTtlMs()).toBeUndefined();
  });

  it('leaves alone what has no expiry, no number, or one more than five years back', () => {
    enable(true);
    put('none');
    put('text', { expiresAt: { S: '0' } });
    put('future', expires(1));
    put('ancient', expires(-5 * 365 * 86_400 - 1));
    put('old', expires(-5 * 365 * 86_400));
    put('past', expires(-1));
    expect(bench.dynamo.sweepTtl()).toBe(2);
    expect(pks()).toEqual(['ancient', 'future', 'none', 'text']);
  });

  it('follows an expiry that is put off or taken away', () => {
    enable(true);
    put('a', expires(1));
    put('b', expires(1));
    put('a', expires(100));
    put('b');
    bench.clock.jump(START_MS + 50_000);
    expect(bench.dynamo.sweepTtl()).toBe(0);
    expect(bench.dynamo.nextTtlMs()).toBe(START_MS + 101_000);
  });

  it('counts items stored before it was switched on, and none once it is off', () => {
    put('p', expires(-1));
    expect(bench.dynamo.sweepTtl()).toBe(0);
    enable(true);
    enable(false);
    expect(bench.dynamo.sweepTtl()).toBe(0);
    enable(true);
    expect(bench.dynamo.sweepTtl()).toBe(1);
  });

  it('signs its deletions in the stream, which a deletion by hand is not', () => {
    enable(true);
    put('p', expires(-1));
    put('q');
    bench.dynamo.sweepTtl();
    bench.call('DeleteItem', { TableName: 'things', Key: key('q') });
    const source = bench.dynamo.source('things');
    const [shardId = ''] = source.shardIds();
    const iterator = bench.stream('GetShardIterator', {
      StreamArn: source.arn,
      ShardId: shardId,
      ShardIteratorType: 'TRIM_HORIZON',
    });
    const [, , expiry, removal] = bench.stream('GetRecords', iterator).Records;
    expect(expiry).toMatchObject({
      eventName: 'REMOVE',
      userIdentity: { Type: 'Service', PrincipalId: 'dynamodb.amazonaws.com' },
      dynamodb: { Keys: key('p'), OldImage: { pk: { S: 'p' } } },
    });
    expect(removal).not.toHaveProperty('userIdentity');
    expect(source.read(shardId, 2, 1)[0]?.event['userIdentity']).toEqual({
      type: 'Service',
      principalId: 'dynamodb.amazonaws.com',
    });
  });

  it('is described, and refuses to be switched to what it is', () => {
    const status = () => bench.call('DescribeTimeToLive', { TableName: 'things' }).TimeToLiveDescription;
    expect(status()).toEqual({ TimeToLiveStatus: 'DISABLED' });
    expect(invalidity(() => enable(false))).toBe('TimeToLive is already disabled');
    enable(true);
    expect(status()).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'expiresAt' });
    expect(invalidity(() => enable(true))).toBe('TimeToLive is already enabled');
    expect(invalidity(() => enable(false, 'another'))).toBe(
      'TimeToLive is active on a different AttributeName',
    );
  });
});
