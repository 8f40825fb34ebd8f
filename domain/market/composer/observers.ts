/** Observers: each looks at the features and has at most one opinion (market reference, section 5.9). */
import type { Features } from '#contracts/market/composer.ts';
import { regimes } from '#contracts/market/regime.ts';
import type { Regime } from '#contracts/market/regime.ts';
import { byNameAndSource } from '#domain/market/engine/evidence.ts';
import type { Opinion } from '#domain/market/engine/evidence.ts';
import { clamp01 } from '#domain/market/engine/resolution.ts';

/** What observers go by; undefined where the features do not tell. */
interface View {
  /** Net aggressive volume as a share of open interest. */
  readonly flowRatio?: number | undefined;
  /** Which side of its average the price is on. */
  readonly trend?: number | undefined;
  readonly volatility?: number | undefined;
}

const viewOf = ({ cvd_3m, open_interest_latest, price_last, vwap_3m, atr_z_50 }: Features): View => ({
  flowRatio:
    cvd_3m !== null && open_interest_latest !== null && open_interest_latest > 0
      ? cvd_3m / open_interest_latest
      : undefined,
  trend: price_last !== null && vwap_3m !== null ? Math.sign(price_last - vwap_3m) : undefined,
  volatility: atr_z_50 ?? undefined,
});

const knownShare = (values: readonly (number | null)[]): number =>
  values.filter((value) => value !== null).length / values.length;

const scoresOf = ({ flowRatio = 0, trend = 0, volatility }: View): Readonly<Record<Regime, number>> => {
  const flow = Math.abs(flowRatio);
  const anyVolatility = volatility === undefined ? 0 : clamp01((volatility + 1) / 3);
  const highVolatility = volatility === undefined ? 0 : clamp01((volatility - 1) / 2);
  const lowFlow = clamp01(1 - flow / 0.01);
  const mediumFlow = clamp01(flow / 0.02);
  const highFlow = clamp01(flow / 0.05);
  return {
    CHOP_BALANCED: (1 - anyVolatility) * lowFlow,
    CHOP_STOPHUNT: anyVolatility * lowFlow,
    LIQUIDATION_UP: flowRatio > 0 ? highVolatility * highFlow : 0,
    LIQUIDATION_DOWN: flowRatio < 0 ? highVolatility * highFlow : 0,
    SQUEEZE_UP: trend > 0 ? highVolatility * mediumFlow : 0,
    SQUEEZE_DOWN: trend < 0 ? highVolatility * mediumFlow : 0,
    TREND_BUILD_UP: trend > 0 ? anyVolatility * mediumFlow : 0,
    TREND_BUILD_DOWN: trend < 0 ? anyVolatility * mediumFlow : 0,
    TREND_EXHAUSTION: highVolatility * lowFlow,
  };
};

/** The regime with the best score, the first of equals. */
const classicalRegime = (features: Features, view: View): Opinion => {
  const scores = scoresOf(view);
  const regime = regimes.reduce((best, each) => (scores[each] > scores[best] ? each : best));
  const { price_last, vwap_3m, atr_z_50, cvd_3m, open_interest_latest } = features;
  return {
    regime,
    strength: clamp01(scores[regime]),
    confidence: knownShare([price_last, vwap_3m, atr_z_50, cvd_3m, open_interest_latest]),
    source: 'composer:classical_regime_v1',
  };
};

const FLOW_MIN = 0.002;
const FLOW_FULL = 0.02;

const flowFamily = (flow: number, volatility = -Infinity): 'LIQUIDATION' | 'SQUEEZE' | 'TREND_BUILD' => {
  if (volatility >= 1.5 && flow >= FLOW_FULL) return 'LIQUIDATION';
  return volatility >= 1 ? 'SQUEEZE' : 'TREND_BUILD';
};

/** What strong one-sided flow means; no opinion on weak flow. */
const flowPressure = (features: Features, { flowRatio, volatility }: View): Opinion | undefined => {
  if (flowRatio === undefined || Math.abs(flowRatio) < FLOW_MIN) return undefined;
  const flow = Math.abs(flowRatio);
  return {
    regime: `${flowFamily(flow, volatility)}_${flowRatio > 0 ? 'UP' : 'DOWN'}`,
    strength: clamp01(flow / FLOW_FULL),
    confidence: knownShare([features.cvd_3m, features.open_interest_latest]),
    source: 'composer:flow_pressure_v1',
  };
};

const volatilityRegime = (volatility: number, trend = 0): Regime | undefined => {
  if (volatility <= 0.2) return 'CHOP_BALANCED';
  if (volatility <= 0.8) return 'CHOP_STOPHUNT';
  if (volatility >= 1.8) return 'TREND_EXHAUSTION';
  if (trend === 0) return undefined;
  return trend > 0 ? 'SQUEEZE_UP' : 'SQUEEZE_DOWN';
};

/** What volatility alone means; no opinion on a lively market without direction. */
const volatilityContext = (features: Features, { volatility, trend }: View): Opinion | undefined => {
  if (volatility === undefined) return undefined;
  const regime = volatilityRegime(volatility, trend);
  return (
    regime && {
      regime,
      strength: clamp01((volatility - 0.2) / 2),
      confidence: knownShare([features.atr_z_50]),
      source: 'composer:volatility_context_v1',
    }
  );
};

const observers = [classicalRegime, flowPressure, volatilityContext] as const;

/** The opinions on some features, in the order of the observers. */
export const observe = (features: Features): readonly Opinion[] => {
  const view = viewOf(features);
  return observers.map((observer) => observer(features, view)).filter((opinion) => opinion !== undefined);
};

/** The opinions on some features, in the order in which evidence tells them. */
export const opinionsOn = (features: Features): readonly Opinion[] =>
  [...observe(features)].sort(byNameAndSource);
