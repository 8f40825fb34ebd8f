import { beforeEach, describe, expect, it } from 'vitest';
import { HOUR_MS, openStream } from './stream-support.ts';
import type { StreamBench } from './stream-support.ts';
import { refusalOf, START_MS } from './support.ts';
import type { RecordText } from './support.ts';

let at: StreamBench;

describe('iterators', () => {
  const pks = (given: readonly RecordText[]): string[] => given.map(({ dynamodb }) => dynamodb.Keys.pk.S);
  const sequences = (): string[] => at.records().map(({ dynamodb }) => dynamodb.SequenceNumber);

  beforeEach(() => {
    at = openStream('NEW_IMAGE');
    for (const pk of ['a', 'b', 'c']) at.put(pk);
  });

  it('begin at the oldest record, at the end, at a record and after one', () => {
    const [, second] = sequences();
    const latest = at.iterator('LATEST');
    expect(pks(at.records('TRIM_HORIZON'))).toEqual(['a', 'b', 'c']);
    expect(pks(at.records('AT_SEQUENCE_NUMBER', { SequenceNumber: second }))).toEqual(['b', 'c']);
    expect(pks(at.records('AFTER_SEQUENCE_NUMBER', { SequenceNumber: second }))).toEqual(['c']);
    expect(at.read(latest).Records).toEqual([]);
    at.put('d');
    expect(pks(at.read(latest).Records)).toEqual(['d']);
  });

  it('go on from page to page, and wait at the end of an open shard', () => {
    const first = at.read(at.iterator('TRIM_HORIZON'), { Limit: 2 });
    expect(pks(first.Records)).toEqual(['a', 'b']);
    const second = at.read(first.NextShardIterator);
    expect(pks(second.Records)).toEqual(['c']);
    expect(at.read(second.NextShardIterator).Records).toEqual([]);
    at.put('d');
    expect(pks(at.read(second.NextShardIterator).Records)).toEqual(['d']);
  });

  it('last 15 minutes', () => {
    const old = at.iterator('TRIM_HORIZON');
    at.bench.clock.jump(START_MS + 15 * 60_000);
    expect(() => at.read(old)).not.toThrow();
    at.bench.clock.jump(START_MS + 15 * 60_000 + 1);
    expect(refusalOf(() => at.read(old)).code).toBe('ExpiredIteratorException');
  });

  it('do not reach records older than 24 hours', () => {
    const [first, second] = sequences();
    at.bench.clock.jump(START_MS + 24 * HOUR_MS - 1);
    const waiting = at.iterator('TRIM_HORIZON');
    expect(at.read(waiting).Records).toHaveLength(3);
    at.put('d');
    at.bench.clock.jump(START_MS + 24 * HOUR_MS);

    expect(refusalOf(() => at.read(waiting)).code).toBe('TrimmedDataAccessException');
    expect(pks(at.records())).toEqual(['d']);
    for (const [type, SequenceNumber] of [
      ['AT_SEQUENCE_NUMBER', second],
      ['AFTER_SEQUENCE_NUMBER', first],
    ] as const) {
      expect(refusalOf(() => at.iterator(type, { SequenceNumber })).code).toBe('TrimmedDataAccessException');
    }
    const source = at.bench.dynamo.source('things');
    const [shardId = ''] = source.shardIds();
    expect([source.trimHorizon(shardId), source.latest(shardId)]).toEqual([3, 4]);
    expect(source.read(shardId, 0, 10).map(({ position }) => position)).toEqual([3]);
  });

  it('go on after the last record that was trimmed', () => {
    const [, , third] = sequences();
    at.bench.clock.jump(START_MS + 24 * HOUR_MS);
    at.put('d');
    expect(pks(at.records('AFTER_SEQUENCE_NUMBER', { SequenceNumber: third }))).toEqual(['d']);
  });

  it('keep their positions when thousands of old records are forgotten', () => {
    for (let place = 0; place < 3_000; place += 1) at.put('a', { n: { N: String(place) } });
    at.bench.clock.jump(START_MS + 23 * HOUR_MS);
    at.put('fresh');
    at.bench.clock.jump(START_MS + 24 * HOUR_MS);
    at.put('last');
    const source = at.bench.dynamo.source('things');
    const [shardId = ''] = source.shardIds();
    expect([source.trimHorizon(shardId), source.latest(shardId)]).toEqual([3_003, 3_005]);
    expect(source.read(shardId, 3_004, 10).map(({ partitionKey }) => partitionKey)).toEqual(['last']);
    expect(pks(at.records())).toEqual(['fresh', 'last']);
  });

  it('answer at most 1 MB at once', () => {
    for (let place = 0; place < 4; place += 1) at.put(`large${place}`, { f: { S: 'x'.repeat(350_000) } });
    const first = at.read(at.iterator('TRIM_HORIZON'));
    expect(first.Records).toHaveLength(5);
    expect(at.read(first.NextShardIterator).Records).toHaveLength(2);
  });

  it.each([
    [() => at.read('nonsense'), 'ValidationException'],
    [() => at.read(`${at.arn()}|shard|x|1`), 'ValidationException'],
    [() => at.iterator('AT_SEQUENCE_NUMBER'), 'ValidationException'],
    [() => at.iterator('SOMEWHERE'), 'ValidationException'],
    [() => at.iterator('LATEST', { ShardId: 'shardId-none' }), 'ResourceNotFoundException'],
    [() => at.iterator('LATEST', { StreamArn: 'arn:none' }), 'ResourceNotFoundException'],
    [() => at.bench.stream('DescribeStream', { StreamArn: 'arn:none' }), 'ResourceNotFoundException'],
  ])('are refused when they make no sense', (act, code) => {
    expect(refusalOf(act).code).toBe(code);
  });
});
