/**
 * Evidence embedded in a snapshot: opinions of other programs about the regime. It is validated here, and what
 * was wrong with it becomes the invalidations of the output (market reference, section 5.6).
 */
import { Regime } from '#contracts/market/regime.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';

/** The key of `structure_levels` under which evidence travels. */
export const EVIDENCE_KEY = 'composer_evidence_snapshot_v1';

/** One opinion; strength and confidence lie in [0, 1]. */
export interface Opinion {
  readonly regime: Regime;
  readonly strength: number;
  readonly confidence: number;
  readonly source: string;
}

/** Valid opinions by regime name, source, confidence and strength; and the distinct faults, first seen first. */
export interface Evidence {
  readonly opinions: readonly Opinion[];
  readonly invalidations: readonly string[];
}

type Raw = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isShare = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;

const parseOpinion = (value: unknown): Opinion | string => {
  if (!isObject(value)) return 'INVALID_EVIDENCE_FIELDS';
  const { regime, source, strength, confidence } = value;
  if (typeof regime !== 'string' || typeof source !== 'string') return 'INVALID_EVIDENCE_FIELDS';
  const known = Regime.safeParse(regime);
  if (!known.success) return 'INVALID_EVIDENCE_REGIME';
  if (!isShare(strength) || !isShare(confidence)) return 'INVALID_EVIDENCE_BOUNDS';
  return { regime: known.data, strength, confidence, source };
};

const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

const byNameAndSource = (left: Opinion, right: Opinion): number =>
  compareText(left.regime, right.regime) ||
  compareText(left.source, right.source) ||
  right.confidence - left.confidence ||
  right.strength - left.strength;

const mismatches = (evidence: Raw, snapshot: RegimeInputSnapshot): readonly string[] => [
  ...(evidence['symbol'] === snapshot.symbol ? [] : ['INVALID_EVIDENCE_SYMBOL_MISMATCH']),
  ...(evidence['engine_timestamp_ms'] === snapshot.timestamp ? [] : ['INVALID_EVIDENCE_TIMESTAMP_MISMATCH']),
];

/** The evidence of a snapshot, or undefined when it carries no usable container. */
export const embeddedEvidence = (snapshot: RegimeInputSnapshot): Evidence | undefined => {
  const levels = snapshot.market['structure_levels'];
  const evidence = isObject(levels) ? levels[EVIDENCE_KEY] : undefined;
  if (!isObject(evidence)) return undefined;
  const wrong = mismatches(evidence, snapshot);
  if (wrong.length > 0) return { opinions: [], invalidations: wrong };
  const given: readonly unknown[] = Array.isArray(evidence['opinions']) ? evidence['opinions'] : [];
  const parsed = given.map(parseOpinion);
  const opinions = parsed.filter((opinion) => typeof opinion !== 'string').sort(byNameAndSource);
  const faults = parsed.filter((opinion) => typeof opinion === 'string');
  return { opinions, invalidations: [...new Set(faults)] };
};
