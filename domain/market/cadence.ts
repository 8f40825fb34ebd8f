/** How busy a symbol was from one tick to the next, as the slice of its run shows it (market reference, section 7). */
import type { Remark } from '#domain/kernel/projection.ts';
import type { Slice, SliceEvent } from '#domain/market/slice.ts';

/** One line for each run that asked for its records; what is counted begins anew with each tick, because a cut does. */
export const cadenceRemark = (
  { symbol, engineTimestampMs }: { readonly symbol: string; readonly engineTimestampMs: number },
  slice: Slice,
): Remark => {
  const events = slice.events();
  return {
    kind: 'line',
    level: 'debug',
    message: 'market_data.cadence_summary',
    fields: {
      symbol,
      engine_timestamp_ms: engineTimestampMs,
      raw_events_ingested: events.length,
      decode_failures: events.filter(({ event_type: type }) => type === 'DecodeFailure').length,
      first_event_timestamp_ms: timeOf(events[0]),
      last_event_timestamp_ms: timeOf(events.at(-1)),
    },
  };
};

/** The time at the venue, or of the receipt where the venue gives none. */
const timeOf = (event: SliceEvent | undefined): number | undefined =>
  event?.exchange_ts_ms ?? event?.recv_ts_ms;
