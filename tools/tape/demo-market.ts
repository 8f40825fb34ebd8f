/** The imaginary market of the demo tape: a random walk of trades per symbol and what a venue derives from it. */
import type { Random } from '#tools/tape/random.ts';

/** An instrument of the demo. */
export interface DemoSymbol {
  readonly symbol: string;
  readonly price: number;
  /** Decimals of a price. */
  readonly decimals: number;
  readonly openInterest: number;
}

/** The source of every demo record. */
export const DEMO_SOURCE = 'demo';

/** 2026-01-01 00:00 UTC, a boundary. */
export const DEMO_START_MS = 1_767_225_600_000;
/** Length of the demo tape in feed time. */
export const DEMO_MINUTES = 40;

/** The instruments of the demo tape and where their prices begin. */
export const demoSymbols: readonly DemoSymbol[] = [
  { symbol: 'BTC-PERP', price: 93_500, decimals: 1, openInterest: 81_000 },
  { symbol: 'ETH-PERP', price: 3_120, decimals: 2, openInterest: 640_000 },
  { symbol: 'SOL-PERP', price: 141, decimals: 3, openInterest: 2_900_000 },
];

/** Something the venue says: when it happened, when it was received, and what it is. */
export interface VenueEvent {
  readonly symbol: string;
  readonly eventType: string;
  readonly channel: string;
  readonly exchangeTsMs: number;
  readonly recvTsMs: number;
  readonly normalized: Readonly<Record<string, unknown>>;
}

const MINUTE_MS = 60_000;
/** No trade in the first seconds of a minute, so that the tape begins after its first boundary is over. */
const QUIET_MS = 3_000;

/** The number with at most this many decimals. */
export const round = (value: number, decimals: number): number => Number(value.toFixed(decimals));

interface Trade {
  readonly atMs: number;
  readonly price: number;
  readonly quantity: number;
}

const received = (atMs: number, random: Random): number => atMs + random.integer(15, 140);

const tradesOfMinute = (
  start: { price: number; atMs: number },
  { decimals }: DemoSymbol,
  random: Random,
): Trade[] => {
  let { price } = start;
  return Array.from({ length: random.integer(6, 10) }, () => random.integer(QUIET_MS, MINUTE_MS - 1))
    .sort((left, right) => left - right)
    .map((offset) => {
      price *= 1 + random.normal() * 0.0004;
      return {
        atMs: start.atMs + offset,
        price: round(price, decimals),
        quantity: round(0.01 + random.next() * 4, 3),
      };
    });
};

const candleOf = (trades: readonly Trade[], intervalMs: number): Readonly<Record<string, unknown>> => {
  const prices = trades.map((trade) => trade.price);
  return {
    open: prices[0],
    high: Math.max(...prices),
    low: Math.min(...prices),
    close: prices.at(-1),
    volume: round(
      trades.reduce((volume, trade) => volume + trade.quantity, 0),
      3,
    ),
    interval_ms: intervalMs,
    is_final: true,
  };
};

type Emit = (eventType: string, channel: string, atMs: number, normalized: VenueEvent['normalized']) => void;

const emitMinute = (
  trades: readonly Trade[],
  of: DemoSymbol & { readonly endMs: number },
  say: Say,
): void => {
  const { emit, random } = say;
  for (const { atMs, price, quantity } of trades)
    emit('TradeTick', 'trades', atMs, { price, quantity, side: random.pick(['buy', 'sell']) });
  const close = trades.at(-1)?.price ?? of.price;
  const spread = 10 ** -of.decimals;
  emit('Candle', 'candle_1m', of.endMs, candleOf(trades, MINUTE_MS));
  emit('BookTop', 'book_top', of.endMs - 20_000, {
    best_bid_price: round(close - spread, of.decimals),
    best_bid_quantity: round(random.next() * 9, 3),
    best_ask_price: round(close + spread, of.decimals),
    best_ask_quantity: round(random.next() * 9, 3),
  });
  for (const offset of [45_000, 15_000])
    emit('OpenInterest', 'open_interest', of.endMs - offset, {
      open_interest: round(of.openInterest * (1 + random.normal() * 0.002), 1),
    });
  emit('MarkPrice', 'mark_price', of.endMs - 5_000, {
    mark_price: round(close * (1 + random.normal() * 1e-5), of.decimals),
  });
};

interface Say {
  readonly emit: Emit;
  readonly random: Random;
}

/** Everything a venue says about one symbol, except snapshots; `closes` has the close of each minute. */
export const venueEvents = (
  of: DemoSymbol,
  random: Random,
): { readonly events: readonly VenueEvent[]; readonly closes: readonly number[] } => {
  const events: VenueEvent[] = [];
  const closes: number[] = [];
  const emit: Emit = (eventType, channel, exchangeTsMs, normalized) => {
    const recvTsMs = received(exchangeTsMs, random);
    events.push({ symbol: of.symbol, eventType, channel, exchangeTsMs, recvTsMs, normalized });
  };
  let recent: Trade[] = [];
  for (let minute = 0; minute < DEMO_MINUTES; minute++) {
    const atMs = DEMO_START_MS + minute * MINUTE_MS;
    const trades = tradesOfMinute({ price: closes.at(-1) ?? of.price, atMs }, of, random);
    const endMs = atMs + MINUTE_MS;
    emitMinute(trades, { ...of, endMs }, { emit, random });
    recent = [...recent, ...trades];
    closes.push(trades.at(-1)?.price ?? of.price);
    if ((minute + 1) % 3 === 0) {
      emit('Candle', 'candle_3m', endMs, candleOf(recent, 3 * MINUTE_MS));
      recent = [];
    }
    if (minute % 8 === 0)
      emit('FundingRate', 'funding', endMs - 1_000, { funding_rate: round(random.normal() * 1e-4, 6) });
  }
  return { events, closes };
};
