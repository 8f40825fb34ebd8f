/**
 * How far each mapping has read each shard. A checkpoint is journaled after the batch succeeded and is not waited
 * for: a crash repeats the batch, so delivery is at least once, as on AWS.
 */
import type { Journal, JournalEntry } from '#local/kernel/journal.ts';

/** Positions up to which mappings have delivered, by mapping and shard. */
export interface Checkpoints {
  readonly position: (mappingId: string, shardId: string) => number | undefined;
  readonly advance: (mappingId: string, shardId: string, position: number) => void;
  readonly restore: (entry: JournalEntry) => void;
  readonly snapshot: () => Iterable<JournalEntry>;
}

/** The name under which checkpoints are journaled. */
export const mappingEngineName = 'mapping';

/** Checkpoints of all mappings, empty until restored. */
export const mappingCheckpoints = (journal: Journal): Checkpoints => {
  const positions = new Map<string, Map<string, number>>();
  const set = (mappingId: string, shardId: string, position: number): void => {
    const shards = positions.get(mappingId) ?? new Map<string, number>();
    positions.set(mappingId, shards.set(shardId, position));
  };
  return {
    position: (mappingId, shardId) => positions.get(mappingId)?.get(shardId),
    advance: (mappingId, shardId, position) => {
      if (positions.get(mappingId)?.get(shardId) === position) return;
      set(mappingId, shardId, position);
      journal.append(mappingEngineName, ['checkpoint', mappingId, shardId, position]);
    },
    restore: ([operation, mappingId, shardId, position]) => {
      if (operation !== 'checkpoint') throw new Error(`mappings never wrote a journal entry ${operation}`);
      set(String(mappingId), String(shardId), Number(position));
    },
    snapshot: function* () {
      for (const [mappingId, shards] of positions)
        for (const [shardId, position] of shards) yield ['checkpoint', mappingId, shardId, position];
    },
  };
};
