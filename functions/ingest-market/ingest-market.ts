/**
 * Takes a batch of one shard of the market stream into the feeds that list its records (docs/guide/design.md §10): one
 * chunk and one commit per feed, ticks planned on the way. A record that no feed can take goes to the dead-letter
 * queue with its reason; nothing is dropped. What one feed cannot take now keeps no other from its records.
 */
import type { KinesisStreamRecord } from 'aws-lambda';
import { feedRetryDefault } from '#contracts/market/feed-config.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import type { BatchRecord } from '#domain/market/feed/plan-batch.ts';
import { decodeRecord, routeEvent } from '#domain/market/ingest.ts';
import type { MarketRecord, RefusedRecord } from '#domain/market/ingest.ts';
import { tryIngestion } from '#functions/shared/ingestion-retry.ts';
import { ingestFeed } from '#functions/shared/ingest-feed.ts';
import type { SpillPorts } from '#functions/shared/spill-records.ts';
import type { StartedFeed, StartedFeeds } from '#functions/ingest-market/started-feeds.ts';

export interface IngestPorts extends SpillPorts {
  /** The started feeds for one batch. */
  readonly feeds: () => StartedFeeds;
  readonly refuse: (records: readonly RefusedLetter[]) => Promise<void>;
}

/** What the dead-letter queue gets: the record as it came and why nobody took it. */
export interface RefusedLetter {
  readonly code: RefusedRecord['code'];
  readonly message: string;
  readonly shardId: string;
  readonly sequenceNumber: string;
  readonly partitionKey: string;
  readonly data: string;
}

interface Placed {
  readonly sequenceNumber: string;
  readonly record: MarketRecord;
}

/** Ingests one batch; throws when a feed could not take it, so that the batch is delivered again. */
export const ingestBatch = async (
  ports: IngestPorts,
  records: readonly KinesisStreamRecord[],
): Promise<void> => {
  const feeds = ports.feeds();
  const shards = groupBy(records, (record) => record.eventID.slice(0, record.eventID.indexOf(':')));
  for (const [shardId, group] of shards) {
    const placed = group.map(({ kinesis }) => ({
      sequenceNumber: kinesis.sequenceNumber,
      record: {
        data: Buffer.from(kinesis.data, 'base64'),
        partitionKey: kinesis.partitionKey,
        arrivalMs: Math.floor(kinesis.approximateArrivalTimestamp * 1000),
      },
    }));
    await ingestShard(ports, feeds, { shardId, placed });
  }
};

const ingestShard = async (
  ports: IngestPorts,
  feeds: StartedFeeds,
  { shardId, placed }: { readonly shardId: string; readonly placed: readonly Placed[] },
): Promise<void> => {
  // By stream: the list of feeds may be read again in the midst of a batch, and a feed must not get two.
  const batches = new Map<string, { readonly feed: StartedFeed; readonly records: BatchRecord[] }>();
  const letters: RefusedLetter[] = [];
  for (const one of placed) {
    const answer = await tryIngestion(ports, UNRESOLVED, () => place(feeds, one));
    if (answer.kind === 'refused') letters.push(letterOf(shardId, one, answer));
    else
      for (const feed of answer.feeds) {
        const batch = batches.get(feed.stream);
        if (batch) batch.records.push(answer.record);
        else batches.set(feed.stream, { feed, records: [answer.record] });
      }
  }
  const results = await Promise.allSettled(
    [...batches.values()].map(({ feed: { stream, config }, records }) =>
      tryIngestion(ports, { retry: config.ingestion_retry, stream }, () =>
        ingestFeed(ports, stream, { shardId, records }),
      ),
    ),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  // Letters last: a batch that waits for one feed is delivered again and again, its letters must not.
  await refuse(ports, letters);
};

/** How a batch is tried again that is not yet known to be of a feed. */
const UNRESOLVED = { retry: feedRetryDefault };

const refuse = async (ports: IngestPorts, letters: readonly RefusedLetter[]): Promise<void> => {
  if (letters.length === 0) return;
  await tryIngestion(ports, UNRESOLVED, () => ports.refuse(letters));
  ports.telemetry.count('RecordsRefused', letters.length);
};

type Answer =
  | { readonly kind: 'routed'; readonly feeds: readonly StartedFeed[]; readonly record: BatchRecord }
  | RefusedRecord;

const place = async (feeds: StartedFeeds, { sequenceNumber, record }: Placed): Promise<Answer> => {
  const event = decodeRecord(record);
  if (event.kind === 'refused') return event;
  let route = routeEvent(await feeds.list(), event);
  // A feed may have been started since the list was read: look once more before giving the record up.
  if (route.kind === 'refused') route = routeEvent(await feeds.listAfresh(), event);
  if (route.kind === 'refused') return route;
  return {
    kind: 'routed',
    feeds: route.feeds,
    record: { sequenceNumber, arrivalMs: record.arrivalMs, event },
  };
};

const letterOf = (
  shardId: string,
  { sequenceNumber, record }: Placed,
  { code, message }: RefusedRecord,
): RefusedLetter => ({
  code,
  message,
  shardId,
  sequenceNumber,
  partitionKey: record.partitionKey,
  data: Buffer.from(record.data).toString('base64'),
});
