/**
 * A producer of its own beside the job: it puts numbered records on a stream it made, one after the other, and keeps
 * those that were acknowledged. Every one of them must outlive every kill.
 */
import { CreateStreamCommand, PutRecordCommand, ResourceInUseException } from '@aws-sdk/client-kinesis';
import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { localKinesis } from '#cli/up/stream-reader.ts';

/** The stream only the witness writes to. */
export const WITNESS_STREAM = 'torture-witness';

export interface Witness {
  /** Writes to this endpoint until it fails, as it does when the process behind it is killed. */
  readonly watch: (awsUrl: string) => Promise<void>;
  /** What was acknowledged, in order. */
  readonly acknowledged: readonly string[];
}

/** A witness that has seen nothing yet. */
export const createWitness = (): Witness => {
  const acknowledged: string[] = [];
  let next = 1;
  const write = async (client: KinesisClient): Promise<never> => {
    await client
      .send(new CreateStreamCommand({ StreamName: WITNESS_STREAM, ShardCount: 1 }))
      .catch((error: unknown) => {
        if (!(error instanceof ResourceInUseException)) throw error;
      });
    for (;;) {
      // A number is used once: a record whose answer was lost may be there or not, and is never asked for.
      const text = `witness ${next++}`;
      await client.send(
        new PutRecordCommand({
          StreamName: WITNESS_STREAM,
          PartitionKey: 'witness',
          Data: Buffer.from(text),
        }),
      );
      acknowledged.push(text);
    }
  };
  return {
    acknowledged,
    watch: async (awsUrl) => {
      const client = localKinesis(awsUrl);
      await write(client)
        .catch(() => undefined)
        .finally(() => client.destroy());
    },
  };
};
