/**
 * Takes records of one shard into one feed: a chunk and a commit as often as it takes, ticks planned on the way. When
 * the buffer has no room, or cannot be written, the batch fails and waits in its stream; nothing is dropped.
 */
import type { CommandOutcome, CommandRequest } from '#domain/kernel/commit.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { roomAt } from '#domain/market/feed/flow-control.ts';
import type { Room } from '#domain/market/feed/flow-control.ts';
import { batchLimits, feedTime, ingestCommand, planBatch } from '#domain/market/feed/plan-batch.ts';
import type { BatchPlan, BatchRecord } from '#domain/market/feed/plan-batch.ts';
import { retryBounds } from '#domain/market/feed/retry-bounds.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import type { Ledger } from '#domain/ports/ledger.ts';
import type { QueueDepth, Telemetry } from '#domain/ports/outside.ts';
import { ContentionError, EffectsFailedError } from '#functions/shared/command-handler.ts';
import { pressureCommand, reportPressure } from '#functions/shared/engine-pressure.ts';
import { reportIngested } from '#functions/ingest-market/ingest-report.ts';
import { feedProgress } from '#functions/shared/feed-acknowledgement.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { storeChunk } from '#functions/shared/market-chunks.ts';
import { withRetries } from '#functions/shared/with-retries.ts';

export interface IngestFeedPorts {
  readonly ledger: Ledger;
  readonly mailbox: Mailbox;
  readonly loadFeed: (stream: string) => Promise<Feed>;
  /** How long the queue of engine runs is. */
  readonly engineDepth: QueueDepth;
  readonly telemetry: Telemetry;
  readonly sleep: (waitMs: number) => Promise<void>;
  readonly nowMs: () => number;
}

/** Records of one shard for one feed, in stream order. */
export interface ShardBatch {
  readonly shardId: string;
  readonly records: readonly BatchRecord[];
}

/** The buffer has no room for the next record; the batch comes again when there is some. */
export class BufferFullError extends Error {
  readonly code = 'buffer_full';
  constructor(
    stream: string,
    { pause: { reason, observed, limit } }: Extract<Room, { readonly kind: 'full' }>,
  ) {
    super(`input buffer ${reason} exceeded: feed ${stream} has ${observed}, at most ${limit} are taken`);
    this.name = 'BufferFullError';
  }
}

/** How often a batch is planned again because the feed had moved meanwhile, or did not move when asked to. */
const REPLANS_MAX = 20;

/** Ingests a batch; throws when the feed could not take all of it, so that what is left is delivered again. */
export const ingestFeed = async (
  ports: IngestFeedPorts,
  stream: string,
  { shardId, records: given }: ShardBatch,
): Promise<void> => {
  let records = given;
  let feed = await followPressure(ports, existing(await ports.loadFeed(stream), stream));
  let replans = 0;
  while (records.length > 0) {
    const room = roomFor(feed, records);
    const recordsMax = room.kind === 'full' ? 1 : Math.min(room.recordsMax, batchLimits.recordsMax);
    const plan = planBatch(feed, { shardId, records }, { ...batchLimits, recordsMax });
    if (plan.kind === 'nothing-new') {
      ports.telemetry.count('RecordsRepeated', plan.duplicateCount);
      const next = records[plan.duplicateCount];
      if (!next) return confirm(ports, feed, { shardId, last: records.at(-1) });
      // So many ticks lie before the next record that they fill commits of their own.
      const caughtUp = await catchUp(ports, feed, next);
      if (caughtUp.kind !== 'committed' && ++replans > REPLANS_MAX)
        throw new Error(`feed ${stream} does not plan the ticks before its next record`);
      feed = existing(caughtUp.state, stream);
      records = records.slice(plan.duplicateCount);
      continue;
    }
    if (room.kind === 'full') {
      feed = await makeRoom(ports, feed, records[plan.duplicateCount]);
      continue;
    }
    const before = feed;
    const outcome = await append(ports, feed, plan);
    feed = existing(outcome.state, stream);
    if (outcome.kind === 'rejected') {
      if (outcome.rejection.code !== 'contention' || ++replans > REPLANS_MAX)
        throw new Error(`feed ${stream} refused a batch: ${outcome.rejection.message}`);
      feed = existing(await ports.loadFeed(stream), stream);
      continue;
    }
    const consumed = records.slice(0, plan.consumedCount);
    reportIngested(ports.telemetry, { before, after: feed, plan, records: consumed, nowMs: ports.nowMs() });
    records = records.slice(plan.consumedCount);
  }
};

const existing = (feed: Feed, stream: string): ExistingFeed => {
  if (feed.status === 'none') throw new Error(`there is no feed ${stream}`);
  return feed;
};

const roomFor = (feed: ExistingFeed, [first]: readonly BatchRecord[]): Room =>
  roomAt(feed, first && feedTime(feed, first));

