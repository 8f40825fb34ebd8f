/** Belief as other programs read and write it (market reference, section 5.6). */
import type { BeliefByRegime, Regime, RegimeState } from '#contracts/market/regime.ts';
import type { Belief } from '#domain/market/engine/belief.ts';

const SUM_TOLERANCE = 1e-9;

/** Which invariant of belief a state breaks; undefined when it keeps them all. */
export const beliefFault = (belief: BeliefByRegime, anchor: Regime): string | undefined => {
  const masses = Object.values(belief);
  if (masses.length === 0) return 'belief_by_regime must not be empty';
  if (!Object.hasOwn(belief, anchor)) return 'belief_by_regime must have the anchor_regime';
  if (masses.some((mass) => mass < 0 || mass > 1)) return 'belief_by_regime must lie in [0, 1]';
  const sum = masses.reduce((total, mass) => total + mass, 0);
  return Math.abs(sum - 1) <= SUM_TOLERANCE ? undefined : 'belief_by_regime must sum to 1';
};

/** The belief of a run. */
export const regimeState = (
  of: { readonly symbol: string; readonly timestamp: number },
  { massByRegime, anchor }: Belief,
): RegimeState => ({
  schema: 'regime_state',
  schema_version: '1',
  symbol: of.symbol,
  engine_timestamp_ms: of.timestamp,
  belief_by_regime: massByRegime,
  anchor_regime: anchor,
});
