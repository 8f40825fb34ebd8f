/** Veto predicates that go by thresholds, and the engine's options as a person writes them. */
import type { EngineSetting, VetoThresholds } from '#contracts/market/engine-setting.ts';
import type { EngineOptions } from '#domain/market/engine/options.ts';
import { noVetoes } from '#domain/market/engine/vetoes.ts';
import type { VetoPredicates } from '#domain/market/engine/vetoes.ts';

const all = (values: readonly unknown[], holds: (value: number) => boolean): boolean =>
  values.every((value) => typeof value === 'number' && Number.isFinite(value) && holds(value));

/** The predicates of some thresholds. A value that is no number satisfies none. */
export const thresholdVetoes = (thresholds: VetoThresholds): VetoPredicates => {
  const {
    acceptance_high_min: acceptance = Infinity,
    oi_contracting_max: contracting = -Infinity,
    oi_flat_max: flat = -Infinity,
    atr_expanding_min: expanding = { atr_z: Infinity, range_expansion: Infinity },
    atr_compressed_max: compressed = { atr_z: -Infinity, range_expansion: -Infinity },
  } = thresholds;
  return {
    isAcceptanceHigh: (score) => all([score], (value) => value >= acceptance),
    isOpenInterestContracting: (...slopes) => all(slopes, (value) => value <= contracting),
    isOpenInterestFlat: (...slopes) => all(slopes, (value) => Math.abs(value) <= flat),
    isAtrExpanding: (zscore, range) =>
      all([zscore], (value) => value >= expanding.atr_z) &&
      all([range], (value) => value >= expanding.range_expansion),
    isAtrCompressed: (zscore, range) =>
      all([zscore], (value) => value <= compressed.atr_z) &&
      all([range], (value) => value <= compressed.range_expansion),
  };
};

/** The options an engine setting stands for. */
export const engineOptions = ({ engine, no_data, vetoes, matrix }: EngineSetting): EngineOptions => ({
  kind: engine,
  predicates: vetoes ? thresholdVetoes(vetoes) : noVetoes,
  noData: no_data,
  ...(matrix ? { matrix } : {}),
});
