/** What the composer says without naming a regime, for the evidence matrix to interpret (section 5.9). */
import type { Features } from '#contracts/market/composer.ts';
import type { EvidenceSnapshot, NeutralOpinion } from '#contracts/market/evidence-matrix.ts';
import { byTypeAndSource } from '#domain/market/engine/neutral-evidence.ts';

const kinds = [
  { type: 'REGIME_OPINION', source: 'composer.classical' },
  { type: 'FLOW_PRESSURE_OPINION', source: 'composer.flow' },
  { type: 'VOLATILITY_REGIME_OPINION', source: 'composer.volatility' },
] as const;

const neutralOpinions = (features: Features): readonly NeutralOpinion[] => {
  const values = Object.values(features);
  const confidence = values.filter((value) => value !== null).length / values.length;
  if (confidence === 0) return [];
  return kinds
    .map((kind) => ({ ...kind, direction: 'NEUTRAL' as const, strength: 0, confidence }))
    .sort(byTypeAndSource);
};

/** The neutral evidence of some features; no opinions when nothing is known. */
export const neutralSnapshot = (
  of: { readonly symbol: string; readonly engineTimestampMs: number },
  features: Features,
): EvidenceSnapshot => ({
  schema: 'evidence_snapshot',
  schema_version: '1',
  symbol: of.symbol,
  engine_timestamp_ms: of.engineTimestampMs,
  opinions: [...neutralOpinions(features)],
});
