import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { mockClient } from 'aws-sdk-client-mock';
import { describe, expect, it } from 'vitest';
import { kinesisMarketStream } from '#adapters/kinesis/market-stream.ts';
import { kinesisClient } from '#adapters/sdk/kinesis-client.ts';
import { localStage } from '#test/support/ports.ts';

const records = ['1', 'é', '3'].map((body) => ({ partitionKey: `key-${body}`, body }));

describe('the market stream on Kinesis', () => {
  it('takes events under their keys in one request', async () => {
    const stage = await localStage();
    const stream = kinesisMarketStream(kinesisClient(stage.plugin), 'market-events');

    expect(await stream.put(records)).toEqual([]);

    const { ShardIterator } = await stage.dispatcher.call('kinesis', 'GetShardIterator', {
      StreamName: 'market-events',
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON',
    });
    const { Records } = (await stage.dispatcher.call('kinesis', 'GetRecords', { ShardIterator })) as {
      Records: readonly { Data: string; PartitionKey: string }[];
    };
    const said = Records.map(
      ({ Data, PartitionKey }) => `${PartitionKey}=${Buffer.from(Data, 'base64').toString()}`,
    );
    expect(said).toEqual(['key-1=1', 'key-é=é', 'key-3=3']);
    expect(stage.requests()).toMatchObject({ 'kinesis.PutRecords': 1 });
  });

  it('answers those that were refused, in order', async () => {
    const client = new KinesisClient({ region: 'us-east-1' });
    const refused = { ErrorCode: 'ProvisionedThroughputExceededException' };
    mockClient(client)
      .on(PutRecordsCommand)
      .resolves({ FailedRecordCount: 2, Records: [refused, { SequenceNumber: '1' }, refused] });

    expect(await kinesisMarketStream(client, 'market-events').put(records)).toEqual([records[0], records[2]]);
  });
});
