/**
 * Evidence embedded in a snapshot: opinions of other programs about the regime. It is validated here, and what
 * was wrong with it becomes the invalidations of the output (market reference, section 5.6).
 */
import { isRegime } from '#contracts/market/regime.ts';
import type { Regime } from '#contracts/market/regime.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import { isMissing } from '#domain/market/engine/snapshot.ts';
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

/** True for an object that is no list. */
export const isObject = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** True for a number in [0, 1]: a boolean, a text and what is no finite number are none. */
export const isShare = (value: unknown): value is number =>
  typeof value === 'number' && value >= 0 && value <= 1;

const parseOpinion = (value: unknown): Opinion | string => {
  if (!isObject(value)) return 'INVALID_EVIDENCE_FIELDS';
  const { regime, source, strength, confidence } = value;
  if (typeof regime !== 'string' || typeof source !== 'string') return 'INVALID_EVIDENCE_FIELDS';
  if (!isRegime(regime)) return 'INVALID_EVIDENCE_REGIME';
  if (!isShare(strength) || !isShare(confidence)) return 'INVALID_EVIDENCE_BOUNDS';
  return { regime, strength, confidence, source };
};

/** The order in which opinions are told: by regime name, source, confidence and strength. */
export const byNameAndSource = (left: Opinion, right: Opinion): number =>
  compareText(left.regime, right.regime) ||
  compareText(left.source, right.source) ||
  right.confidence - left.confidence ||
  right.strength - left.strength;

const mismatches = (evidence: Raw, snapshot: RegimeInputSnapshot): readonly string[] => [
  ...(evidence['symbol'] === snapshot.symbol ? [] : ['INVALID_EVIDENCE_SYMBOL_MISMATCH']),
  ...(evidence['engine_timestamp_ms'] === snapshot.timestamp ? [] : ['INVALID_EVIDENCE_TIMESTAMP_MISMATCH']),
];

/** What a snapshot carries under a key of its structure levels; undefined unless it is an object, and not missing. */
export const embedded = (snapshot: RegimeInputSnapshot, key: string): Raw | undefined => {
  const levels = snapshot.market['structure_levels'];
  const value = isObject(levels) ? levels[key] : undefined;
  return isObject(value) && !isMissing(value) ? value : undefined;
};

/** The value when it is a list, else an empty one. */
export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The evidence of a snapshot, or undefined when it carries no usable container. */
export const embeddedEvidence = (snapshot: RegimeInputSnapshot): Evidence | undefined => {
  const evidence = embedded(snapshot, EVIDENCE_KEY);
  if (!evidence) return undefined;
  const wrong = mismatches(evidence, snapshot);
  if (wrong.length > 0) return { opinions: [], invalidations: wrong };
  const parsed = listOf(evidence['opinions']).map(parseOpinion);
  const opinions = parsed.filter((opinion) => typeof opinion !== 'string').sort(byNameAndSource);
  const faults = parsed.filter((opinion) => typeof opinion === 'string');
  return { opinions, invalidations: [...new Set(faults)] };
};
