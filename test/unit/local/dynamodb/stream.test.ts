import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { createTable, invalidity, key, openBench, refusalOf, START_MS } from './support.ts';
import type { Answer, Bench, RecordText } from './support.ts';

const HOUR_MS = 3_600_000;

let bench: Bench;

const open = (view: string, streamShardCount = 1): void => {
  bench = openBench({ streamShardCount });
  createTable(bench, { StreamSpecification: { StreamEnabled: true, StreamViewType: view } });
};
const arn = (): string => bench.call('DescribeTable', { TableName: 'things' }).Table.LatestStreamArn;
const shards = () => bench.stream('DescribeStream', { StreamArn: arn() }).StreamDescription.Shards;
const iterator = (type: string, extra: Json = {}): string =>
  bench.stream('GetShardIterator', {
    StreamArn: arn(),
    ShardId: shards()[0]?.ShardId,
    ShardIteratorType: type,
    ...extra,
  }).ShardIterator;
const read = (ShardIterator: string, extra: Json = {}): Answer =>
  bench.stream('GetRecords', { ShardIterator, ...extra });
const records = (type = 'TRIM_HORIZON', extra: Json = {}) => read(iterator(type, extra)).Records;
const put = (pk: string, attributes: Json = {}): Answer =>
  bench.call('PutItem', { TableName: 'things', Item: { ...key(pk), ...attributes } });
const remove = (pk: string): Answer => bench.call('DeleteItem', { TableName: 'things', Key: key(pk) });

describe('records', () => {
  beforeEach(() => {
    open('NEW_AND_OLD_IMAGES');
  });

  it('are one for each change, in the shape of the service', () => {
    bench.clock.jump(START_MS + 1_500);
    put('p', { n: { N: '1' } });
    put('p', { n: { N: '2' } });
    remove('p');

    const [insert, modify, removal] = records();
    expect(insert).toEqual({
      eventID: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      eventName: 'INSERT',
      eventVersion: '1.1',
      eventSource: 'aws:dynamodb',
      awsRegion: 'us-east-1',
      dynamodb: {
        ApproximateCreationDateTime: START_MS / 1_000 + 1,
        Keys: key('p'),
        NewImage: { ...key('p'), n: { N: '1' } },
        SequenceNumber: expect.stringMatching(/^[0-9]{21}$/) as string,
        SizeBytes: 15,
        StreamViewType: 'NEW_AND_OLD_IMAGES',
      },
    });
    expect(modify).toMatchObject({
      eventName: 'MODIFY',
      dynamodb: { OldImage: { n: { N: '1' } }, NewImage: { n: { N: '2' } } },
    });
    expect(removal).toMatchObject({ eventName: 'REMOVE', dynamodb: { OldImage: { n: { N: '2' } } } });
    expect(removal?.dynamodb).not.toHaveProperty('NewImage');
    expect(new Set([insert, modify, removal].map((record) => record?.eventID)).size).toBe(3);
  });

  it('do not arise from writes that change nothing', () => {
    put('p', { s: { SS: ['a', 'b'] } });
    put('p', { s: { SS: ['b', 'a'] } });
    bench.call('UpdateItem', { TableName: 'things', Key: key('p'), UpdateExpression: 'REMOVE absent' });
    remove('q');
    expect(records()).toHaveLength(1);
  });

  it('have growing sequence numbers over all tables', () => {
    createTable(bench, {
      TableName: 'others',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
    });
    put('a');
    bench.call('PutItem', { TableName: 'others', Item: key('b') });
    put('c');
    const others = bench.dynamo.source('others');
    const [middle] = others.read(others.shardIds()[0] ?? '', 0, 10);
    const [first, last] = records().map(({ dynamodb }) => dynamodb.SequenceNumber);
    expect([first, middle?.sequenceNumber, last]).toEqual([first, middle?.sequenceNumber, last].sort());
  });
});

describe('views', () => {
  it.each([
    ['KEYS_ONLY', false, false],
    ['NEW_IMAGE', true, false],
    ['OLD_IMAGE', false, true],
    ['NEW_AND_OLD_IMAGES', true, true],
  ])('%s', (view, hasNew, hasOld) => {
    open(view);
    put('p', { n: { N: '1' } });
    put('p', { n: { N: '2' } });
    const dynamodb = records()[1]?.dynamodb ?? {};
    expect(dynamodb).toMatchObject({ Keys: key('p'), StreamViewType: view });
    expect(['NewImage' in dynamodb, 'OldImage' in dynamodb]).toEqual([hasNew, hasOld]);
  });
});

