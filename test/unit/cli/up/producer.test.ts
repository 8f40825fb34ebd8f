import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
} from '@aws-sdk/client-kinesis';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TapeRecord } from '#cli/tape/tape-record.ts';
import { playTape } from '#cli/up/producer.ts';
import type { ProducerSetting } from '#cli/up/producer.ts';

const mock = mockClient(KinesisClient);
afterAll(() => mock.restore());
afterEach(() => mock.reset());
beforeEach(() => {
  mock.on(ListShardsCommand).resolves({ Shards: [] });
  mock.on(PutRecordsCommand).resolves({ Records: [] });
});

const tapeOf = (...instants: readonly (number | undefined)[]): ProducerSetting['tape'] =>
  async function* () {
    await Promise.resolve();
    for (const [index, recvTsMs] of instants.entries()) {
      const data = new TextEncoder().encode(`record ${index}`);
      const record: TapeRecord = { position: index + 1, data, partitionKey: 'k' };
      yield recvTsMs === undefined ? record : { ...record, recvTsMs };
    }
  };

const play = async (tape: ProducerSetting['tape'], more: Partial<ProducerSetting> = {}) => {
  const slept: number[] = [];
  const told: number[] = [];
  const acknowledged = await playTape({
    ...{ awsUrl: 'http://127.0.0.1:9', streamName: 'market', tape, speed: 'max' },
    signal: new AbortController().signal,
    onProgress: (count) => void told.push(count),
    sleep: (waitMs) => {
      slept.push(waitMs);
      return Promise.resolve();
    },
    ...more,
  });
  return { acknowledged, slept, told };
};
/** The texts of each put, in order. */
const puts = (): readonly (readonly string[])[] =>
  mock
    .commandCalls(PutRecordsCommand)
    .map(({ args: [{ input }] }) =>
      (input.Records ?? []).map(({ Data }) => Buffer.from(Data ?? []).toString()),
    );

describe('a tape', () => {
  it('goes out in batches of 500 as fast as the shard takes it', async () => {
    const { acknowledged, told } = await play(tapeOf(...Array.from({ length: 501 }, () => 0)));

    expect(puts().map((batch) => batch.length)).toEqual([500, 1]);
    expect([acknowledged, told]).toEqual([501, [0, 500, 501]]);
  });

  it('never waits where the shard has no limits', async () => {
    const { slept } = await play(tapeOf(...Array.from({ length: 2_001 }, () => 0)), {
      speed: 'unlimited',
      clockMs: () => 0,
    });

    expect(puts().map((batch) => batch.length)).toEqual([500, 500, 500, 500, 1]);
    expect(slept).toEqual([]);
  });

  it('goes out in its own time divided by the speed', async () => {
    const { slept } = await play(tapeOf(1_000, 1_000, 7_000, undefined, 4_000), { speed: 60 });

    expect(puts()).toEqual([
      ['record 0', 'record 1'],
      ['record 2', 'record 3', 'record 4'],
    ]);
    expect(slept).toEqual([100]);
  });

  it('waits when it has gone faster than the shard takes it', async () => {
    let clockMs = 0;
    const sleep = (waitMs: number): Promise<void> => {
      clockMs += waitMs;
      return Promise.resolve();
    };
    await play(tapeOf(...Array.from({ length: 3_000 }, () => 0)), { sleep, clockMs: () => clockMs });

    expect(clockMs).toBeGreaterThanOrEqual(2_000);
    expect(puts().map((batch) => batch.length)).toEqual(Array.from({ length: 6 }, () => 500));
  });

  it('puts again what the stream refused before anything that follows', async () => {
    mock
      .on(PutRecordsCommand)
      .resolvesOnce({ Records: [{}, { ErrorCode: 'InternalFailure' }, {}] })
      .resolvesOnce({})
      .resolves({ Records: [] });

    const { acknowledged, slept } = await play(tapeOf(0, 0, 0));

    expect(puts()).toEqual([['record 0', 'record 1', 'record 2'], ['record 1']]);
    expect([acknowledged, slept]).toEqual([3, [1_000]]);
  });

  it('stops at the signal between two batches, and before the next record', async () => {
    const stop = new AbortController();
    const onProgress = (count: number): void => {
      if (count === 500) stop.abort();
    };

    const { acknowledged } = await play(tapeOf(...Array.from({ length: 1_500 }, () => 0)), {
      signal: stop.signal,
      onProgress,
    });

    expect([acknowledged, puts().length]).toEqual([500, 1]);
    const before = await play(tapeOf(0), { signal: AbortSignal.abort() });
    expect([before.acknowledged, puts().length]).toEqual([0, 1]);
  });
});

describe('a tape that was played before', () => {
  const throttled = Object.assign(new Error('slow down'), { name: 'ProvisionedThroughputExceededException' });
  const onStream = (...texts: readonly string[]) => ({
    Records: texts.map((text) => ({
      Data: new TextEncoder().encode(text),
      SequenceNumber: '1',
      PartitionKey: 'k',
    })),
  });
  beforeEach(() => {
    mock
      .on(ListShardsCommand)
      .resolves({ Shards: [{ ShardId: 's', HashKeyRange: undefined, SequenceNumberRange: undefined }] });
    mock.on(GetShardIteratorCommand).resolves({ ShardIterator: 'first' });
  });

  it('goes on behind what is on the stream, in its own time', async () => {
    mock
      .on(GetRecordsCommand)
      .resolvesOnce({ ...onStream('record 0'), NextShardIterator: 'second', MillisBehindLatest: 5 })
      .resolvesOnce({ ...onStream('record 1'), NextShardIterator: 'third', MillisBehindLatest: 0 });

    const { acknowledged, slept } = await play(tapeOf(0, 6_000, 12_000), { speed: 60 });

    expect([acknowledged, puts(), slept]).toEqual([3, [['record 2']], [100]]);
  });

  it('is read back to the end of a shard that is closed, however often the shard is throttled', async () => {
    mock
      .on(GetRecordsCommand)
      .rejectsOnce(throttled)
      .resolvesOnce({ ...onStream('record 0'), MillisBehindLatest: 5 });

    const { acknowledged } = await play(tapeOf(0));

    expect([acknowledged, puts()]).toEqual([1, []]);
  });

  it('ends with any other fault of the stream', async () => {
    mock.on(GetRecordsCommand).rejects(new Error('gone'));

    await expect(play(tapeOf(0))).rejects.toThrow('gone');
  });
});
