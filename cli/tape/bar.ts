/** One line of a bar CSV: `timestamp,open,high,low,close,volume`, UTC, the time stamp is the END of the bar. */
import type { TapeLine } from '#cli/tape/open-tape.ts';
import { malformedLine } from '#cli/tape/tape-record.ts';

/** A one-minute bar. */
export interface Bar {
  readonly endMs: number;
  readonly open: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
  readonly volume: number;
  /** The line it was read from. */
  readonly text: string;
}

/** The optional first line. */
export const BAR_HEADER = 'timestamp,open,high,low,close,volume';

const MINUTE_MS = 60_000;
const TIMESTAMP = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)?$/;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

const timestampOf = ({ line, text }: TapeLine, field: string): number => {
  const [, day, time, fraction = ''] = TIMESTAMP.exec(field.trim()) ?? [];
  const endMs = day === undefined ? Number.NaN : Date.parse(`${day}T${String(time)}.000Z`);
  // Date.parse rolls 30 February over into March; a day that does not come back is no day.
  if (Number.isNaN(endMs) || !new Date(endMs).toISOString().startsWith(String(day)))
    throw malformedLine(
      line,
      `${JSON.stringify(field)} is no UTC time such as 2022-01-01 00:01:00 in: ${text}`,
    );
  if (endMs % MINUTE_MS !== 0 || /[1-9]/.test(fraction))
    throw malformedLine(line, `${field} is not on a whole minute; bars are one minute long`);
  return endMs;
};

const numberOf = ({ line, text }: TapeLine, name: string, field = ''): number => {
  const value = NUMBER.test(field.trim()) ? Number(field) : Number.NaN;
  if (!Number.isFinite(value))
    throw malformedLine(line, `${name} ${JSON.stringify(field)} is no number in: ${text}`);
  return value;
};

/** Reads one line. Throws `TapeError` with its number when it is no bar. */
export const parseBar = (tapeLine: TapeLine): Bar => {
  const fields = tapeLine.text.split(',');
  if (fields.length !== 6)
    throw malformedLine(tapeLine.line, `expected 6 fields (${BAR_HEADER}), found ${fields.length}`);
  const [timestamp = '', open, high, low, close, volume] = fields;
  return {
    endMs: timestampOf(tapeLine, timestamp),
    open: numberOf(tapeLine, 'open', open),
    high: numberOf(tapeLine, 'high', high),
    low: numberOf(tapeLine, 'low', low),
    close: numberOf(tapeLine, 'close', close),
    volume: numberOf(tapeLine, 'volume', volume),
    text: tapeLine.text,
  };
};
