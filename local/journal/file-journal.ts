/**
 * Group commit: everything appended in one turn of the event loop becomes one frame, written and synced once.
 * After the first failed write nothing is acknowledged any more, since what is in memory is ahead of the disk.
 */
import type { Journal } from '#local/kernel/journal.ts';
import { createFrameWriter } from '#local/journal/frame.ts';
import type { SegmentWriter } from '#local/journal/segment-writer.ts';
import type { StateDirectoryError } from '#local/journal/state-directory-error.ts';

export interface FileJournal extends Journal {
  /** Writes and syncs what is pending now; throws when the journal has failed. */
  readonly flush: () => void;
  /** The last sequence on disk. */
  readonly sequence: () => number;
  /** Bytes written since the journal was opened. */
  readonly byteCount: () => number;
}

export interface FileJournalSetting {
  readonly segments: SegmentWriter;
  readonly lastSequence: number;
  /** Turns what the disk threw into the error that pending and later callers get. */
  readonly failure: (cause: unknown) => StateDirectoryError;
}

interface Group {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: StateDirectoryError) => void;
}

const done = Promise.resolve();

/** Appends behind `lastSequence`. */
export const createFileJournal = ({ segments, lastSequence, failure }: FileJournalSetting): FileJournal => {
  const writer = createFrameWriter();
  let sequence = lastSequence;
  let byteCount = 0;
  let pending: Group | undefined;
  let failed: StateDirectoryError | undefined;

  const writePending = (): void => {
    const group = pending;
    if (!group) return;
    pending = undefined;
    try {
      const recordCount = writer.recordCount();
      const frame = writer.finish(sequence + 1);
      segments.put(frame);
      sequence += recordCount;
      byteCount += frame.length;
      group.resolve();
    } catch (error) {
      failed = failure(error);
      group.reject(failed);
    }
  };

  return {
    append: (engine, entry) => {
      if (failed) return;
      writer.add(engine, entry);
      if (pending) return;
      pending = createGroup();
      setImmediate(writePending);
    },
    durable: () => (failed ? Promise.reject(failed) : (pending?.promise ?? done)),
    flush: () => {
      writePending();
      if (failed) throw failed;
    },
    sequence: () => sequence,
    byteCount: () => byteCount,
  };
};

const createGroup = (): Group => {
  let settle: Pick<Group, 'resolve' | 'reject'> = { resolve: () => undefined, reject: () => undefined };
  const promise = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Nobody may be waiting for this group; its failure still reaches the next caller of `durable`.
  promise.catch(() => undefined);
  return { promise, ...settle };
};
