import * as fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '#local/kernel/engine.ts';
import { HOUR_MS, openStream } from './stream-support.ts';
import type { StreamBench } from './stream-support.ts';
import { createTable, invalidity, key, refusalOf, START_MS } from './support.ts';
import type { Answer } from './support.ts';

let at: StreamBench;

describe('records', () => {
  beforeEach(() => {
    at = openStream('NEW_AND_OLD_IMAGES');
  });

  it('are one for each change, in the shape of the service', () => {
    at.bench.clock.jump(START_MS + 1_500);
    at.put('p', { n: { N: '1' } });
    at.put('p', { n: { N: '2' } });
    at.remove('p');

    const [insert, modify, removal] = at.records();
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
    at.put('p', { s: { SS: ['a', 'b'] } });
    at.put('p', { s: { SS: ['b', 'a'] } });
    at.bench.call('UpdateItem', { TableName: 'things', Key: key('p'), UpdateExpression: 'REMOVE absent' });
    at.remove('q');
    expect(at.records()).toHaveLength(1);
  });

  it('have growing sequence numbers over all tables', () => {
    createTable(at.bench, {
      TableName: 'others',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
    });
    at.put('a');
    at.bench.call('PutItem', { TableName: 'others', Item: key('b') });
    at.put('c');
    const others = at.bench.dynamo.source('others');
    const [middle] = others.read(others.shardIds()[0] ?? '', 0, 10);
    const [first, last] = at.records().map(({ dynamodb }) => dynamodb.SequenceNumber);
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
    at = openStream(view);
    at.put('p', { n: { N: '1' } });
    at.put('p', { n: { N: '2' } });
    const dynamodb = at.records()[1]?.dynamodb ?? {};
    expect(dynamodb).toMatchObject({ Keys: key('p'), StreamViewType: view });
    expect(['NewImage' in dynamodb, 'OldImage' in dynamodb]).toEqual([hasNew, hasOld]);
  });
});

describe('shards', () => {
  it('are four unless told otherwise, open, and keep the order of each key', () => {
    at = openStream('NEW_IMAGE', {});
    expect(at.shards()).toHaveLength(4);
    for (const { SequenceNumberRange } of at.shards()) {
      expect(SequenceNumberRange).toHaveProperty('StartingSequenceNumber');
      expect(SequenceNumberRange).not.toHaveProperty('EndingSequenceNumber');
    }
    // Chance may pass a key by.
    for (let pk = 0; pk < 7; pk++) at.put(`p${pk}`, { n: { N: '-1' } });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(6), fc.nat(1_000)), { maxLength: 50 }), (writes) => {
        for (const [pk, n] of writes) at.put(`p${pk}`, { n: { N: String(n) } });
      }),
      { numRuns: 10 },
    );
    const source = at.bench.dynamo.source('things');
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
    at = openStream('KEYS_ONLY', { streamShardCount: 3 });
    const page = at.bench.stream('DescribeStream', { StreamArn: at.arn(), Limit: 2 }).StreamDescription;
    expect(page.Shards).toHaveLength(2);
    const rest = at.bench.stream('DescribeStream', {
      StreamArn: at.arn(),
      ExclusiveStartShardId: page.LastEvaluatedShardId,
    }).StreamDescription;
    expect(rest.Shards).toHaveLength(1);
    expect(rest).not.toHaveProperty('LastEvaluatedShardId');
  });
});

describe('streams', () => {
  it('are listed by table', () => {
    at = openStream('KEYS_ONLY');
    createTable(at.bench, {
      TableName: 'others',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
    });
    createTable(at.bench, { TableName: 'plain' });
    expect(at.bench.stream('ListStreams', {}).Streams.map(({ TableName }) => TableName)).toEqual([
      'others',
      'things',
    ]);
    expect(at.bench.stream('ListStreams', { TableName: 'things' }).Streams).toEqual([
      { StreamArn: at.arn(), TableName: 'things', StreamLabel: '2024-01-01T00:00:00.000' },
    ]);
    const page = at.bench.stream('ListStreams', { Limit: 1 });
    expect(
      at.bench.stream('ListStreams', { ExclusiveStartStreamArn: page.LastEvaluatedStreamArn }).Streams,
    ).toHaveLength(1);
    expect(refusalOf(() => at.bench.dynamo.source('plain')).code).toBe('ResourceNotFoundException');
  });

  it('close when they are switched off or their table goes, and are gone a day later', () => {
    at = openStream('NEW_IMAGE');
    at.put('a');
    const StreamArn = at.arn();
    const waiting = at.iterator('TRIM_HORIZON');
    at.bench.call('UpdateTable', { TableName: 'things', StreamSpecification: { StreamEnabled: false } });
    at.put('b');

    const { StreamStatus, Shards } = at.bench.stream('DescribeStream', { StreamArn }).StreamDescription;
    expect(StreamStatus).toBe('DISABLED');
    expect(Shards[0]?.SequenceNumberRange).toHaveProperty('EndingSequenceNumber');
    const last = at.read(waiting);
    expect(last.Records).toHaveLength(1);
    expect(last).not.toHaveProperty('NextShardIterator');

    at.bench.call('UpdateTable', {
      TableName: 'things',
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
    });
    expect(at.arn()).not.toBe(StreamArn);
    expect(at.records()).toEqual([]);
    at.bench.call('DeleteTable', { TableName: 'things' });
    expect(at.bench.stream('ListStreams', {}).Streams).toHaveLength(2);
    at.bench.clock.jump(START_MS + 24 * HOUR_MS);
    expect(at.bench.stream('ListStreams', {}).Streams).toHaveLength(0);
  });

  it('tell listeners once a write, a batch or a transaction has ended', () => {
    at = openStream('NEW_IMAGE');
    const heard: number[] = [];
    const source = at.bench.dynamo.source(at.arn());
    source.watch((shardId) => heard.push(source.latest(shardId)));
    at.put('a');
    at.put('a');
    const Put = (pk: string): Json => ({ Put: { TableName: 'things', Item: key(pk) } });
    at.bench.call('TransactWriteItems', { TransactItems: [Put('b'), Put('c')] });
    at.bench.call('BatchWriteItem', {
      RequestItems: { things: [{ DeleteRequest: { Key: key('a') } }, { DeleteRequest: { Key: key('b') } }] },
    });
    expect(heard).toEqual([1, 3, 5]);
  });

  it('refuse a view without a stream, a stream without a view, and a second stream', () => {
    at = openStream('NEW_IMAGE');
    const change = (StreamSpecification: Json): Answer =>
      at.bench.call('UpdateTable', { TableName: 'things', StreamSpecification });
    expect(invalidity(() => change({ StreamEnabled: true }))).toContain('StreamViewType is required');
    expect(invalidity(() => change({ StreamEnabled: false, StreamViewType: 'NEW_IMAGE' }))).toContain(
      'cannot be specified',
    );
    expect(refusalOf(() => change({ StreamEnabled: true, StreamViewType: 'NEW_IMAGE' })).code).toBe(
      'ResourceInUseException',
    );
  });
});
