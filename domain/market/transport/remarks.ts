/** What is told of adapters, in the names of the market reference, section 7. */
import type { RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import type { Remark } from '#domain/kernel/projection.ts';
import { cadenceLine } from '#domain/market/cadence.ts';
import type { Cadence } from '#domain/market/cadence.ts';
import { adapterStatus, isReading } from '#domain/market/transport/adapter-status.ts';
import type { Adapter, TransportReport } from '#domain/market/transport/adapter.ts';
import type { VenueConnection } from '#domain/market/transport/binance.ts';

/** A line for each stream of a connection whose state is another one. */
export const transportRemarks = (
  { source, streams }: VenueConnection,
  { state, reconnectCount, errorDetail, gapMs }: TransportReport,
): readonly Remark[] =>
  streams.map(({ symbol, channel }) => ({
    kind: 'line',
    level: state === 'reconnecting' || state === 'failed' ? 'warn' : 'info',
    message: 'market_data.transport_state',
    fields: {
      source_id: source.source_id,
      symbol,
      channel,
      state,
      ...(reconnectCount === undefined ? {} : { reconnect_count: reconnectCount }),
      ...(errorDetail === undefined ? {} : { error_detail: errorDetail }),
      ...(gapMs === undefined ? {} : { gap_ms: gapMs }),
    },
  }));

/** The events of one type, on one channel of a symbol, since they were last told. */
export interface EventTally {
  readonly newest: RawMarketEvent;
  readonly count: number;
}

/** What a tally is kept under: there are as many as streams have types of events. */
export const tallyKey = ({ symbol, channel, event_type: type }: RawMarketEvent): string =>
  JSON.stringify([symbol, channel, type]);

/** A line with the newest of them and how many there were: one for each event would cost more than the event. */
export const eventRemark = ({ newest, count }: EventTally): Remark => {
  const { source_id, symbol, channel, event_type, recv_ts_ms, exchange_ts_ms } = newest;
  return {
    kind: 'line',
    level: 'debug',
    message: 'market_data.event',
    fields: { source_id, symbol, channel, event_type, recv_ts_ms, exchange_ts_ms, count },
  };
};

/** A line for each event that could not be decoded. */
export const failureRemarks = (events: readonly RawMarketEvent[]): readonly Remark[] =>
  events
    .filter(({ event_type: type }) => type === 'DecodeFailure')
    .map(({ source_id, symbol, channel, recv_ts_ms, exchange_ts_ms, normalized }) => ({
      kind: 'line',
      level: 'warn',
      message: 'market_data.decode_failure',
      fields: {
        ...{ source_id, symbol, channel, recv_ts_ms, exchange_ts_ms },
        error_kind: normalized['error_kind'],
        error_detail: normalized['error_detail'],
      },
    }));

/** How busy a symbol of a source was, and how the adapters that read it are: the worst of them is told. */
export const summaryRemark = (
  {
    sourceId,
    symbol,
    adapters,
  }: {
    readonly sourceId: string;
    readonly symbol: string;
    readonly adapters: readonly Adapter[];
  },
  cadence: Cadence,
): Remark => {
  const states = adapters.map(adapterStatus);
  const worst = (['failed', 'stopped', 'created'] as const).find((state) => states.includes(state));
  return cadenceLine(cadence, { source_id: sourceId, symbol, adapter_status: worst ?? 'running' });
};

/** 1 while every adapter reads from its venue. */
export const transportState = (adapters: readonly Adapter[]): Remark => ({
  kind: 'metric',
  metric: 'market_data.transport.state',
  value: adapters.every(({ phase }) => isReading(phase)) ? 1 : 0,
});
