/** Average true range of closed candles, and how unusual the last one is. */
import type { ClosedCandle } from '#domain/market/composer/candles.ts';

const ATR_CANDLES = 14;
const ATR_VALUES = 50;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

/** The true range of each candle; the first one has no close before it. */
const trueRanges = (candles: readonly ClosedCandle[]): readonly number[] => {
  let before: ClosedCandle | undefined;
  return candles.map((candle) => {
    const { high, low } = candle;
    const range = before
      ? Math.max(high - low, Math.abs(high - before.close), Math.abs(low - before.close))
      : high - low;
    before = candle;
    return range;
  });
};

/** Average true range and its z-score; null when there are too few candles, or no variation. */
export interface Volatility {
  readonly atr: number | null;
  readonly atrZ: number | null;
}

/** The volatility at the end of candles in order: 14 of them make a range, 63 a z-score over 50 ranges. */
export const volatilityOf = (candles: readonly ClosedCandle[]): Volatility => {
  const ranges = trueRanges(candles);
  if (ranges.length < ATR_CANDLES) return { atr: null, atrZ: null };
  const atrAt = (end: number): number => mean(ranges.slice(end - ATR_CANDLES, end));
  const atr = atrAt(ranges.length);
  if (ranges.length < ATR_CANDLES + ATR_VALUES - 1) return { atr, atrZ: null };
  const atrs = Array.from({ length: ATR_VALUES }, (_, index) =>
    atrAt(ranges.length - ATR_VALUES + 1 + index),
  );
  return { atr, atrZ: zScore(atr, atrs) };
};

const zScore = (value: number, values: readonly number[]): number | null => {
  const middle = mean(values);
  const variance = mean(values.map((each) => (each - middle) * (each - middle)));
  return variance > 0 ? (value - middle) / Math.sqrt(variance) : null;
};
