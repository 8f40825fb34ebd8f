/** Closed three-minute candles: which events are one, and the last of them per symbol (section 5.9 and 12.4). */
import type { SliceEvent } from '#domain/market/slice.ts';

/** Length of the candles the composer looks at. */
export const CANDLE_MS = 180_000;

/** A closed candle of three minutes. */
export interface ClosedCandle {
  /** Its instant at the source. */
  readonly atMs: number;
  readonly high: number;
  readonly low: number;
  readonly close: number;
}

/** True for a number one can calculate with. */
export const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value);

/** The closed candle an event is; undefined for every other event. */
export const closedCandle = (event: SliceEvent): ClosedCandle | undefined => {
  if (event.event_type !== 'Candle' || event.exchange_ts_ms === null) return undefined;
  const { interval_ms: interval, is_final: isFinal, high, low, close } = event.normalized;
  if (interval !== CANDLE_MS || isFinal !== true) return undefined;
  if (!isNumber(high) || !isNumber(low) || !isNumber(close)) return undefined;
  return { atMs: event.exchange_ts_ms, high, low, close };
};

/** In the order of their instants; of equal instants the earlier event stays first. */
export const inOrder = (candles: readonly ClosedCandle[]): readonly ClosedCandle[] =>
  candles.some((candle, index) => candle.atMs < (candles[index - 1]?.atMs ?? -Infinity))
    ? [...candles].sort((left, right) => left.atMs - right.atMs)
    : candles;

/** The closed candles among events. */
export const closedCandles = (events: readonly SliceEvent[]): readonly ClosedCandle[] =>
  events.map(closedCandle).filter((candle) => candle !== undefined);

/**
 * The last candles of a symbol after more of them. Folding a symbol's slices gives the same window however often it is
 * done, so a window can be lost.
 */
export const addCandles = (
  window: readonly ClosedCandle[],
  fresh: readonly ClosedCandle[],
  length: number,
): readonly ClosedCandle[] => (fresh.length === 0 ? window : inOrder([...window, ...fresh]).slice(-length));
