/** What is told of a step of belief hysteresis beside its state (market reference, section 5.8). */
import type { BeliefHysteresisConfig, HysteresisState } from '#contracts/market/hysteresis.ts';
import { isRegime } from '#contracts/market/regime.ts';
import type { Regime } from '#contracts/market/regime.ts';
import { isForgotten } from '#domain/market/hysteresis/belief.ts';

/** A step as people read it: what was held or switched, and the one reason that explains it best. */
export interface HysteresisDecisionLog {
  readonly symbol: string;
  readonly engine_timestamp_ms: number;
  /** Null at the first step of a symbol. */
  readonly prior_anchor_regime: Regime | null;
  readonly candidate_regime: Regime | null;
  readonly selected_regime: Regime;
  readonly decision: 'HOLD' | 'SWITCH';
  readonly window_size: number;
  readonly confirmation_count: number;
  readonly threshold: number;
  readonly belief_margin: number | null;
  readonly reason_code: string;
}

const SELECTED = 'CANDIDATE_SELECTED:';

const selectedRegime = (reasons: readonly string[]): Regime | null => {
  const name = reasons.find((reason) => reason.startsWith(SELECTED))?.slice(SELECTED.length) ?? '';
  return isRegime(name) ? name : null;
};

const reasonOf = (reasons: readonly string[]): string => {
  const places = [
    (reason: string) => reason.startsWith('COMMIT_SWITCH:'),
    (reason: string) => reason === 'COMMIT_BLOCKED_THRESHOLD',
    (reason: string) => reason.startsWith('GATE_FAIL_'),
    () => true,
  ];
  return places.map((matches) => reasons.find(matches)).find((reason) => reason !== undefined) ?? '';
};

const marginOf = ({ debug }: HysteresisState, candidate: Regime, prior: Regime): number => {
  const mass = debug?.belief_by_regime ?? {};
  return (mass[candidate] ?? 0) - (mass[prior] ?? 0);
};

/** The decision of a step. `threshold` is the mass a commit needs. */
export const hysteresisDecisionLog = (
  state: HysteresisState,
  previous: HysteresisState | undefined,
  config: BeliefHysteresisConfig,
): HysteresisDecisionLog => {
  const prior = previous?.anchor_regime ?? null;
  const candidate = selectedRegime(state.reason_codes);
  return {
    symbol: state.symbol,
    engine_timestamp_ms: state.engine_timestamp_ms,
    prior_anchor_regime: prior,
    candidate_regime: candidate,
    selected_regime: state.anchor_regime,
    decision: prior !== null && prior !== state.anchor_regime ? 'SWITCH' : 'HOLD',
    window_size: state.progress_required,
    confirmation_count: state.progress_current,
    threshold: config.commit_threshold,
    belief_margin: prior === null || candidate === null ? null : marginOf(state, candidate, prior),
    reason_code: reasonOf(state.reason_codes),
  };
};

/** How a step moved the anchor. */
export interface HysteresisTransitionLog {
  readonly symbol: string;
  readonly engine_timestamp_ms: number;
  /** Null at the first step of a symbol. */
  readonly anchor_prev: Regime | null;
  readonly anchor_next: Regime;
  readonly candidate_regime: Regime | null;
  readonly progress_current: number;
  readonly progress_required: number;
  readonly committed: boolean;
  readonly reason_codes: readonly string[];
}

/** The transition of a step. */
export const hysteresisTransitionLog = (
  state: HysteresisState,
  previous: HysteresisState | undefined,
): HysteresisTransitionLog => ({
  symbol: state.symbol,
  engine_timestamp_ms: state.engine_timestamp_ms,
  anchor_prev: previous?.anchor_regime ?? null,
  anchor_next: state.anchor_regime,
  candidate_regime: state.candidate_regime,
  progress_current: state.progress_current,
  progress_required: state.progress_required,
  committed: state.reason_codes.some((reason) => reason.startsWith('COMMIT_SWITCH:')),
  reason_codes: state.reason_codes,
});

/** That a gap made a state count for nothing. */
export interface HysteresisResetLog {
  readonly symbol: string;
  readonly engine_timestamp_ms: number;
  readonly prev_engine_timestamp_ms: number;
  readonly gap_ms: number;
  readonly trigger: 'time_gap';
}

/** What to tell of the gap before a step; undefined when nothing was forgotten. */
export const hysteresisResetLog = (
  belief: Pick<HysteresisState, 'symbol' | 'engine_timestamp_ms'>,
  previous: HysteresisState | undefined,
  config: BeliefHysteresisConfig,
): HysteresisResetLog | undefined => {
  const { symbol, engine_timestamp_ms: atMs } = belief;
  if (!previous || !isForgotten(previous, atMs, config)) return undefined;
  return {
    symbol,
    engine_timestamp_ms: atMs,
    prev_engine_timestamp_ms: previous.engine_timestamp_ms,
    gap_ms: atMs - previous.engine_timestamp_ms,
    trigger: 'time_gap',
  };
};
