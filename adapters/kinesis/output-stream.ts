/** Puts orchestrator events one by one: PutRecords could store a later one of a key before an earlier (ADR 0007). */
import { PutRecordCommand } from '@aws-sdk/client-kinesis';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import type { OutputStream } from '#domain/ports/outside.ts';

/** One record per body, ordered per key within a put; a later put of the key comes after an earlier one's answer. */
export const kinesisOutputStream = (client: KinesisClient, streamName: string): OutputStream => ({
  put: async (key, bodies) => {
    let previous: string | undefined;
    for (const body of bodies) {
      const answer = await client.send(
        new PutRecordCommand({
          StreamName: streamName,
          PartitionKey: key.slice(-256),
          Data: Buffer.from(body),
          ...(previous === undefined ? {} : { SequenceNumberForOrdering: previous }),
        }),
      );
      previous = answer.SequenceNumber;
    }
  },
});