/** Stores the chunk and commits it, trying again as the feed says; a buffer that cannot be written degrades it. */
const append = async (
  ports: IngestFeedPorts,
  feed: ExistingFeed,
  plan: BatchPlan,
): Promise<CommandOutcome<Feed>> => {
  const { stream, config } = feed;
  try {
    return await withRetries(
      { bounds: retryBounds(config.buffer_retry), sleep: ports.sleep, isTransient: isOfBuffer },
      async () => {
        const location = await storeChunk(ports.ledger, feed, plan.chunk);
        return ports.mailbox.send(feedAggregate, request(stream, ingestCommand(plan, location)), {
          effectsMustSucceed: true,
        });
      },
    );
  } catch (error) {
    if (isOfBuffer(error)) await degrade(ports, feed, error);
    throw error;
  }
};

/** The facts stand when an effect fails, and a lost race is no failure of the buffer. */
const isOfBuffer = (error: unknown): boolean =>
  !(error instanceof EffectsFailedError || error instanceof ContentionError);

const degrade = async (
  { mailbox, telemetry }: IngestFeedPorts,
  feed: ExistingFeed,
  error: unknown,
): Promise<void> => {
  const errorDetail = (error instanceof Error ? error.message : String(error)).slice(0, 200);
  const failure = { failureDomain: 'buffer', errorKind: 'buffer_append_failure', errorDetail } as const;
  telemetry.count('orchestrator.buffer.append_failures');
  telemetry.log('warn', 'orchestrator.failure', {
    stream: feed.stream,
    failure_domain: failure.failureDomain,
    error_kind: failure.errorKind,
    error_detail: errorDetail,
  });
  if (feed.status === 'degraded') return;
  try {
    await mailbox.send(feedAggregate, request(feed.stream, { type: 'DegradeFeed', ...failure }));
  } catch (cause) {
    // The ledger itself does not answer: the batch fails either way, and its next delivery says so again.
    telemetry.log('error', 'a feed could not be marked as degraded', {
      stream: feed.stream,
      errorMessage: cause instanceof Error ? cause.message : String(cause),
    });
  }
};

/** Frees what is consumed: plans the ticks before the next record and acknowledges runs; throws when that is not enough. */
const makeRoom = async (
  ports: IngestFeedPorts,
  feed: ExistingFeed,
  next: BatchRecord | undefined,
): Promise<ExistingFeed> => {
  const planned = next ? existing((await catchUp(ports, feed, next)).state, feed.stream) : feed;
  const freed = await acknowledge(ports, planned);
  const room = roomAt(freed, next && feedTime(freed, next));
  if (room.kind === 'room') return freed;
  ports.telemetry.count('orchestrator.backpressure.count');
  if (!freed.ingestionPaused)
    await ports.mailbox.send(feedAggregate, request(freed.stream, { type: 'PauseIngestion', ...room.pause }));
  throw new BufferFullError(freed.stream, room);
};

const acknowledge = async (ports: IngestFeedPorts, feed: ExistingFeed): Promise<ExistingFeed> => {
  const progress = await feedProgress(ports.ledger, feed);
  if (!progress) return feed;
  const outcome = await ports.mailbox.send(feedAggregate, request(feed.stream, progress.command));
  return existing(outcome.state, feed.stream);
};

/** A half-full buffer is looked after before it is full, and a queue that is too long holds back what is planned. */
const followPressure = async (ports: IngestFeedPorts, feed: ExistingFeed): Promise<ExistingFeed> => {
  const { lastSeq, buffer, config, stream } = feed;
  const isFilling = lastSeq - buffer.prunedSeq > config.buffer_retention.max_records / 2;
  const calm = isFilling ? await acknowledge(ports, feed) : feed;
  const command = await pressureCommand(ports, calm);
  if (!command) return calm;
  reportPressure(ports, calm);
  return existing((await ports.mailbox.send(feedAggregate, request(stream, command))).state, stream);
};

/**
 * A batch that was taken in before may have failed after its commit, or its answer was lost: the feed is told that it
 * holds it, and what it owes is done again.
 */
const confirm = async (
  { mailbox }: IngestFeedPorts,
  { stream }: ExistingFeed,
  { shardId, last }: { readonly shardId: string; readonly last: BatchRecord | undefined },
): Promise<void> => {
  const command = { type: 'ConfirmBatch', shardId, lastSequenceNumber: last?.sequenceNumber ?? '0' } as const;
  await mailbox.send(feedAggregate, request(stream, command), { effectsMustSucceed: true, performAll: true });
};

const catchUp = (
  { mailbox }: IngestFeedPorts,
  feed: ExistingFeed,
  next: BatchRecord,
): Promise<CommandOutcome<Feed>> => {
  const { clock } = feed.config;
  const beforeMs = feedTime(feed, next) ?? 0;
  return mailbox.send(feedAggregate, request(feed.stream, { type: 'PlanTicks', clock, beforeMs }), {
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
  return command.type === 'PlanTicks'
    ? `ticks:${command.beforeMs}`
    : `${command.type}:${sha256Hex(JSON.stringify(command))}`;
};
