/**
 * The evidence matrix: interprets neutral evidence as opinions about regimes, and decides for which symbols these
 * replace the opinions of the legacy evidence. What explains an output stays the legacy evidence's (section 5.10).
 */
import type {
  MatrixCell,
  MatrixDefinition,
  MatrixRouting,
  MatrixWeights,
  NeutralOpinion,
} from '#contracts/market/evidence-matrix.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { strongest } from '#domain/market/engine/belief.ts';
import { byNameAndSource } from '#domain/market/engine/evidence.ts';
import type { Opinion } from '#domain/market/engine/evidence.ts';
import { neutralEvidence } from '#domain/market/engine/neutral-evidence.ts';
import { clamp01 } from '#domain/market/engine/resolution.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';

/** Why the legacy evidence was taken although the matrix should have decided. */
export type MatrixFallback =
  'neutral_evidence_missing' | 'neutral_evidence_invalid' | 'matrix_selection_mismatch';

/** The opinions a belief is formed from, and why they are not the matrix's if that is so. */
export interface RoutedOpinions {
  readonly opinions: readonly Opinion[];
  readonly fallback?: MatrixFallback;
}

const weightOf = (of: readonly (MatrixWeights | undefined)[], key: 'strength' | 'confidence'): number => {
  const given = of.map((weights) => weights?.[`${key}_weight`]);
  return given.find((weight) => weight !== undefined) ?? 1;
};

const capOf = (of: readonly (MatrixWeights | undefined)[], key: 'strength' | 'confidence'): number => {
  const given = of.map((weights) => weights?.[`${key}_cap`]);
  return given.find((cap) => cap !== undefined) ?? 1;
};

const influence = (opinion: NeutralOpinion, cell: MatrixCell, definition: MatrixDefinition): Opinion => {
  const sourceDefaults = new Map(Object.entries(definition.source_defaults ?? {})).get(opinion.source);
  const weights = [cell.weights, sourceDefaults, definition.defaults];
  const weighed = (key: 'strength' | 'confidence'): number =>
    Math.min(clamp01(opinion[key] * weightOf(weights, key)), capOf(weights, key));
  return {
    regime: cell.regime,
    strength: weighed('strength'),
    confidence: weighed('confidence'),
    source: `matrix_v1:${opinion.source}:${opinion.type}:${opinion.direction}`,
  };
};

/** What a matrix makes of neutral opinions, in the order of opinions; no cell, no influence. */
export const influences = (
  opinions: readonly NeutralOpinion[],
  definition: MatrixDefinition,
): readonly Opinion[] =>
  opinions
    .flatMap((opinion) =>
      definition.cells
        .filter(
          (cell) =>
            cell.source === opinion.source &&
            cell.evidence_type === opinion.type &&
            cell.direction === opinion.direction,
        )
        .map((cell) => influence(opinion, cell, definition)),
    )
    .sort(byNameAndSource);

/** The stable share of a symbol in 0 … 99 by which a rollout takes it in. */
export const rolloutShare = (symbol: string): number =>
  Number.parseInt(sha256Hex(symbol).slice(0, 8), 16) % 100;

const isRouted = (symbol: string, routing: MatrixRouting): boolean => {
  const { mode, symbol_allowlist: listed, rollout_percent: percent } = routing;
  if (mode !== 'matrix_enabled') return false;
  return listed.length > 0 ? listed.includes(symbol) : rolloutShare(symbol) < percent;
};

/** Decides between the opinions of the legacy evidence and those of the matrix. */
export const routeOpinions = (
  snapshot: RegimeInputSnapshot,
  legacy: readonly Opinion[],
  routing: MatrixRouting,
): RoutedOpinions => {
  if (!isRouted(snapshot.symbol, routing)) return { opinions: legacy };
  const evidence = neutralEvidence(snapshot);
  if (!evidence || evidence.invalidations.length > 0)
    return {
      opinions: routing.fail_closed ? legacy : [],
      fallback: evidence ? 'neutral_evidence_invalid' : 'neutral_evidence_missing',
    };
  const opinions = routing.interpreter === 'shadow' ? [] : influences(evidence.opinions, routing.definition);
  const isSame = strongest(legacy)?.regime === strongest(opinions)?.regime;
  return routing.strict_mismatch_fallback && !isSame
    ? { opinions: legacy, fallback: 'matrix_selection_mismatch' }
    : { opinions };
};
