/** Reads a Kinesis stream from its oldest record, shard by shard, waiting when the shard's read limit is reached. */
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
import type { GetRecordsCommandOutput } from '@aws-sdk/client-kinesis';
import { waitFor } from '#cli/wait-for.ts';

/** A client of the local endpoint; any credentials do. */
export const localKinesis = (awsUrl: string): KinesisClient =>
  new KinesisClient({
    endpoint: awsUrl,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });

export interface StreamPlace {
  readonly client: KinesisClient;
  readonly streamName: string;
  readonly signal: AbortSignal;
}

/** A shard allows five reads a second to all its readers together; this one leaves room for others. */
const PAUSE_MS = 400;

/** Iterators of every shard at its oldest record. */
export const oldestIterators = async ({ client, streamName }: StreamPlace): Promise<readonly string[]> => {
  const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName: streamName }));
  const answers = await Promise.all(
    Shards.map(({ ShardId }) =>
      client.send(
        new GetShardIteratorCommand({ StreamName: streamName, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
      ),
    ),
  );
  return answers.flatMap(({ ShardIterator }) => ShardIterator ?? []);
};

/** One read, repeated while the shard's limit refuses it; undefined once the signal came. */
export const readOnce = async (
  { client, signal }: StreamPlace,
  ShardIterator: string,
): Promise<GetRecordsCommandOutput | undefined> => {
  while (!signal.aborted) {
    try {
      return await client.send(new GetRecordsCommand({ ShardIterator, Limit: 10_000 }));
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'ProvisionedThroughputExceededException') throw error;
      await waitFor(PAUSE_MS, signal);
    }
  }
  return undefined;
};

/** Everything on the stream now, in order within each shard. */
export async function* readAll(place: StreamPlace): AsyncIterable<Uint8Array> {
  for (const iterator of await oldestIterators(place)) {
    let next: string | undefined = iterator;
    while (next !== undefined) {
      const answer: GetRecordsCommandOutput | undefined = await readOnce(place, next);
      for (const { Data } of answer?.Records ?? []) if (Data) yield Data;
      if (!answer || answer.MillisBehindLatest === 0) break;
      next = answer.NextShardIterator;
    }
  }
}

/** Follows the stream from its oldest record until the signal comes. */
export const follow = async (place: StreamPlace, onRecord: (data: Uint8Array) => void): Promise<void> => {
  const followShard = async (iterator: string): Promise<void> => {
    let next: string | undefined = iterator;
    while (next !== undefined && !place.signal.aborted) {
      const answer: GetRecordsCommandOutput | undefined = await readOnce(place, next);
      for (const { Data } of answer?.Records ?? []) if (Data) onRecord(Data);
      next = answer?.NextShardIterator;
      await waitFor(PAUSE_MS, place.signal);
    }
  };
  await Promise.all((await oldestIterators(place)).map(followShard));
};
