/** Who wins among the regimes that are left, and how sure that is (market reference, section 5.5). */
import { regimes } from '#contracts/market/regime.ts';
import type { Regime } from '#contracts/market/regime.ts';

/** A regime with its score and what contributed to it. */
export interface ScoredRegime {
  readonly regime: Regime;
  readonly score: number;
  readonly contributors: readonly string[];
}

/** Eligible regimes, best first; winner and runner-up are absent when there are none. */
export interface Resolution {
  readonly ranked: readonly ScoredRegime[];
  readonly winner?: ScoredRegime;
  readonly runnerUp?: ScoredRegime;
}

/** The place of a regime in the fixed order that breaks every tie. */
export const regimeOrder = (regime: Regime): number => regimes.indexOf(regime);

/** Drops the vetoed, weighs the rest (factor 1 unless given) and ranks by score, then by regime order. */
export const resolve = (
  scores: readonly ScoredRegime[],
  vetoed: ReadonlySet<Regime>,
  weights: ReadonlyMap<Regime, number> = new Map(),
): Resolution => {
  const ranked = scores
    .filter(({ regime }) => !vetoed.has(regime))
    .map((scored) => ({ ...scored, score: scored.score * (weights.get(scored.regime) ?? 1) }))
    .sort((left, right) => right.score - left.score || regimeOrder(left.regime) - regimeOrder(right.regime));
  const [winner, runnerUp] = ranked;
  return { ranked, ...(winner ? { winner } : {}), ...(runnerUp ? { runnerUp } : {}) };
};

/** Zero at and below 0, one at and above 1. */
export const clamp01 = (value: number): number => (value <= 0 ? 0 : value >= 1 ? 1 : value);

const pillars = ({ contributors }: ScoredRegime): ReadonlySet<string> =>
  new Set(contributors.map((name) => name.split('.', 1).join('')).filter((pillar) => pillar !== ''));

/** Common pillars of two regimes as a share of all their pillars; 0 when they have none. */
export const pillarOverlap = (winner: ScoredRegime, runnerUp: ScoredRegime): number => {
  const left = pillars(winner);
  const right = pillars(runnerUp);
  const union = new Set([...left, ...right]);
  const common = [...left].filter((pillar) => right.has(pillar));
  return union.size === 0 ? 0 : common.length / union.size;
};

/** Confidence of a resolution: undefined without a winner, 0 without a rival. */
export const confidenceOf = ({ winner, runnerUp }: Resolution): number | undefined => {
  if (!winner) return undefined;
  if (!runnerUp) return 0;
  return 0.5 * clamp01(pillarOverlap(winner, runnerUp)) + 0.5 * clamp01(winner.score - runnerUp.score);
};
