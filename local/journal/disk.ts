/**
 * The few file operations the journal makes, each a step a kill can fall between. Tests pass a disk that stops at
 * the nth step or is full; everything else uses `realDisk`.
 */
import fs from 'node:fs';

export interface Disk {
  /** Opens for reading and writing, creating the file when it is missing. */
  readonly open: (path: string) => number;
  readonly close: (handle: number) => void;
  /** Writes all bytes at the position. */
  readonly write: (handle: number, bytes: Uint8Array, position: number) => void;
  /** Returns when the data of the file is on the medium. */
  readonly sync: (handle: number) => void;
  /** The same without holding up the event loop. */
  readonly syncLater: (handle: number) => Promise<void>;
  readonly truncate: (path: string, byteCount: number) => void;
  readonly rename: (from: string, to: string) => void;
  readonly remove: (path: string) => void;
  /** Makes created, renamed and removed names of the directory durable. */
  readonly syncDirectory: (path: string) => void;
  /** Creates a file of zeros, so that later writes change no metadata. */
  readonly fill: (path: string, byteCount: number) => void;
  readonly fillLater: (path: string, byteCount: number) => Promise<void>;
}

const FILL_BYTES = 1024 * 1024;

const writeAll = (handle: number, bytes: Uint8Array, position: number): void => {
  let written = 0;
  while (written < bytes.length) {
    written += fs.writeSync(handle, bytes, written, bytes.length - written, position + written);
  }
};

const fill = (path: string, byteCount: number): void => {
  const zeros = new Uint8Array(Math.min(FILL_BYTES, byteCount));
  const handle = fs.openSync(path, 'w');
  try {
    for (let at = 0; at < byteCount; at += zeros.length) {
      writeAll(handle, zeros.subarray(0, Math.min(zeros.length, byteCount - at)), at);
    }
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
};

const fillLater = async (path: string, byteCount: number): Promise<void> => {
  const zeros = new Uint8Array(Math.min(FILL_BYTES, byteCount));
  const handle = await fs.promises.open(path, 'w');
  try {
    for (let at = 0; at < byteCount; at += zeros.length) {
      await handle.write(zeros, 0, Math.min(zeros.length, byteCount - at), at);
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const syncDirectory = (path: string): void => {
  const handle = fs.openSync(path, 'r');
  try {
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
};

const truncate = (path: string, byteCount: number): void => {
  const handle = fs.openSync(path, 'r+');
  try {
    fs.ftruncateSync(handle, byteCount);
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
};

/** The machine's file system. */
export const realDisk: Disk = {
  open: (path) => fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT),
  close: (handle) => fs.closeSync(handle),
  write: writeAll,
  sync: (handle) => fs.fdatasyncSync(handle),
  syncLater: (handle) =>
    new Promise((resolve, reject) => {
      fs.fdatasync(handle, (error) => (error ? reject(error) : resolve()));
    }),
  truncate,
  rename: (from, to) => fs.renameSync(from, to),
  remove: (path) => fs.rmSync(path, { force: true }),
  syncDirectory,
  fill,
  fillLater,
};
