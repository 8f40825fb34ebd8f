/**
 * Takes records of one shard into one feed: a chunk and a commit as often as it takes, ticks planned on the way. When
 * the buffer has no room, or cannot be written, the batch fails and waits in its stream; nothing is dropped.
 */
import type { CommandOutcome } from '#domain/kernel/commit.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { roomAt } from '#domain/market/feed/flow-control.ts';
import type { Room } from '#domain/market/feed/flow-control.ts';
import { batchLimits, feedTime, planBatch } from '#domain/market/feed/plan-batch.ts';
import type { BatchRecord } from '#domain/market/feed/plan-batch.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import type { QueueDepth } from '#domain/ports/outside.ts';
import { appendToBuffer } from '#functions/ingest-market/buffer-append.ts';
import type { AppendPorts } from '#functions/ingest-market/buffer-append.ts';
import { SettledError } from '#functions/ingest-market/failure-domain.ts';
import { feedRequest } from '#functions/ingest-market/feed-requests.ts';
import { reportIngested } from '#functions/ingest-market/ingest-report.ts';
import { pressureCommand, reportPressure } from '#functions/shared/engine-pressure.ts';
import { feedProgress } from '#functions/shared/feed-acknowledgement.ts';

export interface IngestFeedPorts extends AppendPorts {
  readonly loadFeed: (stream: string) => Promise<Feed>;
  /** How long the queue of engine runs is. */
  readonly engineDepth: QueueDepth;
  readonly nowMs: () => number;
}

/** Records of one shard for one feed, in stream order. */
export interface ShardBatch {
  readonly shardId: string;
  readonly records: readonly BatchRecord[];
}

/** The buffer has no room for the next record; the batch comes again when there is some. */
export class BufferFullError extends SettledError {
  readonly code = 'buffer_full';
  constructor(
    stream: string,
    { pause: { reason, observed, limit } }: Extract<Room, { readonly kind: 'full' }>,
  ) {
    super(
      'BufferFullError',
      `input buffer ${reason} exceeded: feed ${stream} has ${observed}, at most ${limit} are taken`,
    );
  }
}

/** A feed refused a batch, or moved each time it was planned: only the next delivery can be another. */
export class BatchRefusedError extends SettledError {
  constructor(message: string) {
    super('BatchRefusedError', message);
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
        throw new BatchRefusedError(`feed ${stream} does not plan the ticks before its next record`);
      feed = existing(caughtUp.state, stream);
      records = records.slice(plan.duplicateCount);
      continue;
    }
    if (room.kind === 'full') {
      feed = await makeRoom(ports, feed, records[plan.duplicateCount]);
      continue;
    }
    const before = feed;
    const outcome = await appendToBuffer(ports, feed, plan);
    feed = existing(outcome.state, stream);
    if (outcome.kind === 'rejected') {
      if (outcome.rejection.code !== 'contention' || ++replans > REPLANS_MAX)
        throw new BatchRefusedError(`feed ${stream} refused a batch: ${outcome.rejection.message}`);
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
    await ports.mailbox.send(
      feedAggregate,
      feedRequest(freed.stream, { type: 'PauseIngestion', ...room.pause }),
    );
  throw new BufferFullError(freed.stream, room);
};

const acknowledge = async (ports: IngestFeedPorts, feed: ExistingFeed): Promise<ExistingFeed> => {
  const progress = await feedProgress(ports.ledger, feed);
  if (!progress) return feed;
  const outcome = await ports.mailbox.send(feedAggregate, feedRequest(feed.stream, progress.command));
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
  return existing((await ports.mailbox.send(feedAggregate, feedRequest(stream, command))).state, stream);
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
  await mailbox.send(feedAggregate, feedRequest(stream, command), {
    effectsMustSucceed: true,
    performAll: true,
  });
};

const catchUp = (
  { mailbox }: IngestFeedPorts,
  feed: ExistingFeed,
  next: BatchRecord,
): Promise<CommandOutcome<Feed>> => {
  const { clock } = feed.config;
  const beforeMs = feedTime(feed, next) ?? 0;
  return mailbox.send(feedAggregate, feedRequest(feed.stream, { type: 'PlanTicks', clock, beforeMs }), {
    effectsMustSucceed: true,
  });
};
