/** Where in a snapshot the contributors of a regime are found. */
import { isMissing } from '#domain/market/engine/snapshot.ts';
import type { RegimeInputSnapshot, SnapshotPart } from '#domain/market/engine/snapshot.ts';

/** The part and member of a snapshot behind each contributor's name. */
export const featureMembers: Readonly<Record<string, readonly [SnapshotPart, string]>> = {
  'market.atr_zscore': ['market', 'atr_z'],
  'market.range_expansion': ['market', 'range_expansion'],
  'market.acceptance_score': ['market', 'acceptance_score'],
  'market.sweep_score': ['market', 'sweep_score'],
  'derivatives.oi_slope_short': ['derivatives', 'oi_slope_short'],
  'derivatives.oi_slope_med': ['derivatives', 'oi_slope_med'],
  'derivatives.oi_acceleration': ['derivatives', 'oi_accel'],
  'derivatives.funding_level': ['derivatives', 'funding_rate'],
  'derivatives.funding_slope': ['derivatives', 'funding_slope'],
  'derivatives.funding_zscore': ['derivatives', 'funding_z'],
  'flow.cvd_slope': ['flow', 'cvd_slope'],
  'flow.cvd_efficiency': ['flow', 'cvd_efficiency'],
  'flow.aggressive_volume_ratio': ['flow', 'aggressive_volume_ratio'],
  'context.rs_vs_btc': ['context', 'rs_vs_btc'],
  'context.beta_to_btc': ['context', 'beta_to_btc'],
  'context.alt_breadth': ['context', 'alt_breadth'],
};

const isGiven = (value: unknown): boolean => value !== null && !isMissing(value);

/** True when at least one feature that some regime looks at has a value. */
export const hasFeatures = (snapshot: RegimeInputSnapshot): boolean =>
  Object.values(featureMembers).some(([part, member]) => isGiven(snapshot[part][member]));