describe('shards', () => {
  it('are four unless told otherwise, open, and keep the order of each key', () => {
    bench = openBench();
    createTable(bench, { StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' } });
    expect(shards()).toHaveLength(4);
    for (const { SequenceNumberRange } of shards()) {
      expect(SequenceNumberRange).toHaveProperty('StartingSequenceNumber');
      expect(SequenceNumberRange).not.toHaveProperty('EndingSequenceNumber');
    }
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(6), fc.nat(1_000)), { maxLength: 50 }), (writes) => {
        for (const [pk, n] of writes) put(`p${pk}`, { n: { N: String(n) } });
      }),
      { numRuns: 10 },
    );
    const source = bench.dynamo.source('things');
    const home = new Map<string, string>();
    for (const shardId of source.shardIds()) {
      const all = source.read(shardId, 0, 100_000);
      expect(all.map(({ position }) => position)).toEqual(all.map((_, place) => place));
      const numbers = all.map(({ sequenceNumber }) => sequenceNumber);
      expect(numbers).toEqual([...numbers].sort());
      for (const { partitionKey } of all) {
        expect(home.get(partitionKey) ?? shardId).toBe(shardId);
        home.set(partitionKey, shardId);
      }
    }
    expect(home.size).toBe(7);
  });

  it('are listed page by page', () => {
    open('KEYS_ONLY', 3);
    const page = bench.stream('DescribeStream', { StreamArn: arn(), Limit: 2 }).StreamDescription;
    expect(page.Shards).toHaveLength(2);
    const rest = bench.stream('DescribeStream', {
      StreamArn: arn(),
      ExclusiveStartShardId: page.LastEvaluatedShardId,
    }).StreamDescription;
    expect(rest.Shards).toHaveLength(1);
    expect(rest).not.toHaveProperty('LastEvaluatedShardId');
  });
});

describe('iterators', () => {
  const pks = (given: readonly RecordText[]): string[] => given.map(({ dynamodb }) => dynamodb.Keys.pk.S);
  const sequences = (): string[] => records().map(({ dynamodb }) => dynamodb.SequenceNumber);

  beforeEach(() => {
    open('NEW_IMAGE');
    for (const pk of ['a', 'b', 'c']) put(pk);
  });

  it('begin at the oldest record, at the end, at a record and after one', () => {
    const [, second] = sequences();
    const latest = iterator('LATEST');
    expect(pks(records('TRIM_HORIZON'))).toEqual(['a', 'b', 'c']);
    expect(pks(records('AT_SEQUENCE_NUMBER', { SequenceNumber: second }))).toEqual(['b', 'c']);
    expect(pks(records('AFTER_SEQUENCE_NUMBER', { SequenceNumber: second }))).toEqual(['c']);
    expect(read(latest).Records).toEqual([]);
    put('d');
    expect(pks(read(latest).Records)).toEqual(['d']);
  });

  it('go on from page to page, and wait at the end of an open shard', () => {
    const first = read(iterator('TRIM_HORIZON'), { Limit: 2 });
    expect(pks(first.Records)).toEqual(['a', 'b']);
    const second = read(first.NextShardIterator);
    expect(pks(second.Records)).toEqual(['c']);
    expect(read(second.NextShardIterator).Records).toEqual([]);
    put('d');
    expect(pks(read(second.NextShardIterator).Records)).toEqual(['d']);
  });

  it('last 15 minutes', () => {
    const old = iterator('TRIM_HORIZON');
    bench.clock.jump(START_MS + 15 * 60_000);
    expect(() => read(old)).not.toThrow();
    bench.clock.jump(START_MS + 15 * 60_000 + 1);
    expect(refusalOf(() => read(old)).code).toBe('ExpiredIteratorException');
  });

  it('do not reach records older than 24 hours', () => {
    const [first, second] = sequences();
    bench.clock.jump(START_MS + 24 * HOUR_MS - 1);
    const waiting = iterator('TRIM_HORIZON');
    expect(read(waiting).Records).toHaveLength(3);
    put('d');
    bench.clock.jump(START_MS + 24 * HOUR_MS);

    expect(refusalOf(() => read(waiting)).code).toBe('TrimmedDataAccessException');
    expect(pks(records())).toEqual(['d']);
    for (const [type, SequenceNumber] of [
      ['AT_SEQUENCE_NUMBER', second],
      ['AFTER_SEQUENCE_NUMBER', first],
    ] as const) {
      expect(refusalOf(() => iterator(type, { SequenceNumber })).code).toBe('TrimmedDataAccessException');
    }
    const source = bench.dynamo.source('things');
    const [shardId = ''] = source.shardIds();
    expect([source.trimHorizon(shardId), source.latest(shardId)]).toEqual([3, 4]);
    expect(source.read(shardId, 0, 10).map(({ position }) => position)).toEqual([3]);
  });

  it('go on after the last record that was trimmed', () => {
    const [, , third] = sequences();
    bench.clock.jump(START_MS + 24 * HOUR_MS);
    put('d');
    expect(pks(records('AFTER_SEQUENCE_NUMBER', { SequenceNumber: third }))).toEqual(['d']);
  });

  it('answer at most 1 MB at once', () => {
    for (let place = 0; place < 4; place += 1) put(`large${place}`, { f: { S: 'x'.repeat(350_000) } });
    const first = read(iterator('TRIM_HORIZON'));
    expect(first.Records).toHaveLength(5);
    expect(read(first.NextShardIterator).Records).toHaveLength(2);
  });

  it.each([
    [() => read('nonsense'), 'ValidationException'],
    [() => read(`${arn()}|shard|x|1`), 'ValidationException'],
    [() => iterator('AT_SEQUENCE_NUMBER'), 'ValidationException'],
    [() => iterator('SOMEWHERE'), 'ValidationException'],
    [() => iterator('LATEST', { ShardId: 'shardId-none' }), 'ResourceNotFoundException'],
    [() => iterator('LATEST', { StreamArn: 'arn:none' }), 'ResourceNotFoundException'],
    [() => bench.stream('DescribeStream', { StreamArn: 'arn:none' }), 'ResourceNotFoundException'],
  ])('are refused when they make no sense', (act, code) => {
    expect(refusalOf(act).code).toBe(code);
  });
});

