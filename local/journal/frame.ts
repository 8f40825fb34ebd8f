/**
 * Bytes of the journal. A frame is what one flush wrote: a header (magic, payload length, first sequence, record
 * count, crc32 over all of it seeded with the header) and its records (JSON length, engine name, JSON).
 *
 * One frame is in flight at a time, so a valid frame proves that every frame before it had been synced. A frame
 * that fails its checksum with a valid one after it is therefore corruption, and with none after it a torn tail.
 * The magic begins with a byte that UTF-8 never holds, so no record can look like a frame.
 */
import { crc32 } from 'node:zlib';
import type { JournalEntry } from '#local/kernel/journal.ts';

/** Bytes before the payload of a frame. */
export const FRAME_HEADER_BYTES = 24;

const MAGIC = Buffer.from([0xff, 0x53, 0x4c, 0x4a]);
const CRC_AT = 20;
const RECORD_HEADER_BYTES = 5;
const START_BYTES = 1024 * 1024;
const KEEP_BYTES = 8 * 1024 * 1024;

export interface Frame {
  readonly offset: number;
  readonly firstSequence: number;
  readonly recordCount: number;
  /** Offset of the byte after the frame. */
  readonly end: number;
}

export interface FrameWriter {
  readonly add: (engine: string, entry: JournalEntry) => void;
  readonly recordCount: () => number;
  readonly byteCount: () => number;
  /** The frame of everything added; the bytes are valid until the next `add`. */
  readonly finish: (firstSequence: number) => Uint8Array;
}

/** Collects records in memory; an entry is read when it is added, so later changes of it do not matter. */
export const createFrameWriter = (): FrameWriter => {
  let buffer = Buffer.allocUnsafeSlow(START_BYTES);
  let at = FRAME_HEADER_BYTES;
  let recordCount = 0;

  const reserve = (byteCount: number): void => {
    if (at + byteCount <= buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, at + byteCount));
    buffer.copy(larger, 0, 0, at);
    buffer = larger;
  };

  return {
    add: (engine, entry) => {
      const json = JSON.stringify(entry);
      reserve(RECORD_HEADER_BYTES + engine.length * 3 + json.length * 3);
      const nameBytes = buffer.write(engine, at + RECORD_HEADER_BYTES);
      const jsonBytes = buffer.write(json, at + RECORD_HEADER_BYTES + nameBytes);
      buffer.writeUInt32LE(jsonBytes, at);
      buffer.writeUInt8(nameBytes, at + 4);
      at += RECORD_HEADER_BYTES + nameBytes + jsonBytes;
      recordCount++;
    },
    recordCount: () => recordCount,
    byteCount: () => at,
    finish: (firstSequence) => {
      MAGIC.copy(buffer, 0);
      buffer.writeUInt32LE(at - FRAME_HEADER_BYTES, 4);
      buffer.writeUIntLE(firstSequence, 8, 6);
      buffer.writeUInt16LE(0, 14);
      buffer.writeUInt32LE(recordCount, 16);
      buffer.writeUInt32LE(checksum(buffer, 0, at), CRC_AT);
      const frame = buffer.subarray(0, at);
      if (buffer.length > KEEP_BYTES) buffer = Buffer.allocUnsafeSlow(START_BYTES);
      at = FRAME_HEADER_BYTES;
      recordCount = 0;
      return frame;
    },
  };
};

const checksum = (bytes: Buffer, offset: number, end: number): number =>
  crc32(bytes.subarray(offset + FRAME_HEADER_BYTES, end), crc32(bytes.subarray(offset, offset + CRC_AT)));

/** The frame that begins at the offset, or undefined when no intact one does. */
export const frameAt = (bytes: Buffer, offset: number): Frame | undefined => {
  if (offset + FRAME_HEADER_BYTES > bytes.length) return undefined;
  if (bytes.compare(MAGIC, 0, MAGIC.length, offset, offset + MAGIC.length) !== 0) return undefined;
  const end = offset + FRAME_HEADER_BYTES + bytes.readUInt32LE(offset + 4);
  if (end > bytes.length || bytes.readUInt32LE(offset + CRC_AT) !== checksum(bytes, offset, end))
    return undefined;
  return {
    offset,
    firstSequence: bytes.readUIntLE(offset + 8, 6),
    recordCount: bytes.readUInt32LE(offset + 16),
    end,
  };
};

/** The first intact frame at or after the offset. */
export const nextFrame = (bytes: Buffer, offset: number): Frame | undefined => {
  for (let at = bytes.indexOf(MAGIC, offset); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
    const frame = frameAt(bytes, at);
    if (frame) return frame;
  }
  return undefined;
};

/** Records of an intact frame, in order. */
export function* recordsOf(bytes: Buffer, frame: Frame): Generator<readonly [string, JournalEntry]> {
  let at = frame.offset + FRAME_HEADER_BYTES;
  while (at < frame.end) {
    const jsonBytes = bytes.readUInt32LE(at);
    const jsonAt = at + RECORD_HEADER_BYTES + bytes.readUInt8(at + 4);
    const engine = bytes.toString('utf8', at + RECORD_HEADER_BYTES, jsonAt);
    const entry = JSON.parse(bytes.toString('utf8', jsonAt, jsonAt + jsonBytes)) as JournalEntry;
    yield [engine, entry];
    at = jsonAt + jsonBytes;
  }
}
