/** Puts market events on the stream that feeds read. */
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { MarketSink } from '#domain/ports/outside.ts';

/** A put is one request; what a shard had no room for is refused, while its neighbours are taken. */
export const kinesisMarketStream = (client: KinesisClient, streamName: string): MarketSink => ({
  put: async (records) => {
    const answer = await client.send(
      new PutRecordsCommand({
        StreamName: streamName,
        Records: records.map(({ partitionKey, body }) => ({
          PartitionKey: partitionKey,
          Data: Buffer.from(body),
        })),
      }),
    );
    return records.filter((_, index) => answer.Records?.[index]?.ErrorCode !== undefined);
  },
});
