/** Neutral evidence embedded in a snapshot: opinions that name no regime, for a matrix to interpret (section 5.10). */
import { EvidenceDirection } from '#contracts/market/evidence-matrix.ts';
import type { NeutralOpinion } from '#contracts/market/evidence-matrix.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import { embedded, isObject, isShare, listOf } from '#domain/market/engine/evidence.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';

/** The key of `structure_levels` under which neutral evidence travels. */
export const NEUTRAL_EVIDENCE_KEY = 'composer_evidence_snapshot_neutral_v1';

/** Valid neutral opinions in their order; with any fault at all they are of no use. */
export interface NeutralEvidence {
  readonly opinions: readonly NeutralOpinion[];
  readonly invalidations: readonly string[];
}

const directions: ReadonlySet<unknown> = new Set(EvidenceDirection.options);
const isDirection = (value: unknown): value is EvidenceDirection => directions.has(value);

const parseOpinion = (value: unknown): NeutralOpinion | string => {
  if (!isObject(value)) return 'INVALID_NEUTRAL_FIELDS';
  const { type, direction, source, strength, confidence } = value;
  if (typeof type !== 'string' || typeof source !== 'string' || !isDirection(direction))
    return 'INVALID_NEUTRAL_FIELDS';
  if (!isShare(strength) || !isShare(confidence)) return 'INVALID_NEUTRAL_BOUNDS';
  return { type, direction, strength, confidence, source };
};

/** The order in which neutral opinions are told: by type, source, direction, strength and confidence. */
export const byTypeAndSource = (left: NeutralOpinion, right: NeutralOpinion): number =>
  compareText(left.type, right.type) ||
  compareText(left.source, right.source) ||
  compareText(left.direction, right.direction) ||
  right.strength - left.strength ||
  right.confidence - left.confidence;

/** The neutral evidence of a snapshot, or undefined when it carries none. */
export const neutralEvidence = (snapshot: RegimeInputSnapshot): NeutralEvidence | undefined => {
  const evidence = embedded(snapshot, NEUTRAL_EVIDENCE_KEY);
  if (!evidence) return undefined;
  const isKnown = evidence['schema'] === 'evidence_snapshot' && evidence['schema_version'] === '1';
  const parsed = listOf(evidence['opinions']).map(parseOpinion);
  const faults = [
    ...(isKnown ? [] : ['INVALID_NEUTRAL_SCHEMA']),
    ...(evidence['symbol'] === snapshot.symbol ? [] : ['INVALID_NEUTRAL_SYMBOL_MISMATCH']),
    ...(evidence['engine_timestamp_ms'] === snapshot.timestamp ? [] : ['INVALID_NEUTRAL_TIMESTAMP_MISMATCH']),
    ...parsed.filter((opinion) => typeof opinion === 'string'),
  ];
  return {
    opinions: parsed.filter((opinion) => typeof opinion !== 'string').sort(byTypeAndSource),
    invalidations: [...new Set(faults)],
  };
};
