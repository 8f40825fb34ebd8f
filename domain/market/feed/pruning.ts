/**
 * Deleting what the buffer no longer needs, for feeds that ask for it. First the feed records which chunks count no
 * more, so that no reader looks for them; then their content is deleted, as often as it takes. Only what is consumed
 * by every symbol and outside the promised replay window is pruned (`pruneBuffer`), and only as whole chunks.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import type { ChunkRef } from '#contracts/market/engine-run.ts';
import type {
  ChunksDeleted,
  ChunksPruned,
  ConfirmDeletion,
  PruneChunks,
} from '#contracts/market/feed-pruning.ts';
import type { RecordsIngested, TicksPlanned } from '#contracts/market/feed.ts';
import type { ProposedEvent, Rejection, Waiting } from '#domain/kernel/aggregate.ts';
import { accept } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import type * as z from 'zod';

/** What of a feed's buffer is gone. */
export interface GoneChunks {
  /** Records up to here. */
  readonly seq: number;
  /** The first event whose chunk is left. */
  readonly nextSequence: number;
  /** Events whose chunks' content is still to be deleted, and since when. */
  readonly deleting?: {
    readonly fromSequence: number;
    readonly throughSequence: number;
    readonly sinceMs: number;
  };
}

/** The chunks of a feed that has pruned none. */
export const nothingGone: GoneChunks = { seq: 0, nextSequence: 1 };

/** Chunks of one pruning at most. */
export const PRUNED_CHUNKS_MAX = 500;
/** How long a deletion may take before the sweeper looks after it. */
export const DELETION_DEADLINE_MS = 60_000;

type PruningDecision = Decision<ProposedEvent, Rejection>;

/** Whether the records of a chunk are gone. */
export const isGone = (
  { gone }: Pick<ExistingFeed, 'gone'>,
  { lastSeq }: Pick<ChunkRef, 'lastSeq'>,
): boolean => lastSeq <= gone.seq;

/** Whether there may be chunks to prune; `prunableChunks` knows. */
export const mayPrune = ({
  config,
  buffer,
  gone,
}: Pick<ExistingFeed, 'config' | 'buffer' | 'gone'>): boolean =>
  config.buffer_retention.delete_pruned && gone.deleting === undefined && buffer.prunedSeq > gone.seq;

/** What can be pruned of a feed, from its events behind the last pruning; undefined when that is no whole chunk. */
export const prunableChunks = (
  { buffer, gone }: Pick<ExistingFeed, 'buffer' | 'gone'>,
  events: readonly RecordedEvent[],
): ChunksPruned | undefined => {
  const added = events.filter(({ type }) => type === 'RecordsIngested');
  const kept = added.findIndex(({ data }) => (data as RecordsIngested).chunk.lastSeq > buffer.prunedSeq);
  const whole = added.slice(0, kept < 0 ? PRUNED_CHUNKS_MAX : Math.min(kept, PRUNED_CHUNKS_MAX));
  const last = whole.at(-1);
  if (!last) return undefined;
  return {
    throughSeq: (last.data as RecordsIngested).chunk.lastSeq,
    fromSequence: gone.nextSequence,
    throughSequence: last.sequence,
    chunkCount: whole.length,
    bytes: whole.reduce((sum, { data }) => sum + (data as RecordsIngested).chunk.bytes, 0),
  };
};

/** Records which chunks count no more. */
export const pruneChunks = (
  feed: Pick<ExistingFeed, 'config' | 'buffer' | 'gone' | 'stream'>,
  { type: _type, ...data }: z.infer<typeof PruneChunks>,
): PruningDecision => {
  const isNeeded = data.throughSeq > feed.buffer.prunedSeq;
  if (!mayPrune(feed) || isNeeded || data.fromSequence !== feed.gone.nextSequence) return accept();
  const idempotencyKey = `chunks-pruned:${feed.stream}:${data.throughSequence}`;
  return accept({ type: 'ChunksPruned', idempotencyKey, data });
};

/** Notes that the content of pruned chunks is gone. */
export const confirmDeletion = (
  { gone, stream }: Pick<ExistingFeed, 'gone' | 'stream'>,
  { throughSequence }: z.infer<typeof ConfirmDeletion>,
): PruningDecision =>
  gone.deleting?.throughSequence === throughSequence
    ? accept({
        type: 'ChunksDeleted',
        idempotencyKey: `chunks-deleted:${stream}:${throughSequence}`,
        data: { throughSequence },
      })
    : accept();

/** What is gone after an event of pruning. */
export const goneAfter = (
  gone: GoneChunks,
  type: 'ChunksPruned' | 'ChunksDeleted',
  { data, occurredAtMs: sinceMs }: RecordedEvent,
): GoneChunks => {
  switch (type) {
    case 'ChunksPruned': {
      const { throughSeq, fromSequence, throughSequence } = data as ChunksPruned;
      const deleting = { fromSequence, throughSequence, sinceMs };
      return { seq: throughSeq, nextSequence: throughSequence + 1, deleting };
    }
    case 'ChunksDeleted':
      return { seq: gone.seq, nextSequence: (data as ChunksDeleted).throughSequence + 1 };
  }
};

/** The objects to delete: chunks of pruned events that lie in the object store. What the ledger's table holds stays. */
export const chunksToDelete = (
  deleting: NonNullable<GoneChunks['deleting']>,
  events: readonly RecordedEvent[],
): readonly ChunkRef[] =>
  events
    .filter(({ type, sequence }) => type === 'RecordsIngested' && sequence <= deleting.throughSequence)
    .map(({ data }) => (data as RecordsIngested).chunk)
    .filter(({ location }) => location === 'blob');

/** What a deletion waits for. */
export const pruningWaiting = ({ gone: { deleting } }: Pick<ExistingFeed, 'gone'>): readonly Waiting[] =>
  deleting ? [{ reason: 'deletion', deadlineMs: deleting.sinceMs + DELETION_DEADLINE_MS }] : [];

/** The engine timestamp of the first tick among a feed's events all of whose chunks are left. */
export const firstReplayableMs = (
  feed: Pick<ExistingFeed, 'gone'>,
  events: readonly RecordedEvent[],
): number | undefined =>
  events
    .filter(({ type }) => type === 'TicksPlanned')
    .flatMap(({ data }) => {
      const { ticks, chunks } = data as TicksPlanned;
      return ticks.map((tick) => ({ ...tick, chunks }));
    })
    .find(({ cutEnd, chunks }) => cutEnd > feed.gone.seq && !chunks.refs.some((ref) => isGone(feed, ref)))
    ?.engineTimestampMs;