describe('streams', () => {
  it('are listed by table', () => {
    open('KEYS_ONLY');
    createTable(bench, {
      TableName: 'others',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
    });
    createTable(bench, { TableName: 'plain' });
    expect(bench.stream('ListStreams', {}).Streams.map(({ TableName }) => TableName)).toEqual([
      'others',
      'things',
    ]);
    expect(bench.stream('ListStreams', { TableName: 'things' }).Streams).toEqual([
      { StreamArn: arn(), TableName: 'things', StreamLabel: '2024-01-01T00:00:00.000' },
    ]);
    const page = bench.stream('ListStreams', { Limit: 1 });
    expect(
      bench.stream('ListStreams', { ExclusiveStartStreamArn: page.LastEvaluatedStreamArn }).Streams,
    ).toHaveLength(1);
    expect(refusalOf(() => bench.dynamo.source('plain')).code).toBe('ResourceNotFoundException');
  });

  it('close when they are switched off or their table goes, and are gone a day later', () => {
    open('NEW_IMAGE');
    put('a');
    const StreamArn = arn();
    const waiting = iterator('TRIM_HORIZON');
    bench.call('UpdateTable', { TableName: 'things', StreamSpecification: { StreamEnabled: false } });
    put('b');

    const { StreamStatus, Shards } = bench.stream('DescribeStream', { StreamArn }).StreamDescription;
    expect(StreamStatus).toBe('DISABLED');
    expect(Shards[0]?.SequenceNumberRange).toHaveProperty('EndingSequenceNumber');
    const last = read(waiting);
    expect(last.Records).toHaveLength(1);
    expect(last).not.toHaveProperty('NextShardIterator');

    bench.call('UpdateTable', {
      TableName: 'things',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
    });
    expect(arn()).not.toBe(StreamArn);
    expect(records()).toEqual([]);
    bench.call('DeleteTable', { TableName: 'things' });
    expect(bench.stream('ListStreams', {}).Streams).toHaveLength(2);
    bench.clock.jump(START_MS + 24 * HOUR_MS);
    expect(bench.stream('ListStreams', {}).Streams).toHaveLength(0);
  });

  it('tell listeners once a write, a batch or a transaction has ended', () => {
    open('NEW_IMAGE');
    const heard: number[] = [];
    const source = bench.dynamo.source(arn());
    source.watch((shardId) => heard.push(source.latest(shardId)));
    put('a');
    put('a');
    const Put = (pk: string): Json => ({ Put: { TableName: 'things', Item: key(pk) } });
    bench.call('TransactWriteItems', { TransactItems: [Put('b'), Put('c')] });
    bench.call('BatchWriteItem', {
      RequestItems: { things: [{ DeleteRequest: { Key: key('a') } }, { DeleteRequest: { Key: key('b') } }] },
    });
    expect(heard).toEqual([1, 3, 5]);
  });

  it('refuse a view without a stream, a stream without a view, and a second stream', () => {
    open('NEW_IMAGE');
    const change = (StreamSpecification: Json): Answer =>
      bench.call('UpdateTable', { TableName: 'things', StreamSpecification });
    expect(invalidity(() => change({ StreamEnabled: true }))).toContain('StreamViewType is required');
    expect(invalidity(() => change({ StreamEnabled: false, StreamViewType: 'NEW_IMAGE' }))).toContain(
      'cannot be specified',
    );
    expect(refusalOf(() => change({ StreamEnabled: true, StreamViewType: 'NEW_IMAGE' })).code).toBe(
      'ResourceInUseException',
    );
  });
});
