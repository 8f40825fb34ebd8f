/**
 * Every load of a run that starts from an embedded state needs its plan, which stands in the first commit and never
 * changes: an environment reads it once and keeps it, so that such a load is one request and not two.
 */
import { commitBytes } from '#domain/kernel/stream.ts';
import type { LedgerReader, StoredCommit } from '#domain/ports/ledger.ts';

const BYTES_MAX = 16 * 1024 * 1024;

interface Kept {
  readonly commit: StoredCommit;
  readonly bytes: number;
}

/** The ledger, answering a read of one first commit from memory once it knows it; default at most 16 MiB of them. */
export const keepFirstCommits = <Reader extends LedgerReader>(
  ledger: Reader,
  bytesMax: number = BYTES_MAX,
): Reader => {
  const kept = new Map<string, Kept>();
  let keptBytes = 0;

  const keep = (stream: string, commit: StoredCommit): void => {
    const bytes = commitBytes(commit);
    kept.set(stream, { commit, bytes });
    keptBytes += bytes;
    for (const [oldest, entry] of kept) {
      if (keptBytes <= bytesMax) return;
      kept.delete(oldest);
      keptBytes -= entry.bytes;
    }
  };

  return {
    ...ledger,
    read: async (stream: string, fromSequence: number, limit: number) => {
      if (fromSequence !== 1 || limit !== 1) return ledger.read(stream, fromSequence, limit);
      const known = kept.get(stream);
      if (known) return [known.commit];
      const commits = await ledger.read(stream, fromSequence, limit);
      const [first] = commits;
      if (first && !kept.has(stream)) keep(stream, first);
      return commits;
    },
  };
};
