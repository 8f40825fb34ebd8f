/**
 * The classical pipeline: scores, vetoes, ranks. All scores are 0, so the contributors alone tell regimes apart,
 * and an answer depends on the vetoes that apply and on nothing else: there are eight, made once.
 */
import { regimes } from '#contracts/market/regime.ts';
import { valueOf } from '#domain/kernel/value-of.ts';
import { contributorsByRegime, driverLabel } from '#domain/market/engine/contributors.ts';
import { confidenceOf, resolve } from '#domain/market/engine/resolution.ts';
import type { Resolution } from '#domain/market/engine/resolution.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';
import { vetoCombinations, vetoesOf } from '#domain/market/engine/vetoes.ts';
import type { Veto, VetoPredicates } from '#domain/market/engine/vetoes.ts';

/** What the classical pipeline finds before any evidence is looked at. */
export interface ClassicalAnswer {
  readonly resolution: Resolution;
  readonly vetoes: readonly Veto[];
  readonly confidence: number | undefined;
  /** How the winner is explained; empty without one. */
  readonly drivers: readonly string[];
  readonly invalidations: readonly string[];
}

const scores = regimes.map((regime) => ({ regime, score: 0, contributors: contributorsByRegime[regime] }));

const answerTo = (vetoes: readonly Veto[]): ClassicalAnswer => {
  const resolution = resolve(scores, new Set(vetoes.flatMap((veto) => veto.regimes)));
  return {
    resolution,
    vetoes,
    confidence: confidenceOf(resolution),
    drivers: [...new Set((resolution.winner?.contributors ?? []).map(driverLabel))],
    invalidations: [...new Set(vetoes.map((veto) => veto.label))],
  };
};

const answers: ReadonlyMap<readonly Veto[], ClassicalAnswer> = new Map(
  vetoCombinations.map((vetoes) => [vetoes, answerTo(vetoes)]),
);

/** What the vetoes of a snapshot leave of the nine regimes. */
export const classicalAnswer = (snapshot: RegimeInputSnapshot, predicates: VetoPredicates): ClassicalAnswer =>
  valueOf(answers, vetoesOf(snapshot, predicates));
