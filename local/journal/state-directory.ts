/**
 * The durable side of the local cloud: one journal for all engines and the snapshots that shorten it. Boot: open,
 * hand `entries()` to the engines, then serve; `snapshot` whenever `shouldSnapshot()` says so; `close` at the end.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Journal, JournalEntry } from '#local/kernel/journal.ts';
import { realDisk, type Disk } from '#local/journal/disk.ts';
import { createFileJournal, type FileJournal } from '#local/journal/file-journal.ts';
import { takeLock } from '#local/journal/lock.ts';
import { ACKNOWLEDGED, entriesOf, recover, segmentName, snapshotName } from '#local/journal/recovery.ts';
import { createSegmentWriter, type SegmentWriter } from '#local/journal/segment-writer.ts';
import { writeSnapshot } from '#local/journal/snapshot-writer.ts';
import { FORMAT_VERSION, readStamp, writeStamp, writeWhole, type StateStamp } from '#local/journal/stamp.ts';
import { StateDirectoryError, unwritable } from '#local/journal/state-directory-error.ts';

type EngineEntry = readonly [engine: string, entry: JournalEntry];

export interface StateDirectoryOptions {
  /** Bytes filled with zeros ahead of use, default 64 MiB. */
  readonly segmentBytes?: number;
  /** A snapshot is due beyond this many records behind the last one, default 50,000. */
  readonly tailRecordsMax?: number;
  /** A snapshot is due beyond this many bytes behind the last one, default 128 MiB. */
  readonly tailBytesMax?: number;
  /** How long a process that holds the lock and may be ending is waited for, default 2 s. */
  readonly lockPatienceMs?: number;
  readonly disk?: Disk;
}

export interface StateDirectory {
  readonly journal: Journal;
  readonly stamp: () => StateStamp;
  /** Replaces the stamp's own members; `formatVersion` stays. */
  readonly writeStamp: (members: Readonly<Record<string, unknown>>) => void;
  /** What was on disk at opening, in the order of appending. */
  readonly entries: () => Iterable<EngineEntry>;
  /**
   * True once the tail is over its limits, and at least half as long as the last snapshot, so that snapshots cost
   * a constant share of the writing.
   */
  readonly shouldSnapshot: () => boolean;
  /**
   * Replaces the journal so far by these entries. They are read before the call returns its promise, so they must
   * be the engines' state at that instant; the rest is done without holding up callers.
   */
  readonly snapshot: (entries: Iterable<EngineEntry>) => Promise<void>;
  /** Flushes, marks what was acknowledged and releases the directory. */
  readonly close: () => Promise<void>;
}

const MIB = 1024 * 1024;

/** Opens or creates the directory; throws `StateDirectoryError`. */
export const openStateDirectory = (
  directory: string,
  options: StateDirectoryOptions = {},
): StateDirectory => {
  const release = lockDirectory(directory, options.lockPatienceMs ?? 2_000);
  try {
    return openLocked(path.resolve(directory), options, release);
  } catch (error) {
    release();
    throw error instanceof StateDirectoryError ? error : unwritable(directory, error);
  }
};

const lockDirectory = (directory: string, patienceMs: number): (() => void) => {
  try {
    fs.mkdirSync(directory, { recursive: true });
    return takeLock(directory, patienceMs);
  } catch (error) {
    throw error instanceof StateDirectoryError ? error : unwritable(directory, error);
  }
};

const openLocked = (
  directory: string,
  options: StateDirectoryOptions,
  release: () => void,
): StateDirectory => {
  const disk = options.disk ?? realDisk;
  const recovered = recover(directory, disk);
  let stamp = readStamp(directory) ?? createStamp(directory, disk);
  const segments = createSegmentWriter({
    directory,
    disk,
    segmentBytes: options.segmentBytes ?? 64 * MIB,
    lastSegment: recovered.lastSegment,
  });
  const journal = createFileJournal({
    segments,
    lastSequence: recovered.lastSequence,
    failure: (cause) => unwritable(directory, cause),
  });
  const snapshots = createSnapshots({ directory, disk, segments, journal, options }, recovered);
  return {
    journal,
    stamp: () => stamp,
    writeStamp: (members) => {
      stamp = { ...members, formatVersion: FORMAT_VERSION };
      writeStamp(directory, disk, stamp);
    },
    entries: () => entriesOf(recovered),
    ...snapshots,
    close: async () => {
      try {
        journal.flush();
        await snapshots.settled();
        writeWhole(path.join(directory, ACKNOWLEDGED), disk, String(journal.sequence()));
      } finally {
        await segments.close();
        release();
      }
    },
  };
};

const createStamp = (directory: string, disk: Disk): StateStamp => {
  const stamp = { formatVersion: FORMAT_VERSION };
  writeStamp(directory, disk, stamp);
  return stamp;
};

interface SnapshotSetting {
  readonly directory: string;
  readonly disk: Disk;
  readonly segments: SegmentWriter;
  readonly journal: FileJournal;
  readonly options: StateDirectoryOptions;
}

interface Snapshots extends Pick<StateDirectory, 'shouldSnapshot' | 'snapshot'> {
  /** Resolves when no snapshot is being written. */
  readonly settled: () => Promise<void>;
}

interface TailStart {
  readonly snapshotSequence: number;
  readonly snapshotRecordCount: number;
  readonly tailByteCount: number;
}

const createSnapshots = (setting: SnapshotSetting, start: TailStart): Snapshots => {
  const { directory, disk, segments, journal, options } = setting;
  let named = start.snapshotSequence;
  let begunAt = start.snapshotSequence;
  let recordCount = start.snapshotRecordCount;
  let bytesBefore = -start.tailByteCount;
  let running: Promise<void> | undefined;

  const write = async (entries: Iterable<EngineEntry>): Promise<void> => {
    journal.flush();
    const sequence = journal.sequence();
    if (sequence === named) return;
    begunAt = sequence;
    bytesBefore = journal.byteCount();
    const lastSegment = segments.roll();
    const file = writeSnapshot({ directory, disk, sequence }, entries);
    await file.publish();
    recordCount = file.recordCount;
    const replaced = named;
    named = sequence;
    removeReplaced(setting, { lastSegment, snapshotSequence: replaced });
  };

  return {
    shouldSnapshot: () => {
      if (running) return false;
      const tailRecords = journal.sequence() - begunAt;
      const isLong = tailRecords > (options.tailRecordsMax ?? 50_000);
      const isBig = journal.byteCount() - bytesBefore > (options.tailBytesMax ?? 128 * MIB);
      return (isLong || isBig) && tailRecords * 2 >= recordCount;
    },
    snapshot: (entries) => {
      running ??= write(entries)
        .catch((error: unknown) => {
          throw error instanceof StateDirectoryError ? error : unwritable(directory, error);
        })
        .finally(() => {
          running = undefined;
        });
      return running;
    },
    settled: async () => {
      await running?.catch(() => undefined);
    },
  };
};

const removeReplaced = (
  { directory, disk }: SnapshotSetting,
  replaced: { readonly lastSegment: number; readonly snapshotSequence: number },
): void => {
  for (const name of fs.readdirSync(directory)) {
    const isOldSegment = name.startsWith('segment-') && name <= segmentName(replaced.lastSegment);
    const isOldSnapshot = name === snapshotName(replaced.snapshotSequence);
    if (isOldSegment || isOldSnapshot) disk.remove(path.join(directory, name));
  }
};
