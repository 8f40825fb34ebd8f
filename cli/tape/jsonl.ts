/**
 * Tapes of RawMarketEvents, one JSON object per line, put on the stream exactly as written. Two more line forms
 * stand for records whose bytes are no JSON: `{"raw": TEXT, "partition_key": KEY}` and
 * `{"raw_base64": BASE64, "partition_key": KEY}`; the bytes they name are put on the stream.
 */
import * as z from 'zod';
import type { TapeLine } from '#cli/tape/open-tape.ts';
import { malformedLine, partitionKeyOf } from '#cli/tape/tape-record.ts';
import type { TapeRecord } from '#cli/tape/tape-record.ts';

const partition_key = z.string().min(1).max(256);
const RawLine = z.strictObject({ raw: z.string(), partition_key });
const RawBase64Line = z.strictObject({ raw_base64: z.base64(), partition_key });

/** As much of an event as a producer looks at; whether it is valid is for the ingest to say. */
const EventLine = z.looseObject({
  source_id: z.string().catch(''),
  symbol: z.string().catch(''),
  channel: z.string().catch(''),
  recv_ts_ms: z.int().optional().catch(undefined),
});

const encoder = new TextEncoder();

const objectOf = ({ line, text }: TapeLine): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch (error) {
    throw malformedLine(line, `this is no JSON (${String(error)}); a tape has one JSON object per line`);
  }
  throw malformedLine(line, 'this is no JSON object; a tape has one JSON object per line');
};

const rawRecord = (value: Readonly<Record<string, unknown>>): Omit<TapeRecord, 'position'> | undefined => {
  const text = RawLine.safeParse(value);
  if (text.success) return { data: encoder.encode(text.data.raw), partitionKey: text.data.partition_key };
  const bytes = RawBase64Line.safeParse(value);
  return bytes.success
    ? {
        data: new Uint8Array(Buffer.from(bytes.data.raw_base64, 'base64')),
        partitionKey: bytes.data.partition_key,
      }
    : undefined;
};

const recordOf = (tapeLine: TapeLine): Omit<TapeRecord, 'position'> => {
  const value = objectOf(tapeLine);
  if ('raw' in value || 'raw_base64' in value) {
    const raw = rawRecord(value);
    if (raw) return raw;
    throw malformedLine(
      tapeLine.line,
      'a raw line has raw or raw_base64, and partition_key, and nothing else',
    );
  }
  const { source_id, symbol, channel, recv_ts_ms } = EventLine.parse(value);
  return {
    data: encoder.encode(tapeLine.text),
    partitionKey: partitionKeyOf(source_id, symbol, channel),
    ...(recv_ts_ms === undefined ? {} : { recvTsMs: recv_ts_ms }),
  };
};

/** The records of a JSONL tape; blank lines are skipped. Throws `TapeError` naming the first malformed line. */
export async function* jsonlRecords(lines: AsyncIterable<TapeLine>): AsyncGenerator<TapeRecord> {
  let position = 0;
  for await (const tapeLine of lines) {
    if (tapeLine.text.trim() !== '') yield { position: ++position, ...recordOf(tapeLine) };
  }
}
