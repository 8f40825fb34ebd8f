/**
 * Bar CSVs read as the events of a venue called `tape`: a final 1-minute candle per bar, and at each 3-minute
 * boundary the final 3-minute candle, when all three bars are there, and a SnapshotInputs with price = close.
 */
import type { RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import { BAR_HEADER, parseBar } from '#cli/tape/bar.ts';
import type { Bar } from '#cli/tape/bar.ts';
import type { TapeLine } from '#cli/tape/open-tape.ts';
import { malformedLine, partitionKeyOf } from '#cli/tape/tape-record.ts';
import type { TapeRecord } from '#cli/tape/tape-record.ts';

/** The venue bars come from. */
export const TAPE_SOURCE = 'tape';

const MINUTE_MS = 60_000;
const BOUNDARY_MS = 180_000;

/** Which instrument a tape holds and the tape's own name. */
export interface BarTape {
  readonly symbol: string;
  readonly tapeId: string;
}

interface BarEvent {
  readonly eventType: 'Candle' | 'SnapshotInputs';
  readonly channel: string;
  readonly normalized: Readonly<Record<string, unknown>>;
  readonly rawPayload: string;
}

const candle = (bars: readonly [Bar, ...Bar[]], channel: string): BarEvent => {
  const [first] = bars;
  const last = bars.at(-1) ?? first;
  return {
    eventType: 'Candle',
    channel,
    normalized: {
      open: first.open,
      high: Math.max(...bars.map((bar) => bar.high)),
      low: Math.min(...bars.map((bar) => bar.low)),
      close: last.close,
      volume: bars.reduce((volume, bar) => volume + bar.volume, 0),
      interval_ms: bars.length * MINUTE_MS,
      is_final: true,
    },
    rawPayload: bars.map((bar) => bar.text).join('\n'),
  };
};

const snapshotInputs = (bar: Bar): BarEvent => ({
  eventType: 'SnapshotInputs',
  channel: 'snapshot_inputs',
  normalized: { timestamp_ms: bar.endMs, market: { price: bar.close } },
  rawPayload: bar.text,
});

/** The events a bar makes known; `recent` are the two bars before it, oldest first. */
const eventsOf = (bar: Bar, recent: readonly Bar[]): readonly BarEvent[] => {
  const single = candle([bar], 'candle_1m');
  if (bar.endMs % BOUNDARY_MS !== 0) return [single];
  const [first, second] = recent;
  const isComplete = first?.endMs === bar.endMs - 2 * MINUTE_MS && second?.endMs === bar.endMs - MINUTE_MS;
  const triple = isComplete ? [candle([first, second, bar], 'candle_3m')] : [];
  return [single, ...triple, snapshotInputs(bar)];
};

const encoder = new TextEncoder();

const recordOf = (event: BarEvent, atMs: number, at: BarTape & { readonly position: number }): TapeRecord => {
  const raw = {
    schema: 'raw_market_event',
    schema_version: '1',
    event_type: event.eventType,
    source_id: TAPE_SOURCE,
    symbol: at.symbol as RawMarketEvent['symbol'],
    exchange_ts_ms: atMs,
    recv_ts_ms: atMs,
    raw_payload: event.rawPayload,
    normalized: { ...event.normalized },
    source_event_id: `${at.tapeId}:${at.position}`,
    source_seq: at.position,
    channel: event.channel,
    payload_content_type: 'text/csv',
  } satisfies RawMarketEvent;
  return {
    position: at.position,
    data: encoder.encode(JSON.stringify(raw)),
    partitionKey: partitionKeyOf(TAPE_SOURCE, at.symbol, event.channel),
    recvTsMs: atMs,
  };
};

/**
 * The records of a bar CSV. `source_seq` counts them from 1 and `source_event_id` is `TAPEID:N`. Throws `TapeError`
 * with the line number for a line that is no bar, and for a bar that does not come after the one before it.
 */
export async function* barRecords(lines: AsyncIterable<TapeLine>, tape: BarTape): AsyncGenerator<TapeRecord> {
  let recent: readonly Bar[] = [];
  let position = 0;
  for await (const tapeLine of lines) {
    const { line, text } = tapeLine;
    if (text.trim() === '' || (line === 1 && text.replace(/^\uFEFF/, '').trim() === BAR_HEADER)) continue;
    const bar = parseBar(tapeLine);
    const before = recent.at(-1);
    if (before && bar.endMs <= before.endMs)
      throw malformedLine(line, `this bar does not end after the one before it; sort the tape by time`);
    for (const event of eventsOf(bar, recent))
      yield recordOf(event, bar.endMs, { ...tape, position: ++position });
    recent = [...recent, bar].slice(-2);
  }
}
