/**
 * Features of a slice at an engine timestamp T (market reference, section 5.9). The window of trades is
 * [T - 180000, T] by the source's time. Sums run from left to right, so that they are the same everywhere.
 */
import type { Features } from '#contracts/market/composer.ts';
import { CANDLE_MS, closedCandle, inOrder, isNumber } from '#domain/market/composer/candles.ts';
import type { ClosedCandle } from '#domain/market/composer/candles.ts';
import { volatilityOf } from '#domain/market/composer/indicators.ts';
import type { SliceEvent } from '#domain/market/slice.ts';

/** What is known when an engine timestamp comes: the slice, and candles of earlier slices if they are kept. */
export interface Known {
  readonly events: readonly SliceEvent[];
  /** Takes the place of the slice's own candles; it holds them too. */
  readonly window?: readonly ClosedCandle[];
}

/** The features of what is known at an instant. */
export const featuresOf = ({ events, window }: Known, atMs: number): Features => {
  const trades = tradeFeatures(events, atMs);
  const candles = window ?? inOrder(events.map(closedCandle).filter((candle) => candle !== undefined));
  const { atr, atrZ } = volatilityOf(candles.filter((candle) => candle.atMs <= atMs));
  return finite({
    ...trades,
    atr_14: atr,
    atr_z_50: atrZ,
    open_interest_latest: latestOpenInterest(events),
  });
};

type TradeFeatures = Pick<Features, 'aggressive_volume_ratio_3m' | 'cvd_3m' | 'price_last' | 'vwap_3m'>;

/** Sums over the trades so far. */
interface Tally {
  price: number | null;
  value: number;
  quantity: number;
  bought: number;
  sided: number;
  delta: number;
}

const tradeFeatures = (events: readonly SliceEvent[], atMs: number): TradeFeatures => {
  const tally: Tally = { price: null, value: 0, quantity: 0, bought: 0, sided: 0, delta: 0 };
  for (const event of events)
    if (event.event_type === 'TradeTick' && event.exchange_ts_ms !== null && event.exchange_ts_ms <= atMs)
      count(tally, event.normalized, event.exchange_ts_ms >= atMs - CANDLE_MS);
  return {
    price_last: tally.price,
    vwap_3m: tally.quantity > 0 ? tally.value / tally.quantity : null,
    cvd_3m: tally.sided > 0 ? tally.delta : null,
    aggressive_volume_ratio_3m: tally.sided > 0 ? tally.bought / tally.sided : null,
  };
};

/** Counts a trade: its price always, the rest when it is in the window. */
const count = (tally: Tally, normalized: SliceEvent['normalized'], isInWindow: boolean): void => {
  const { price, quantity, side } = normalized;
  if (isNumber(price)) tally.price = price;
  if (!isInWindow || !isNumber(quantity) || quantity <= 0) return;
  if (isNumber(price)) {
    tally.value += price * quantity;
    tally.quantity += quantity;
  }
  if (side !== 'buy' && side !== 'sell') return;
  tally.sided += quantity;
  tally.bought += side === 'buy' ? quantity : 0;
  tally.delta += side === 'buy' ? quantity : -quantity;
};

/** The value with the latest source time, the later event of equals; of values without a time the last one. */
const latestOpenInterest = (events: readonly SliceEvent[]): number | null => {
  let latest: { readonly value: number; readonly atMs: number } | undefined;
  for (const { event_type: type, exchange_ts_ms: exchangeTsMs, normalized } of events) {
    const value = normalized['open_interest'];
    const atMs = exchangeTsMs ?? -Infinity;
    if (type === 'OpenInterest' && isNumber(value) && atMs >= (latest?.atMs ?? -Infinity))
      latest = { value, atMs };
  }
  return latest?.value ?? null;
};

const finiteOrNull = (value: number | null): number | null =>
  value !== null && Number.isFinite(value) ? value : null;

/** What overflowed tells nothing. */
const finite = (features: Features): Features => ({
  aggressive_volume_ratio_3m: finiteOrNull(features.aggressive_volume_ratio_3m),
  atr_14: finiteOrNull(features.atr_14),
  atr_z_50: finiteOrNull(features.atr_z_50),
  cvd_3m: finiteOrNull(features.cvd_3m),
  open_interest_latest: features.open_interest_latest,
  price_last: features.price_last,
  vwap_3m: finiteOrNull(features.vwap_3m),
});
