/**
 * Messages of Binance USD-M futures as RawMarketEvents (market reference, section 1.5). A mapping renames members; the
 * generic mappers judge them.
 */
import type { RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import type { BinanceStream } from '#contracts/market/received-message.ts';
import { mapPayload } from '#domain/market/decode/mappers.ts';
import type { Mapped, Payload } from '#domain/market/decode/mappers.ts';
import { parseFlag, parseInteger } from '#domain/market/decode/parse-values.ts';
import { eventOfMapping, failureOf, readPayload } from '#domain/market/decode/received.ts';
import type { Addressed, Received } from '#domain/market/decode/received.ts';

/** The channel of each stream's events. */
export const binanceChannels: Readonly<Record<BinanceStream, string>> = {
  aggTrade: 'trades',
  kline_3m: 'candle_3m',
  bookTicker: 'book_top',
  'depth@100ms': 'book_delta',
  'markPrice@1s': 'mark_price',
  forceOrder: 'liquidation',
  openInterest: 'open_interest',
};

/** One event a payload stands for. */
interface Part {
  readonly eventType: string;
  readonly mapped: Mapped;
  readonly addressed: Omit<Addressed, 'channel'>;
}

const THREE_MINUTES_MS = 180_000;

/** Renames members; one that is not there is not made up. */
const renamed = (payload: Payload, names: Readonly<Record<string, string>>): Payload =>
  Object.fromEntries(
    Object.entries(names).flatMap(([name, given]) =>
      Object.hasOwn(payload, given) ? [[name, payload[given]]] : [],
    ),
  );

const within = (payload: Payload, name: string): Payload => {
  const inner = payload[name];
  return typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? (inner as Payload) : {};
};

const instant = (...given: readonly unknown[]): number | null =>
  given.map(parseInteger).find((parsed) => parsed !== undefined)?.value ?? null;

/** A number that lost digits when it was read names another event, or several: then there is no id. */
const idOf = (given: unknown): string | null =>
  typeof given === 'string' || Number.isSafeInteger(given) ? String(given) : null;

/** The maker was the buyer, so the seller was aggressive; what cannot be read tells nothing. */
const sideOf = (isBuyerMaker: unknown): 'buy' | 'sell' | null => {
  const flag = parseFlag(isBuyerMaker)?.value ?? null;
  return flag === null ? null : flag ? 'sell' : 'buy';
};

const one = (eventType: string, members: Payload, addressed: Part['addressed']): readonly Part[] => [
  { eventType, mapped: mapPayload(eventType, members), addressed },
];

const candle = (payload: Payload): readonly Part[] => {
  const kline = within(payload, 'k');
  const addressed = { exchangeTsMs: instant(kline['T'], payload['E']) };
  if (kline['i'] !== '3m') {
    const fault = { errorKind: 'parse_error', errorDetail: 'invalid interval' } as const;
    return [{ eventType: 'Candle', mapped: { kind: 'fault', fault }, addressed }];
  }
  const names = { open: 'o', high: 'h', low: 'l', close: 'c', volume: 'v', is_final: 'x' };
  return one('Candle', { ...renamed(kline, names), interval_ms: THREE_MINUTES_MS }, addressed);
};

const partsOf: Readonly<Record<BinanceStream, (payload: Payload) => readonly Part[]>> = {
  aggTrade: (payload) =>
    one(
      'TradeTick',
      { ...renamed(payload, { price: 'p', quantity: 'q' }), side: sideOf(payload['m']) },
      { exchangeTsMs: instant(payload['T']), sourceEventId: idOf(payload['a']) },
    ),
  kline_3m: candle,
  bookTicker: (payload) =>
    one(
      'BookTop',
      renamed(payload, {
        best_bid_price: 'b',
        best_bid_quantity: 'B',
        best_ask_price: 'a',
        best_ask_quantity: 'A',
      }),
      { exchangeTsMs: instant(payload['E']) },
    ),
  'depth@100ms': (payload) =>
    one('BookDelta', renamed(payload, { bids: 'b', asks: 'a' }), {
      exchangeTsMs: instant(payload['E']),
      sourceSeq: instant(payload['u']),
    }),
  'markPrice@1s': (payload) => {
    const addressed = { exchangeTsMs: instant(payload['E']) };
    return [
      ...one('MarkPrice', renamed(payload, { mark_price: 'p' }), addressed),
      ...one('IndexPrice', renamed(payload, { index_price: 'i' }), addressed),
      ...one('FundingRate', renamed(payload, { funding_rate: 'r' }), addressed),
    ];
  },
  forceOrder: (payload) => {
    const order = within(payload, 'o');
    return one('LiquidationPrint', renamed(order, { price: 'p', quantity: 'q', side: 'S' }), {
      exchangeTsMs: instant(order['T']),
    });
  },
  openInterest: (payload) =>
    one('OpenInterest', renamed(payload, { open_interest: 'openInterest' }), {
      exchangeTsMs: instant(payload['time']),
    }),
};

/** The events of a message of a stream; a part that is bad is a DecodeFailure beside the good ones. */
export const decodeBinance = (stream: BinanceStream, received: Received): readonly RawMarketEvent[] => {
  const channel = binanceChannels[stream];
  const read = readPayload(received);
  return read.kind === 'fault'
    ? [failureOf(received, read.fault, { channel })]
    : partsOf[stream](read.payload).map(({ eventType, mapped, addressed }) =>
        eventOfMapping(eventType, mapped, { received, addressed: { ...addressed, channel } }),
      );
};
