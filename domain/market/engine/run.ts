/**
 * The truth engine: one snapshot in, one regime out, nothing remembered. The classical pipeline gives confidence
 * and the fallback; embedded evidence, when there is any, decides the regime and explains it.
 */
import type { RegimeOutput, RegimeState } from '#contracts/market/regime.ts';
import { beliefFrom, projectRegime, uniformBelief } from '#domain/market/engine/belief.ts';
import type { Belief } from '#domain/market/engine/belief.ts';
import { classicalAnswer } from '#domain/market/engine/classical.ts';
import type { ClassicalAnswer } from '#domain/market/engine/classical.ts';
import { embedded, embeddedEvidence, EVIDENCE_KEY } from '#domain/market/engine/evidence.ts';
import type { Evidence, Opinion } from '#domain/market/engine/evidence.ts';
import { hasFeatures } from '#domain/market/engine/features.ts';
import { routeOpinions } from '#domain/market/engine/matrix.ts';
import { referenceEngine } from '#domain/market/engine/options.ts';
import type { EngineOptions } from '#domain/market/engine/options.ts';
import { regimeState } from '#domain/market/engine/regime-state.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';

/** The driver of an output whose evidence held no valid opinion. */
const NO_EVIDENCE_DRIVER = 'DRIVER_NO_CANONICAL_EVIDENCE';
/** The driver and the invalidation of an output that had nothing to go by. */
const NO_DATA_DRIVER = 'DRIVER_NO_DATA';
const NO_DATA = 'NO_DATA';

/** The engine cannot explain its answer: the named members are missing. */
export class ExplainabilityError extends Error {
  override readonly name = 'ExplainabilityError';
  constructor(missing: readonly string[]) {
    super(`Explainability validation failed: ${missing.join(', ')}`);
  }
}

/** An answer of the engine and the belief it comes from. */
export interface Thought {
  readonly output: RegimeOutput;
  readonly state: RegimeState;
}

/** The regime of a snapshot. Throws `ExplainabilityError` when vetoes leave nobody and no evidence decides. */
export const run = (snapshot: RegimeInputSnapshot, options: EngineOptions = referenceEngine): RegimeOutput =>
  think(snapshot, options).output;

/** Whether a snapshot carries evidence, valid or not. */
export const hasEmbeddedEvidence = (snapshot: RegimeInputSnapshot): boolean =>
  embedded(snapshot, EVIDENCE_KEY) !== undefined;

/** The regime of a snapshot with the belief behind it; throws as `run` does. */
export const think = (snapshot: RegimeInputSnapshot, options: EngineOptions): Thought => {
  const classical = classicalAnswer(snapshot, options.predicates);
  const looksAtEvidence = options.kind === 'belief';
  const evidence = looksAtEvidence ? embeddedEvidence(snapshot) : undefined;
  if (!evidence && options.noData === 'reason' && !hasFeatures(snapshot)) return noData(snapshot);
  const legacy = evidence?.opinions ?? classicalOpinions(classical);
  const { opinions } =
    looksAtEvidence && options.matrix
      ? routeOpinions(snapshot, legacy, options.matrix)
      : { opinions: legacy };
  const belief = beliefFrom(opinions);
  const explanation = evidence ? explainEvidence(evidence) : explainClassical(classical);
  return thought(snapshot, belief, { confidence: classical.confidence ?? 0, ...explanation });
};

/** What an output says beside its regime. */
type Explanation = Pick<RegimeOutput, 'confidence' | 'drivers' | 'invalidations'>;

const thought = (
  snapshot: RegimeInputSnapshot,
  belief: Belief,
  { confidence, drivers, invalidations }: Explanation,
): Thought => {
  const { symbol, timestamp } = snapshot;
  const regime = projectRegime(belief);
  const output = { symbol, timestamp, regime, confidence, drivers, invalidations, permissions: [regime] };
  return { output, state: regimeState(snapshot, belief) };
};

const noData = (snapshot: RegimeInputSnapshot): Thought =>
  thought(snapshot, uniformBelief, {
    confidence: 0,
    drivers: [NO_DATA_DRIVER],
    invalidations: [NO_DATA],
  });

const classicalOpinions = ({
  resolution: { winner },
  confidence = 0,
}: ClassicalAnswer): readonly Opinion[] =>
  winner ? [{ regime: winner.regime, strength: 1, confidence, source: 'classical_resolution_v1' }] : [];

const explainEvidence = ({
  opinions,
  invalidations,
}: Evidence): Pick<Explanation, 'drivers' | 'invalidations'> => ({
  drivers: opinions.length === 0 ? [NO_EVIDENCE_DRIVER] : [...new Set(opinions.map(({ source }) => source))],
  invalidations: [...invalidations],
});

const explainClassical = ({
  resolution: { winner },
  drivers,
  invalidations,
}: ClassicalAnswer): Pick<Explanation, 'drivers' | 'invalidations'> => {
  if (!winner) throw new ExplainabilityError(['winner', 'drivers', 'permissions']);
  return { drivers: [...drivers], invalidations: [...invalidations] };
};
