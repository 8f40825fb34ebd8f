/** The segment new frames go to, and the zero-filled spare that will follow it. */
import path from 'node:path';
import type { Disk } from '#local/journal/disk.ts';
import { segmentName, TEMPORARY } from '#local/journal/recovery.ts';

export interface SegmentWriter {
  /** Writes and syncs one frame, in a new segment when it does not fit the present one. */
  readonly put: (frame: Uint8Array) => void;
  /** Begins a new segment; everything before it is in segments up to the returned index. */
  readonly roll: () => number;
  readonly close: () => Promise<void>;
}

export interface SegmentSetting {
  readonly directory: string;
  readonly disk: Disk;
  readonly segmentBytes: number;
  /** Index of the newest segment on disk, which is never written again. */
  readonly lastSegment: number;
}

/** Opens a fresh segment behind the existing ones. */
export const createSegmentWriter = (setting: SegmentSetting): SegmentWriter => {
  const { directory, disk, segmentBytes } = setting;
  const spare = path.join(directory, `spare${TEMPORARY}`);
  let spareState: 'none' | 'filling' | 'ready' = 'none';
  let filling: Promise<void> = Promise.resolve();
  let index = setting.lastSegment;
  let handle: number | undefined;
  let position = 0;

  const begin = (): void => {
    const file = path.join(directory, segmentName(index + 1));
    if (spareState === 'ready') {
      disk.rename(spare, file);
      spareState = 'none';
    } else {
      disk.fill(file, segmentBytes);
    }
    disk.syncDirectory(directory);
    const next = disk.open(file);
    if (handle !== undefined) disk.close(handle);
    handle = next;
    index++;
    position = 0;
  };

  const prepareSpare = (): void => {
    if (spareState !== 'none' || position < segmentBytes / 2) return;
    spareState = 'filling';
    filling = disk.fillLater(spare, segmentBytes).then(
      () => {
        spareState = 'ready';
      },
      () => {
        // The disk may be full: the next segment is then filled in place, and fails loudly if it still is.
        spareState = 'none';
      },
    );
  };

  begin();
  return {
    put: (frame) => {
      if (position > 0 && position + frame.length > segmentBytes) begin();
      if (handle === undefined) throw new Error('the segment is closed');
      disk.write(handle, frame, position);
      disk.sync(handle);
      position += frame.length;
      prepareSpare();
    },
    roll: () => {
      const before = index;
      begin();
      return before;
    },
    close: async () => {
      await filling;
      if (handle !== undefined) disk.close(handle);
      handle = undefined;
      if (spareState === 'ready') disk.remove(spare);
    },
  };
};
