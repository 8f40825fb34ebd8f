/**
 * Vetoes: rules that take regimes out of the running. The five predicates are injected; by default each is
 * false, as no threshold is agreed. A predicate is never asked about a missing value.
 */
import { regimes } from '#contracts/market/regime.ts';
import type { Regime } from '#contracts/market/regime.ts';
import { isMissing } from '#domain/market/engine/snapshot.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';
import { valueOf } from '#domain/kernel/value-of.ts';

/** Judges values that are present; a value keeps the type its source gave it. */
export interface VetoPredicates {
  readonly isAcceptanceHigh: (acceptanceScore: unknown) => boolean;
  readonly isOpenInterestContracting: (slopeShort: unknown, slopeMedium: unknown) => boolean;
  readonly isOpenInterestFlat: (slopeShort: unknown, slopeMedium: unknown) => boolean;
  readonly isAtrExpanding: (atrZscore: unknown, rangeExpansion: unknown) => boolean;
  readonly isAtrCompressed: (atrZscore: unknown, rangeExpansion: unknown) => boolean;
}

const never = (): boolean => false;

/** No veto ever applies. */
export const noVetoes: VetoPredicates = {
  isAcceptanceHigh: never,
  isOpenInterestContracting: never,
  isOpenInterestFlat: never,
  isAtrExpanding: never,
  isAtrCompressed: never,
};

/** A rule that applied: whom it vetoes, its code, and how people read it. */
export interface Veto {
  readonly regimes: readonly Regime[];
  readonly reason: string;
  readonly label: string;
}

const trendBuildVeto = (regime: Regime): Veto => ({
  regimes: [regime],
  reason: 'oi_contracting_atr_expanding_veto_trend_build',
  label: 'oi contracting + atr expanding veto: trend build',
});

const liquidationVeto: Veto = {
  regimes: ['LIQUIDATION_UP', 'LIQUIDATION_DOWN'],
  reason: 'acceptance_high_veto_liquidation',
  label: 'acceptance high veto: liquidation',
};

const chopVeto: Veto = {
  regimes: ['CHOP_BALANCED', 'CHOP_STOPHUNT'],
  reason: 'acceptance_high_veto_chop',
  label: 'acceptance high veto: chop',
};

const forceChopBalanced: Veto = {
  regimes: regimes.filter((regime) => regime !== 'CHOP_BALANCED'),
  reason: 'oi_flat_atr_compressed_force_chop_balanced',
  label: 'oi flat + atr compressed force: chop balanced',
};

const trendBuildVetoes = [trendBuildVeto('TREND_BUILD_UP'), trendBuildVeto('TREND_BUILD_DOWN')];

/** What the predicates say of a snapshot, as far as rules go by it. */
interface Findings {
  readonly isAcceptanceHigh: boolean;
  readonly isUnwinding: boolean;
  readonly isDormant: boolean;
}

const bitsOf = ({ isAcceptanceHigh, isUnwinding, isDormant }: Findings): number =>
  (isAcceptanceHigh ? 1 : 0) + (isUnwinding ? 2 : 0) + (isDormant ? 4 : 0);

const byBits: ReadonlyMap<number, readonly Veto[]> = new Map(
  Array.from({ length: 8 }, (_, bits) => [
    bits,
    [
      ...((bits & 1) === 0 ? [] : [liquidationVeto, chopVeto]),
      ...((bits & 2) === 0 ? [] : trendBuildVetoes),
      ...((bits & 4) === 0 ? [] : [forceChopBalanced]),
    ],
  ]),
);

/** Every list of rules that can apply together; `vetoesOf` answers one of these. */
export const vetoCombinations: readonly (readonly Veto[])[] = [...byBits.values()];

const findingsOf = ({ market, derivatives }: RegimeInputSnapshot, predicates: VetoPredicates): Findings => {
  const acceptance = market['acceptance_score'];
  const openInterest = [derivatives['oi_slope_short'], derivatives['oi_slope_med']] as const;
  const range = [market['atr_z'], market['range_expansion']] as const;
  const knowsInterestAndRange = ![...openInterest, ...range].some(isMissing);
  return {
    isAcceptanceHigh: !isMissing(acceptance) && predicates.isAcceptanceHigh(acceptance),
    isUnwinding:
      knowsInterestAndRange &&
      predicates.isOpenInterestContracting(...openInterest) &&
      predicates.isAtrExpanding(...range),
    isDormant:
      knowsInterestAndRange &&
      predicates.isOpenInterestFlat(...openInterest) &&
      predicates.isAtrCompressed(...range),
  };
};

/** The rules that apply to a snapshot, in their fixed order. */
export const vetoesOf = (snapshot: RegimeInputSnapshot, predicates: VetoPredicates): readonly Veto[] =>
  valueOf(byBits, predicates === noVetoes ? 0 : bitsOf(findingsOf(snapshot, predicates)));
