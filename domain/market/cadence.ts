/** How busy a symbol was in some time, as its events show it (market reference, section 7). */
import type { Remark } from '#domain/kernel/projection.ts';
import type { Slice, SliceEvent } from '#domain/market/slice.ts';

/** What is counted of the events of a symbol. */
export interface Cadence {
  readonly eventCount: number;
  readonly decodeFailureCount: number;
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
}

/** What is read of an event. */
export type CountedEvent = Pick<SliceEvent, 'event_type' | 'exchange_ts_ms' | 'recv_ts_ms'>;

/** No event yet. */
export const noCadence: Cadence = {
  eventCount: 0,
  decodeFailureCount: 0,
  firstMs: undefined,
  lastMs: undefined,
};

/** Counts one event; its time is that at the venue, or of the receipt where the venue gives none. */
export const cadenceAfter = (cadence: Cadence, event: CountedEvent): Cadence => {
  const { event_type: type, exchange_ts_ms: exchangeMs, recv_ts_ms: recvMs } = event;
  const atMs = exchangeMs ?? recvMs;
  return {
    eventCount: cadence.eventCount + 1,
    decodeFailureCount: cadence.decodeFailureCount + (type === 'DecodeFailure' ? 1 : 0),
    firstMs: cadence.eventCount === 0 ? atMs : cadence.firstMs,
    lastMs: atMs,
  };
};

/** The line that tells a cadence, with what else is known of it. */
export const cadenceLine = (
  { eventCount, decodeFailureCount, firstMs, lastMs }: Cadence,
  known: Readonly<Record<string, unknown>>,
): Remark => ({
  kind: 'line',
  level: 'debug',
  message: 'market_data.cadence_summary',
  fields: {
    ...known,
    raw_events_ingested: eventCount,
    decode_failures: decodeFailureCount,
    first_event_timestamp_ms: firstMs,
    last_event_timestamp_ms: lastMs,
  },
});

/** One line for each run that asked for its records; what is counted begins anew with each tick, because a cut does. */
export const cadenceRemark = (
  { symbol, engineTimestampMs }: { readonly symbol: string; readonly engineTimestampMs: number },
  slice: Slice,
): Remark =>
  cadenceLine(slice.events().reduce(cadenceAfter, noCadence), {
    symbol,
    engine_timestamp_ms: engineTimestampMs,
  });
