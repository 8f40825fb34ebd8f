import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, afterEach, expect, it, vi } from 'vitest';
import { followOutput } from '#cli/up/output-follower.ts';

const mock = mockClient(KinesisClient);
afterAll(() => mock.restore());
afterEach(() => mock.reset());

const shard = { ShardId: 's', HashKeyRange: undefined, SequenceNumberRange: undefined };
const record = (event: object) => ({
  Data: new TextEncoder().encode(JSON.stringify({ symbol: 'AAA', run_id: 'r', ...event })),
  SequenceNumber: '1',
  PartitionKey: 'k',
});
const place = { awsUrl: 'http://127.0.0.1:9', streamName: 'output' };

it('counts records, each run once, and the last regime of each symbol', async () => {
  mock.on(ListShardsCommand).resolves({ Shards: [shard] });
  mock.on(GetShardIteratorCommand).resolves({ ShardIterator: 'first' });
  mock.on(GetRecordsCommand).resolves({
    Records: [
      record({ event_type: 'EngineRunStarted' }),
      record({ event_type: 'EngineRunCompleted', payload: { regime_output: { regime: 'TREND' } } }),
      record({ event_type: 'EngineRunCompleted', payload: null }),
      record({ event_type: 'EngineRunFailed', run_id: 'r2' }),
    ],
  });
  const stop = new AbortController();

  const { published, done } = followOutput(place, stop.signal);
  await vi.waitFor(() => expect(published.records).toBe(4));
  stop.abort();
  await done;

  expect([...published.terminal]).toEqual([
    ['r', 'EngineRunCompleted'],
    ['r2', 'EngineRunFailed'],
  ]);
  expect([...published.regimes]).toEqual([['AAA', 'TREND']]);
});

it('rejects when the stream cannot be read, and ends at once when it is not wanted any more', async () => {
  mock.on(ListShardsCommand).rejectsOnce(new Error('gone')).resolves({});

  await expect(followOutput(place, new AbortController().signal).done).rejects.toThrow('gone');
  await expect(followOutput(place, AbortSignal.abort()).done).resolves.toBeUndefined();
});
