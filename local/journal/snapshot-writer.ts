/**
 * Writes a snapshot so that a kill at any step leaves either the old state or the new one: temporary file, sync,
 * rename, directory sync, and only then are the files it replaces removed.
 */
import path from 'node:path';
import type { JournalEntry } from '#local/kernel/journal.ts';
import type { Disk } from '#local/journal/disk.ts';
import { createFrameWriter } from '#local/journal/frame.ts';
import { snapshotName, TEMPORARY } from '#local/journal/recovery.ts';

const FRAME_BYTES = 1024 * 1024;

export interface SnapshotFile {
  readonly recordCount: number;
  /** Makes the file durable and gives it its name. */
  readonly publish: () => Promise<void>;
}

/** Reads every entry before it returns, so that the file holds one instant of the engines. */
export const writeSnapshot = (
  target: { readonly directory: string; readonly disk: Disk; readonly sequence: number },
  entries: Iterable<readonly [engine: string, entry: JournalEntry]>,
): SnapshotFile => {
  const { directory, disk, sequence } = target;
  const file = path.join(directory, snapshotName(sequence));
  const temporary = `${file}${TEMPORARY}`;
  const handle = disk.open(temporary);
  const writer = createFrameWriter();
  let recordCount = 0;
  let position = 0;
  const put = (): void => {
    const firstSequence = recordCount - writer.recordCount() + 1;
    const frame = writer.finish(firstSequence);
    disk.write(handle, frame, position);
    position += frame.length;
  };
  try {
    for (const [engine, entry] of entries) {
      writer.add(engine, entry);
      recordCount++;
      if (writer.byteCount() >= FRAME_BYTES) put();
    }
    if (writer.recordCount() > 0) put();
    put();
  } catch (error) {
    disk.close(handle);
    disk.remove(temporary);
    throw error;
  }
  return {
    recordCount,
    publish: async () => {
      try {
        await disk.syncLater(handle);
      } finally {
        disk.close(handle);
      }
      disk.rename(temporary, file);
      disk.syncDirectory(directory);
    },
  };
};
