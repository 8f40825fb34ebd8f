import { describe, expect, it } from 'vitest';
import { START_MS, startKinesis } from './kinesis-under-test.ts';

const stream = 'market-events';
const HOUR_MS = 3_600_000;

describe('a stream as a source of mappings', () => {
  it('reads records in the form Lambda events carry', () => {
    const { kinesis, call, put, clock } = startKinesis();
    call('CreateStream', { StreamName: stream, ShardCount: 1 });
    const sequences = ['one', 'two'].map((text, second) => {
      clock.jump(START_MS + second * 1000);
      return put(stream, 'k', text)['SequenceNumber'];
    });
    const source = kinesis.source(stream);

    expect(source.arn).toBe('arn:aws:kinesis:us-east-1:000000000000:stream/market-events');
    expect(source.shardIds()).toEqual(['shardId-000000000000']);
    expect(source.read('shardId-000000000000', 1, 1)).toEqual([
      {
        position: 1,
        sequenceNumber: sequences[1],
        partitionKey: 'k',
        arrivalMs: START_MS + 1000,
        event: {
          kinesis: {
            kinesisSchemaVersion: '1.0',
            partitionKey: 'k',
            sequenceNumber: sequences[1],
            data: 'dHdv',
            approximateArrivalTimestamp: START_MS / 1000 + 1,
          },
          eventSource: 'aws:kinesis',
          eventVersion: '1.0',
          eventID: `shardId-000000000000:${String(sequences[1])}`,
          eventName: 'aws:kinesis:record',
          invokeIdentityArn: 'arn:aws:iam::000000000000:role/local',
          awsRegion: 'us-east-1',
        },
      },
    ]);
  });

  it('keeps positions when records are trimmed, however many', () => {
    const { kinesis, call, clock } = startKinesis({ throttle: false });
    call('CreateStream', { StreamName: stream, ShardCount: 1 });
    const Records = Array.from({ length: 500 }, () => ({ PartitionKey: 'k', Data: '' }));
    for (let hour = 0; hour < 10; hour++) {
      clock.jump(START_MS + hour * HOUR_MS);
      call('PutRecords', { StreamName: stream, Records });
    }
    const source = kinesis.source(stream);
    const id = 'shardId-000000000000';

    clock.jump(START_MS + 31 * HOUR_MS);

    expect(source.trimHorizon(id)).toBe(3500);
    expect(source.latest(id)).toBe(5000);
    expect(source.read(id, 0, 2).map(({ position }) => position)).toEqual([3500, 3501]);
    expect(source.read(id, 4999, 10).map(({ position }) => position)).toEqual([4999]);
    expect(source.read(id, 5000, 10)).toEqual([]);
  });

  it('has no shards while its stream does not exist, and calls watchers back once it does', () => {
    const { kinesis, call, put } = startKinesis();
    const source = kinesis.source(stream);
    const seen: string[] = [];
    source.watch((shardId) => seen.push(shardId));
    expect([source.shardIds(), source.latest('x'), source.read('x', 0, 1)]).toEqual([[], 0, []]);

    call('CreateStream', { StreamName: stream, ShardCount: 1 });
    put(stream, 'k', 'x');

    expect(seen).toEqual(['shardId-000000000000']);
  });
});
