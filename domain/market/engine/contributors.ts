/** The tables of the classical pipeline: what each regime looks at and how people read it. */
import type { Regime } from '#contracts/market/regime.ts';

const liquidation = [
  'market.range_expansion',
  'market.atr_zscore',
  'market.sweep_score',
  'flow.cvd_slope',
  'flow.cvd_efficiency',
  'derivatives.oi_acceleration',
  'derivatives.funding_level',
  'derivatives.funding_slope',
  'derivatives.funding_zscore',
] as const;

const squeeze = [
  'derivatives.oi_slope_med',
  'derivatives.oi_acceleration',
  'derivatives.funding_zscore',
  'market.range_expansion',
  'flow.cvd_slope',
  'flow.cvd_efficiency',
] as const;

const trendBuild = [
  'flow.cvd_slope',
  'flow.cvd_efficiency',
  'market.acceptance_score',
  'market.range_expansion',
  'derivatives.oi_slope_med',
  'derivatives.funding_slope',
  'context.rs_vs_btc',
  'context.beta_to_btc',
  'context.alt_breadth',
] as const;

/** Contributors of each regime, in the order in which they become drivers. */
export const contributorsByRegime: Readonly<Record<Regime, readonly string[]>> = {
  CHOP_BALANCED: [
    'market.atr_zscore',
    'market.range_expansion',
    'flow.cvd_efficiency',
    'derivatives.oi_slope_short',
    'derivatives.funding_level',
  ],
  CHOP_STOPHUNT: [
    'market.sweep_score',
    'market.acceptance_score',
    'market.range_expansion',
    'flow.aggressive_volume_ratio',
    'derivatives.oi_slope_short',
    'derivatives.funding_level',
  ],
  LIQUIDATION_UP: liquidation,
  LIQUIDATION_DOWN: liquidation,
  SQUEEZE_UP: squeeze,
  SQUEEZE_DOWN: squeeze,
  TREND_BUILD_UP: trendBuild,
  TREND_BUILD_DOWN: trendBuild,
  TREND_EXHAUSTION: [
    'flow.cvd_efficiency',
    'market.sweep_score',
    'market.acceptance_score',
    'market.atr_zscore',
    'derivatives.funding_zscore',
    'derivatives.oi_acceleration',
    'context.rs_vs_btc',
    'context.alt_breadth',
  ],
};

const driverLabels: ReadonlyMap<string, string> = new Map([
  ['context.alt_breadth', 'Context alt breadth'],
  ['context.beta_to_btc', 'Context beta to BTC'],
  ['context.rs_vs_btc', 'Context relative strength vs BTC'],
  ['derivatives.funding_level', 'Derivatives funding level'],
  ['derivatives.funding_slope', 'Derivatives funding slope'],
  ['derivatives.funding_zscore', 'Derivatives funding z-score'],
  ['derivatives.oi_acceleration', 'Derivatives OI acceleration'],
  ['derivatives.oi_slope_med', 'Derivatives OI slope medium'],
  ['derivatives.oi_slope_short', 'Derivatives OI slope short'],
  ['flow.aggressive_volume_ratio', 'Flow aggressive volume ratio'],
  ['flow.cvd_efficiency', 'Flow CVD efficiency'],
  ['flow.cvd_slope', 'Flow CVD slope'],
  ['market.acceptance_score', 'Market acceptance score'],
  ['market.atr_zscore', 'Market ATR z-score'],
  ['market.range_expansion', 'Market range expansion'],
  ['market.sweep_score', 'Market sweep score'],
]);

/** How a contributor reads as a driver; one without a label is shown by its name. */
export const driverLabel = (contributor: string): string => driverLabels.get(contributor) ?? contributor;
