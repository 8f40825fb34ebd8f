/**
 * The truth engine: one snapshot in, one regime out, nothing remembered. The classical pipeline gives confidence
 * and the fallback; embedded evidence, when there is any, decides the regime and explains it.
 */
import { regimes } from '#contracts/market/regime.ts';
import type { RegimeOutput } from '#contracts/market/regime.ts';
import { beliefFrom, projectRegime } from '#domain/market/engine/belief.ts';
import { contributorsByRegime, driverLabel } from '#domain/market/engine/contributors.ts';
import { embeddedEvidence } from '#domain/market/engine/evidence.ts';
import type { Evidence } from '#domain/market/engine/evidence.ts';
import { confidenceOf, resolve } from '#domain/market/engine/resolution.ts';
import type { Resolution } from '#domain/market/engine/resolution.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';
import { noVetoes, vetoesOf } from '#domain/market/engine/vetoes.ts';
import type { Veto, VetoPredicates } from '#domain/market/engine/vetoes.ts';

/** The driver of an output whose evidence held no valid opinion. */
const NO_EVIDENCE_DRIVER = 'DRIVER_NO_CANONICAL_EVIDENCE';

/** The engine cannot explain its answer: the named members are missing. */
export class ExplainabilityError extends Error {
  override readonly name = 'ExplainabilityError';
  constructor(missing: readonly string[]) {
    super(`Explainability validation failed: ${missing.join(', ')}`);
  }
}

/** What the classical pipeline finds before any evidence is looked at. */
export interface ClassicalAnswer {
  readonly resolution: Resolution;
  readonly vetoes: readonly Veto[];
  readonly confidence: number | undefined;
}

/** Scores, vetoes, ranks. All scores are 0: the contributors alone tell the regimes apart. */
export const classicalAnswer = (
  snapshot: RegimeInputSnapshot,
  predicates: VetoPredicates = noVetoes,
): ClassicalAnswer => {
  const vetoes = vetoesOf(snapshot, predicates);
  const scores = regimes.map((regime) => ({ regime, score: 0, contributors: contributorsByRegime[regime] }));
  const resolution = resolve(scores, new Set(vetoes.flatMap((veto) => veto.regimes)));
  return { resolution, vetoes, confidence: confidenceOf(resolution) };
};

/** The regime of a snapshot. Throws `ExplainabilityError` when vetoes leave nobody and no evidence decides. */
export const run = (snapshot: RegimeInputSnapshot, predicates: VetoPredicates = noVetoes): RegimeOutput => {
  const classical = classicalAnswer(snapshot, predicates);
  const evidence = embeddedEvidence(snapshot);
  const confidence = classical.confidence ?? 0;
  return evidence
    ? fromEvidence(snapshot, evidence, confidence)
    : fromClassical(snapshot, classical, confidence);
};

const fromEvidence = (
  snapshot: RegimeInputSnapshot,
  { opinions, invalidations }: Evidence,
  confidence: number,
): RegimeOutput => {
  const regime = projectRegime(beliefFrom(opinions));
  const sources = [...new Set(opinions.map(({ source }) => source))];
  return {
    symbol: snapshot.symbol,
    timestamp: snapshot.timestamp,
    regime,
    confidence,
    drivers: opinions.length === 0 ? [NO_EVIDENCE_DRIVER] : sources,
    invalidations: [...invalidations],
    permissions: [regime],
  };
};

const fromClassical = (
  snapshot: RegimeInputSnapshot,
  { resolution: { winner }, vetoes }: ClassicalAnswer,
  confidence: number,
): RegimeOutput => {
  if (!winner) throw new ExplainabilityError(['winner', 'drivers', 'permissions']);
  const drivers = winner.contributors.map(driverLabel);
  return {
    symbol: snapshot.symbol,
    timestamp: snapshot.timestamp,
    regime: winner.regime,
    confidence,
    drivers: [...new Set(drivers)],
    invalidations: [...new Set(vetoes.map((veto) => veto.label))],
    permissions: [winner.regime],
  };
};
