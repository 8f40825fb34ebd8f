/** A tape: recorded market data, read as the records a producer puts on the market stream, in order. */

/** One record of a tape. */
export interface TapeRecord {
  /** 1-based position in the tape; every record has one, whatever its line. */
  readonly position: number;
  /** The bytes to put on the stream. */
  readonly data: Uint8Array;
  readonly partitionKey: string;
  /** The record's time on the tape in milliseconds; absent when its bytes have none. */
  readonly recvTsMs?: number;
}

/** A tape that cannot be read: why, and in which line when it is one line's fault. */
export class TapeError extends Error {
  override readonly name = 'TapeError';
  readonly code: 'tape_missing' | 'tape_unreadable' | 'malformed_tape_line';
  /** 1-based. */
  readonly line: number | undefined;

  constructor(code: TapeError['code'], message: string, options: { line?: number; cause?: unknown } = {}) {
    super(
      options.line === undefined ? message : `line ${options.line}: ${message}`,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.code = code;
    this.line = options.line;
  }
}

/** A tape whose line is at fault. */
export const malformedLine = (line: number, message: string): TapeError =>
  new TapeError('malformed_tape_line', message, { line });

const PARTITION_KEY_MAX = 256;

/** `source|symbol|channel`, which spreads a tape over shards and keeps the order within each. */
export const partitionKeyOf = (sourceId: string, symbol: string, channel: string): string =>
  `${sourceId}|${symbol}|${channel}`.slice(0, PARTITION_KEY_MAX);
