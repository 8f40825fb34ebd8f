/** Events and commands of a feed that deletes what its buffer no longer needs (`buffer_retention.delete_pruned`). */
import * as z from 'zod';

/**
 * Chunks below the lowest cut of all symbols and outside the replay window count no more, for readers either: what they
 * hold is deleted after this.
 */
export const ChunksPruned = z.strictObject({
  /** The last record of the last of them. */
  throughSeq: z.int().min(1),
  /** The events that added them: behind the last pruning, and up to this one. */
  fromSequence: z.int().min(1),
  throughSequence: z.int().min(1),
  chunkCount: z.int().min(1),
  /** Before compression. */
  bytes: z.int().min(1),
});
export type ChunksPruned = z.infer<typeof ChunksPruned>;

/** The content of pruned chunks is gone from the object store, up to the one this event of the feed added. */
export const ChunksDeleted = z.strictObject({ throughSequence: z.int().min(1) });
export type ChunksDeleted = z.infer<typeof ChunksDeleted>;

/** Prunes chunks; it changes nothing while others are being deleted, or when the feed has moved or still needs them. */
export const PruneChunks = ChunksPruned.extend({ type: z.literal('PruneChunks') });

/** Says that the content of pruned chunks was deleted. */
export const ConfirmDeletion = ChunksDeleted.extend({ type: z.literal('ConfirmDeletion') });
