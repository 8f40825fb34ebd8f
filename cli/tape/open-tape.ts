/** Opens tape files, plain or gzip, as lines; and names a tape so that it is recognised after a restart. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { sha256Base32 } from '#domain/kernel/hash.ts';
import { TapeError } from '#cli/tape/tape-record.ts';

/** A tape file and its name: a hash of its first 64 KiB and its size, so that renaming it changes nothing. */
export interface TapeFile {
  readonly path: string;
  readonly tapeId: string;
  readonly isGzip: boolean;
}

/** A line of a tape without its line end. */
export interface TapeLine {
  /** 1-based. */
  readonly line: number;
  readonly text: string;
}

const HEAD_BYTES = 65_536;

const unreadable = (path: string, cause: unknown): TapeError => {
  const isMissing = typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ENOENT';
  return isMissing
    ? new TapeError('tape_missing', `there is no tape at ${path}; check the path`, { cause })
    : new TapeError('tape_unreadable', `the tape at ${path} cannot be read: ${String(cause)}`, { cause });
};

/** Looks at a file without reading it through. Throws `TapeError` when it cannot be opened. */
export const findTape = async (path: string): Promise<TapeFile> => {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const head = buffer.subarray(0, bytesRead);
      const tapeId = sha256Base32(Buffer.concat([head, Buffer.from(`|${size}`)]), 16);
      return { path, tapeId, isGzip: head[0] === 0x1f && head[1] === 0x8b };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
};

/** The bytes of a tape file, unpacked. Throws `TapeError` when reading fails on the way. */
export async function* bytesOf({ path, isGzip }: TapeFile): AsyncGenerator<Uint8Array> {
  const raw = createReadStream(path);
  const stream = isGzip ? raw.pipe(createGunzip()) : raw;
  // `pipe` does not carry errors over: without this a vanished file would hang the reader.
  if (isGzip) raw.on('error', (error) => stream.destroy(error));
  try {
    for await (const part of stream) yield part as Uint8Array;
  } catch (error) {
    throw unreadable(path, error);
  } finally {
    raw.destroy();
  }
}

/**
 * Cuts bytes into lines, as many at once as there are; line ends are LF or CRLF, and an empty last line is no line.
 */
export async function* lineGroupsOf(parts: AsyncIterable<Uint8Array>): AsyncGenerator<readonly TapeLine[]> {
  const decoder = new TextDecoder();
  // The beginning of a line in pieces: joined at its end only, so that a long line costs what it is long.
  let rest: string[] = [];
  let line = 0;
  const numbered = (text: string): TapeLine => ({ line: ++line, text: text.replace(/\r$/, '') });
  for await (const part of parts) {
    const [first = '', ...texts] = decoder.decode(part, { stream: true }).split('\n');
    rest.push(first);
    const last = texts.pop();
    if (last === undefined) continue;
    yield [rest.join(''), ...texts].map(numbered);
    rest = [last];
  }
  const text = rest.join('') + decoder.decode();
  if (text !== '') yield [numbered(text)];
}

/** The lines of bytes, one by one. */
export async function* linesOf(parts: AsyncIterable<Uint8Array>): AsyncGenerator<TapeLine> {
  for await (const lines of lineGroupsOf(parts)) yield* lines;
}

/** The lines of a tape file. Throws `TapeError` when reading fails on the way. */
export const tapeLines = (tape: TapeFile): AsyncGenerator<TapeLine> => linesOf(bytesOf(tape));
