/** Takes records into the buffer of a feed while it has room: a chunk and a commit as often as it takes, ticks planned on the way. */
import type { IngestionPaused } from '#contracts/market/feed.ts';
import type { CommandOutcome } from '#domain/kernel/commit.ts';
import { roomAt } from '#domain/market/feed/flow-control.ts';
import { batchLimits, feedTime, planBatch } from '#domain/market/feed/plan-batch.ts';
import type { Batch, BatchPlan, BatchRecord } from '#domain/market/feed/plan-batch.ts';
import { isInTurn } from '#domain/market/feed/spill.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import type { QueueDepth } from '#domain/ports/outside.ts';
import { appendToBuffer } from '#functions/shared/buffer-append.ts';
import type { AppendPorts } from '#functions/shared/buffer-append.ts';
import { confirmBatch, tellFeed } from '#functions/shared/feed-requests.ts';
import { feedProgress } from '#functions/shared/feed-acknowledgement.ts';
import { reportIngested } from '#functions/shared/ingest-report.ts';
import { SettledError } from '#functions/shared/ingestion-retry.ts';

export interface TakeInPorts extends AppendPorts {
  readonly loadFeed: (stream: string) => Promise<Feed>;
  /** How long the queue of engine runs is. */
  readonly engineDepth: QueueDepth;
  readonly nowMs: () => number;
}

/** Records of one shard for one feed, in stream order. */
export type ShardBatch = Pick<Batch, 'shardId' | 'records'>;

/** How far it went. */
export interface TakenIn {
  readonly feed: ExistingFeed;
  /** Records that were not taken: the buffer is full, or others go first. */
  readonly left: readonly BatchRecord[];
  /** Why the buffer has no room for the first of them. */
  readonly pause?: IngestionPaused;
}

/** A feed refused a batch, or moved each time it was planned: only the next delivery can be another. */
export class BatchRefusedError extends SettledError {
  constructor(message: string) {
    super('BatchRefusedError', message);
  }
}

/** How often a batch is planned again because the feed had moved meanwhile, or did not move when asked to. */
export const REPLANS_MAX = 20;

/** Takes in what there is room for, and what is next: spilled records before others. */
export const takeIn = async (ports: TakeInPorts, start: ExistingFeed, batch: Batch): Promise<TakenIn> => {
  const { stream } = start;
  let feed = start;
  let rest = batch;
  let replans = 0;
  const replanned = (why: string): void => {
    if (++replans > REPLANS_MAX) throw new BatchRefusedError(`feed ${stream} ${why}`);
  };
  while (rest.records.length > 0 && isInTurn(feed.spill, rest.spilled)) {
    const room = roomFor(feed, rest.records);
    const recordsMax = room.kind === 'full' ? 1 : Math.min(room.recordsMax, batchLimits.recordsMax);
    const plan = planBatch(feed, rest, { ...batchLimits, recordsMax });
    if (plan.kind === 'nothing-new') {
      ports.telemetry.count('RecordsRepeated', plan.duplicateCount);
      const next = rest.records[plan.duplicateCount];
      if (!next) {
        await confirmBatch(ports, feed, { shardId: rest.shardId, last: rest.records.at(-1) });
        return { feed, left: [] };
      }
      // So many ticks lie before the next record that they fill commits of their own.
      const caughtUp = await catchUp(ports, feed, next);
      if (caughtUp.kind !== 'committed') replanned('does not plan the ticks before its next record');
      feed = existing(caughtUp.state, stream);
      rest = behind(rest, plan.duplicateCount);
      continue;
    }
    if (room.kind === 'full') {
      const made = await makeRoom(ports, feed, rest.records[plan.duplicateCount]);
      if (made.pause) return { ...made, left: rest.records };
      feed = made.feed;
      continue;
    }
    const taken = await commit(ports, feed, { batch: rest, plan });
    if (!taken) replanned('refused a batch: it moved each time');
    feed = taken ?? existing(await ports.loadFeed(stream), stream);
    if (taken) rest = behind(rest, plan.consumedCount);
  }
  return { feed, left: rest.records };
};

/** A batch without its first records. */
const behind = ({ spilled, records, shardId }: Batch, count: number): Batch => ({
  shardId,
  records: records.slice(count),
  ...(spilled ? { spilled: { ...spilled, index: spilled.index + count } } : {}),
});

/** The feed once it has the records of a plan; undefined when it had moved since they were planned. */
const commit = async (
  ports: TakeInPorts,
  before: ExistingFeed,
  { batch, plan }: { readonly batch: Batch; readonly plan: BatchPlan },
): Promise<ExistingFeed | undefined> => {
  const outcome = await appendToBuffer(ports, before, plan);
  if (outcome.kind === 'rejected') {
    if (outcome.rejection.code === 'contention') return undefined;
    throw new BatchRefusedError(`feed ${before.stream} refused a batch: ${outcome.rejection.message}`);
  }
  const after = existing(outcome.state, before.stream);
  const records = batch.records.slice(0, plan.consumedCount);
  reportIngested(ports.telemetry, { before, after, plan, records, nowMs: ports.nowMs() });
  return after;
};

/** A feed that must exist. */
export const existing = (feed: Feed, stream: string): ExistingFeed => {
  if (feed.status === 'none') throw new Error(`there is no feed ${stream}`);
  return feed;
};

const roomFor = (feed: ExistingFeed, [first]: readonly BatchRecord[]) =>
  roomAt(feed, first && feedTime(feed, first));

/** Frees what is consumed: plans the ticks before the next record and acknowledges runs; says why when that is not enough. */
const makeRoom = async (
  ports: TakeInPorts,
  feed: ExistingFeed,
  next: BatchRecord | undefined,
): Promise<{ readonly feed: ExistingFeed; readonly pause?: IngestionPaused }> => {
  const planned = next ? existing((await catchUp(ports, feed, next)).state, feed.stream) : feed;
  const freed = await acknowledge(ports, planned);
  const room = roomAt(freed, next && feedTime(freed, next));
  return room.kind === 'room' ? { feed: freed } : { feed: freed, pause: room.pause };
};

/** The feed once it knows which of its runs are terminal. */
export const acknowledge = async (ports: TakeInPorts, feed: ExistingFeed): Promise<ExistingFeed> => {
  const progress = await feedProgress(ports.ledger, feed);
  if (!progress) return feed;
  return existing((await tellFeed(ports, feed.stream, progress.command)).state, feed.stream);
};

const catchUp = (
  ports: TakeInPorts,
  feed: ExistingFeed,
  next: BatchRecord,
): Promise<CommandOutcome<Feed>> => {
  const { clock } = feed.config;
  const beforeMs = feedTime(feed, next) ?? 0;
  return tellFeed(ports, feed.stream, { type: 'PlanTicks', clock, beforeMs }, { effectsMustSucceed: true });
};
