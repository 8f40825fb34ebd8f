/**
 * Takes a batch of one shard of the market stream into the feeds that list its records (docs/guide/design.md §10): one
 * chunk and one commit per feed, ticks planned on the way. A record that no feed can take goes to the dead-letter
 * queue with its reason; nothing is dropped.
 */
import type { KinesisStreamRecord } from 'aws-lambda';
import { groupBy } from '#domain/kernel/group-by.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { ingestCommand, planBatch } from '#domain/market/feed/plan-batch.ts';
import type { BatchRecord } from '#domain/market/feed/plan-batch.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import { decodeRecord, routeEvent } from '#domain/market/ingest.ts';
import type { MarketRecord, RefusedRecord } from '#domain/market/ingest.ts';
import type { CommandOutcome, CommandRequest } from '#domain/kernel/commit.ts';
import type { Ledger } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { storeChunk } from '#functions/shared/market-chunks.ts';
import type { StartedFeed, StartedFeeds } from '#functions/ingest-market/started-feeds.ts';

export interface IngestPorts {
  readonly ledger: Ledger;
  readonly mailbox: Mailbox;
  readonly loadFeed: (stream: string) => Promise<Feed>;
  /** The started feeds for one batch. */
  readonly feeds: () => StartedFeeds;
  readonly refuse: (records: readonly RefusedLetter[]) => Promise<void>;
  readonly telemetry: Telemetry;
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
  const batches = new Map<string, BatchRecord[]>();
  const letters: RefusedLetter[] = [];
  for (const one of placed) {
    const answer = await place(feeds, one);
    if (answer.kind === 'refused') letters.push(letterOf(shardId, one, answer));
    else
      for (const { stream } of answer.feeds) {
        const batch = batches.get(stream);
        if (batch) batch.push(answer.record);
        else batches.set(stream, [answer.record]);
      }
  }
  if (letters.length > 0) {
    await ports.refuse(letters);
    ports.telemetry.count('RecordsRefused', letters.length);
  }
  await Promise.all(
    [...batches].map(([stream, batch]) => ingestFeed(ports, stream, { shardId, records: batch })),
  );
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

interface ShardBatch {
  readonly shardId: string;
  readonly records: readonly BatchRecord[];
}

/** How often a batch is planned again because the feed had moved meanwhile, or did not move when asked to. */
const REPLANS_MAX = 20;

const ingestFeed = async (ports: IngestPorts, stream: string, batch: ShardBatch): Promise<void> => {
  let { records } = batch;
  let feed = started(await ports.loadFeed(stream), stream);
  let replans = 0;
  while (records.length > 0) {
    const plan = planBatch(feed, { shardId: batch.shardId, records });
    if (plan.kind === 'nothing-new') {
      ports.telemetry.count('RecordsRepeated', plan.duplicateCount);
      const next = records[plan.duplicateCount];
      if (!next) return repeatEffects(ports, feed);
      // So many ticks lie before the next record that they fill commits of their own.
      const caughtUp = await catchUp(ports, feed, next);
      if (caughtUp.kind !== 'committed' && ++replans > REPLANS_MAX)
        throw new Error(`feed ${stream} does not plan the ticks before its next record`);
      feed = started(caughtUp.state, stream);
      records = records.slice(plan.duplicateCount);
      continue;
    }
    const location = await storeChunk(ports.ledger, stream, plan.chunk);
    const outcome = await ports.mailbox.send(feedAggregate, request(stream, ingestCommand(plan, location)), {
      effectsMustSucceed: true,
    });
    feed = started(outcome.state, stream);
    if (outcome.kind === 'rejected') {
      if (outcome.rejection.code !== 'contention' || ++replans > REPLANS_MAX)
        throw new Error(`feed ${stream} refused a batch: ${outcome.rejection.message}`);
      feed = started(await ports.loadFeed(stream), stream);
      continue;
    }
    ports.telemetry.count('RecordsIngested', plan.records.length);
    ports.telemetry.count('RecordsRepeated', plan.duplicateCount);
    ports.telemetry.count('TicksPlanned', plan.planned.ticks.length);
    records = records.slice(plan.consumedCount);
  }
};

const started = (feed: Feed, stream: string): ExistingFeed => {
  if (feed.status === 'none') throw new Error(`there is no feed ${stream}`);
  return feed;
};

/** A batch that was taken in before may have failed after its commit: what the feed owes is done again. */
const repeatEffects = async (ports: IngestPorts, { config, stream }: ExistingFeed): Promise<void> => {
  const nothing = { type: 'PlanTicks', clock: config.clock, beforeMs: 0 } as const;
  await ports.mailbox.send(feedAggregate, request(stream, nothing), {
    effectsMustSucceed: true,
    performAll: true,
  });
};

const catchUp = (
  ports: IngestPorts,
  feed: ExistingFeed,
  next: BatchRecord,
): Promise<CommandOutcome<Feed>> => {
  const { clock } = feed.config;
  const beforeMs = clock === 'arrival' ? next.arrivalMs : (next.event.recvTsMs ?? 0);
  return ports.mailbox.send(feedAggregate, request(feed.stream, { type: 'PlanTicks', clock, beforeMs }), {
    effectsMustSucceed: true,
  });
};

type FeedCommandOf = Parameters<(typeof feedAggregate)['decide']>[0];

const request = (stream: string, command: FeedCommandOf): CommandRequest<FeedCommandOf> => ({
  stream,
  command,
  commandId: commandIdOf(command),
  actor: { kind: 'service', id: 'ingest-market' },
  correlationId: stream,
});

/** The same batch planned on the same state is the same command, however often it is delivered. */
const commandIdOf = (command: FeedCommandOf): string => {
  if (command.type === 'IngestBatch')
    return `ingest:${command.basedOnVersion}:${command.ingested.chunk.hash}:${command.ingested.lastSequenceNumber}`;
  return command.type === 'PlanTicks' ? `ticks:${command.beforeMs}` : command.type;
};
