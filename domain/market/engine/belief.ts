/** Belief: how likely each regime is. Each run starts from uniform belief, so it depends on its snapshot alone. */
import { regimes } from '#contracts/market/regime.ts';
import type { Regime } from '#contracts/market/regime.ts';
import type { Opinion } from '#domain/market/engine/evidence.ts';
import { regimeOrder } from '#domain/market/engine/resolution.ts';

/** Mass by regime, summing to 1, and the regime it is anchored at. */
export interface Belief {
  readonly massByRegime: Readonly<Record<Regime, number>>;
  readonly anchor: Regime;
}

const massOf = (mass: (regime: Regime) => number): Readonly<Record<Regime, number>> => ({
  CHOP_BALANCED: mass('CHOP_BALANCED'),
  CHOP_STOPHUNT: mass('CHOP_STOPHUNT'),
  LIQUIDATION_UP: mass('LIQUIDATION_UP'),
  LIQUIDATION_DOWN: mass('LIQUIDATION_DOWN'),
  SQUEEZE_UP: mass('SQUEEZE_UP'),
  SQUEEZE_DOWN: mass('SQUEEZE_DOWN'),
  TREND_BUILD_UP: mass('TREND_BUILD_UP'),
  TREND_BUILD_DOWN: mass('TREND_BUILD_DOWN'),
  TREND_EXHAUSTION: mass('TREND_EXHAUSTION'),
});

const isStronger = (one: Opinion, other: Opinion): boolean => {
  if (one.strength !== other.strength) return one.strength > other.strength;
  if (one.confidence !== other.confidence) return one.confidence > other.confidence;
  return regimeOrder(one.regime) < regimeOrder(other.regime);
};

/** The opinion that decides: by strength, then confidence, then regime order; undefined when there is none. */
export const strongest = (opinions: readonly Opinion[]): Opinion | undefined => {
  let [best] = opinions;
  for (const opinion of opinions) if (best && isStronger(opinion, best)) best = opinion;
  return best;
};

/** Nothing is known: the same mass everywhere, anchored at the first regime. */
export const uniformBelief: Belief = { massByRegime: massOf(() => 1 / regimes.length), anchor: regimes[0] };

/** All mass on the strongest opinion's regime; uniform without opinions. */
export const beliefFrom = (opinions: readonly Opinion[]): Belief => {
  const top = strongest(opinions);
  return top
    ? { massByRegime: massOf((regime) => (regime === top.regime ? 1 : 0)), anchor: top.regime }
    : uniformBelief;
};

/** The regime with the greatest mass, ties by regime order. */
export const projectRegime = ({ massByRegime }: Belief): Regime =>
  regimes.reduce((best, regime) => (massByRegime[regime] > massByRegime[best] ? regime : best));
