import { describe, expect, it } from 'vitest';
import { adaptersOf } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const published = async ({ dispatcher: { call } }: LocalStage): Promise<readonly string[]> => {
  const { ShardIterator } = await call('kinesis', 'GetShardIterator', {
    StreamName: 'orchestrator-events',
    ShardId: 'shardId-000000000000',
    ShardIteratorType: 'TRIM_HORIZON',
  });
  const { Records } = (await call('kinesis', 'GetRecords', { ShardIterator })) as {
    Records: readonly { Data: string; PartitionKey: string }[];
  };
  return Records.map(({ Data, PartitionKey }) => `${PartitionKey}=${Buffer.from(Data, 'base64').toString()}`);
};

describe('the output stream on Kinesis', () => {
  it('puts one record per body, in order, under the key', async () => {
    const stage = await localStage();

    await adaptersOf(stage).output.put('acme/prod|BTC', ['1', '2', 'é']);

    expect(await published(stage)).toEqual(['acme/prod|BTC=1', 'acme/prod|BTC=2', 'acme/prod|BTC=é']);
    expect(stage.requests()).toMatchObject({ 'kinesis.PutRecord': 3 });
  });

  it('cuts a key that is too long for a partition key, from the front', async () => {
    const stage = await localStage();

    await adaptersOf(stage).output.put(`${'x'.repeat(300)}|BTC`, ['1']);

    expect((await published(stage))[0]).toMatch(/^x{252}\|BTC=1$/);
  });

  it('stops at the first body that is not taken', async () => {
    const stage = await localStage();
    stage.inject({ service: 'kinesis', operation: 'PutRecord', kind: 'throttle', calls: [2] });

    await expect(adaptersOf(stage).output.put('k', ['1', '2', '3'])).rejects.toThrow();

    expect(await published(stage)).toEqual(['k=1']);
  });
});
