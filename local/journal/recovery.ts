/**
 * Reads what a state directory holds after any end of its process: the newest snapshot, then the frames behind
 * it. What a kill can leave (a torn tail, temporary files, files a snapshot has made useless) is mended; anything
 * else is refused as corruption with file and offset.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { JournalEntry } from '#local/kernel/journal.ts';
import type { Disk } from '#local/journal/disk.ts';
import { frameAt, nextFrame, recordsOf, type Frame } from '#local/journal/frame.ts';
import { corrupt } from '#local/journal/state-directory-error.ts';

/** Ending of files that are not complete. */
export const TEMPORARY = '.part';
/** Name of the file that tells how far answers were given. */
export const ACKNOWLEDGED = 'acknowledged';

const digits = (value: number, width: number): string => String(value).padStart(width, '0');

/** The file name of a segment. */
export const segmentName = (index: number): string => `segment-${digits(index, 8)}.journal`;

/** A snapshot is named for the last sequence it holds. */
export const snapshotName = (sequence: number): string => `snapshot-${digits(sequence, 15)}.journal`;

interface FramedFile {
  readonly file: string;
  readonly frames: readonly Frame[];
}

export interface Recovered {
  readonly files: readonly FramedFile[];
  readonly lastSequence: number;
  readonly snapshotSequence: number;
  readonly snapshotRecordCount: number;
  readonly tailRecordCount: number;
  readonly tailByteCount: number;
  /** Index of the newest segment on disk, 0 when there is none. */
  readonly lastSegment: number;
}

/** Checks every byte that was acknowledged and cuts what was not. */
export const recover = (directory: string, disk: Disk): Recovered => {
  const names = fs.readdirSync(directory).sort();
  for (const name of names) if (name.endsWith(TEMPORARY)) disk.remove(path.join(directory, name));
  const snapshots = names.filter((name) => /^snapshot-\d{15}\.journal$/.test(name));
  const segments = names.filter((name) => /^segment-\d{8}\.journal$/.test(name));
  const newest = snapshots.at(-1);
  for (const old of snapshots.slice(0, -1)) disk.remove(path.join(directory, old));

  const snapshot = newest === undefined ? undefined : readSnapshot(directory, newest);
  const snapshotSequence = newest === undefined ? 0 : Number(newest.slice(9, 24));
  const tail = readSegments({ directory, disk, names: segments }, snapshotSequence);
  refuseLoss(directory, tail);
  return {
    files: [...(snapshot ? [snapshot] : []), ...tail.files],
    lastSequence: tail.lastSequence,
    snapshotSequence,
    snapshotRecordCount: recordCountOf(snapshot?.frames ?? []),
    tailRecordCount: tail.lastSequence - snapshotSequence,
    tailByteCount: tail.byteCount,
    lastSegment: Number(segments.at(-1)?.slice(8, 16) ?? 0),
  };
};

/** Entries of the snapshot, then of the frames behind it, in the order they were appended. */
export function* entriesOf(recovered: Recovered): Generator<readonly [string, JournalEntry]> {
  for (const { file, frames } of recovered.files) {
    if (frames.length === 0) continue;
    const bytes = fs.readFileSync(file);
    for (const frame of frames) yield* recordsOf(bytes, frame);
  }
}

const recordCountOf = (frames: readonly Frame[]): number =>
  frames.reduce((count, frame) => count + frame.recordCount, 0);

/** A snapshot was complete before it got its name, and its last frame, an empty one, says where it ends. */
const readSnapshot = (directory: string, name: string): FramedFile => {
  const file = path.join(directory, name);
  const bytes = fs.readFileSync(file);
  const frames: Frame[] = [];
  let offset = 0;
  for (let index = 1; ;) {
    const frame = frameAt(bytes, offset);
    if (!frame) throw corrupt(file, offset, 'a part of the snapshot fails its checksum');
    if (frame.firstSequence !== index) throw corrupt(file, offset, 'a part of the snapshot is missing');
    if (frame.recordCount === 0) return { file, frames };
    frames.push(frame);
    offset = frame.end;
    index += frame.recordCount;
  }
};

interface Segments {
  readonly directory: string;
  readonly disk: Disk;
  readonly names: readonly string[];
}

interface Tail {
  readonly files: readonly FramedFile[];
  readonly lastSequence: number;
  readonly byteCount: number;
  /** Where the intact part ends, for messages. */
  readonly endFile: string;
  readonly endOffset: number;
}

const readSegments = ({ directory, disk, names }: Segments, snapshotSequence: number): Tail => {
  const files: FramedFile[] = [];
  let lastSequence = snapshotSequence;
  let byteCount = 0;
  let torn: { readonly file: string; readonly offset: number } | undefined;
  let endFile = directory;
  let endOffset = 0;
  for (const name of names) {
    const file = path.join(directory, name);
    const bytes = fs.readFileSync(file);
    const frames: Frame[] = [];
    let offset = 0;
    for (let frame = frameAt(bytes, 0); frame; frame = frameAt(bytes, offset)) {
      if (torn) throw corrupt(torn.file, torn.offset, 'a record before the last one fails its checksum');
      offset = frame.end;
      const last = frame.firstSequence + frame.recordCount - 1;
      if (last <= snapshotSequence) continue;
      refuseGap(file, frame, lastSequence + 1);
      lastSequence = last;
      frames.push(frame);
      byteCount += frame.end - frame.offset;
    }
    if (nextFrame(bytes, offset))
      throw corrupt(file, offset, 'a record before the last one fails its checksum');
    if (offset > 0 || endOffset === 0) [endFile, endOffset] = [file, offset];
    if (!torn && !isZero(bytes, offset)) torn = { file, offset };
    files.push({ file, frames });
  }
  if (torn) disk.truncate(torn.file, torn.offset);
  return { files, lastSequence, byteCount, endFile, endOffset };
};

const refuseGap = (file: string, frame: Frame, expected: number): void => {
  if (frame.firstSequence === expected) return;
  throw corrupt(file, frame.offset, `record ${expected} is missing, ${frame.firstSequence} follows`);
};

/** A clean close left the number of records it had acknowledged; fewer means that bytes were lost since. */
const refuseLoss = (directory: string, tail: Tail): void => {
  const file = path.join(directory, ACKNOWLEDGED);
  if (!fs.existsSync(file)) return;
  const acknowledged = Number(fs.readFileSync(file, 'utf8'));
  if (!(acknowledged > tail.lastSequence)) return;
  throw corrupt(
    tail.endFile,
    tail.endOffset,
    `records ${tail.lastSequence + 1} to ${acknowledged} are missing`,
  );
};

const ZEROS = new Uint8Array(64 * 1024);

const isZero = (bytes: Buffer, offset: number): boolean => {
  for (let at = offset; at < bytes.length; at += ZEROS.length) {
    const end = Math.min(bytes.length, at + ZEROS.length);
    if (bytes.compare(ZEROS, 0, end - at, at, end) !== 0) return false;
  }
  return true;
};
