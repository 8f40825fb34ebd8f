/** One symbol as a screen shows it. */
import type { AnalysisEngineEvent, Artifact } from '#contracts/market/analysis.ts';
import type { DashboardSymbol, DashboardTrend } from '#contracts/market/dashboard.ts';
import type {
  HysteresisDecision,
  HysteresisState,
  HysteresisTransition,
} from '#contracts/market/hysteresis.ts';
import type { RegimeOutput } from '#contracts/market/regime.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import type { SymbolObservation } from '#domain/market/dashboard/observation.ts';

/** The view of a symbol. Beliefs are compared with one before them that is at most the window older. */
export const symbolView = (
  symbol: string,
  observed: SymbolObservation,
  windowMs: number,
): DashboardSymbol => {
  const seen = inForce(observed);
  const { event: gate } = seen.gate ?? {};
  return {
    symbol,
    last_run_id: seen.runId,
    last_engine_timestamp_ms: seen.engineTimestampMs,
    gate: { status: gate?.gate_status ?? 'UNKNOWN', reasons: [...(gate?.reasons ?? [])] },
    regime_truth: truthOf(seen),
    hysteresis: hysteresisOf(seen),
    regime_effective: effectiveOf(seen),
    analysis: analysisOf(seen.analysis),
    metrics: null,
    belief: beliefOf(seen, windowMs),
  };
};

/** What was stabilized holds no more once a later run completed in truth mode: the feed has been configured anew. */
const inForce = (seen: SymbolObservation): SymbolObservation => {
  const { stabilized, ...others } = seen;
  const completed = seen.completed?.event;
  const isOver =
    completed?.engine_mode === 'truth' &&
    completed.engine_timestamp_ms > (stabilized?.event.engine_timestamp_ms ?? Infinity);
  return isOver ? others : seen;
};

type RegimeView = NonNullable<DashboardSymbol['regime_truth']>;

const regimeView = ({
  regime,
  confidence,
  drivers,
  invalidations,
  permissions,
}: RegimeOutput): RegimeView => ({
  regime_name: regime,
  confidence,
  drivers,
  invalidations,
  permissions,
});

const decisionOf = ({ stabilized }: SymbolObservation): HysteresisDecision | undefined =>
  stabilized?.event.event_type === 'HysteresisDecisionPublished'
    ? stabilized.event.payload.hysteresis_decision
    : undefined;

/** With decision hysteresis a completed run tells the selected output, and nobody tells the other. */
const truthOf = (seen: SymbolObservation): DashboardSymbol['regime_truth'] =>
  seen.completed && !decisionOf(seen) ? regimeView(seen.completed.event.payload.regime_output) : null;

const effectiveOf = (seen: SymbolObservation): DashboardSymbol['regime_effective'] => {
  const decision = decisionOf(seen);
  if (decision)
    return {
      ...regimeView(decision.selected_output),
      confidence: decision.effective_confidence,
      source: 'hysteresis',
    };
  const { completed, stabilized } = seen;
  return completed && !stabilized
    ? { ...regimeView(completed.event.payload.regime_output), source: 'truth' }
    : null;
};

/** A stabilized event in the words of decision hysteresis. A belief has no confidence of its own. */
interface Standing {
  readonly confidence: number;
  readonly transition: HysteresisTransition;
  readonly required: number | null;
}

type StabilizedEvent = NonNullable<SymbolObservation['stabilized']>['event'];

const standingOf = (event: StabilizedEvent): Standing =>
  event.event_type === 'HysteresisDecisionPublished'
    ? {
        confidence: event.payload.hysteresis_decision.effective_confidence,
        transition: event.payload.hysteresis_decision.transition,
        required: null,
      }
    : {
        confidence: 0,
        transition: transitionOf(event.payload.hysteresis_state),
        required: event.payload.hysteresis_state.progress_required,
      };

const transitionOf = (state: HysteresisState): HysteresisTransition => ({
  stable_regime: state.anchor_regime,
  candidate_regime: state.candidate_regime,
  candidate_count: state.progress_current,
  transition_active: state.progress_current > 0,
  flipped: state.reason_codes.some((reason) => reason.startsWith('COMMIT_SWITCH:')),
  reset_due_to_gap: false,
});

const hysteresisOf = ({ stabilized }: SymbolObservation): DashboardSymbol['hysteresis'] => {
  if (!stabilized) return null;
  const { confidence, transition, required } = standingOf(stabilized.event);
  const before = stabilized.before && standingOf(stabilized.before).confidence;
  const phases = [
    { phase: 'RESET', note: 'reset_due_to_gap', holds: transition.reset_due_to_gap },
    { phase: 'FLIPPED', note: 'flipped', holds: transition.flipped },
    { phase: 'TRANSITIONING', note: 'transition_active', holds: transition.transition_active },
  ] as const;
  const holding = phases.filter(({ holds }) => holds);
  return {
    effective_confidence: confidence,
    transition,
    summary: {
      phase: holding[0]?.phase ?? 'STABLE',
      anchor_regime: transition.stable_regime,
      candidate_regime: transition.candidate_regime,
      progress: { current: transition.candidate_count, required },
      confidence_trend: before === undefined ? 'UNKNOWN' : trendOf(confidence - before),
      notes: holding.map(({ note }) => note),
    },
  };
};

const trendOf = (delta: number): DashboardTrend => (delta > 0 ? 'RISING' : delta < 0 ? 'FALLING' : 'FLAT');

const stateOf = (event: StabilizedEvent | undefined): HysteresisState | undefined =>
  event?.event_type === 'HysteresisStatePublished' ? event.payload.hysteresis_state : undefined;

const beliefOf = ({ stabilized }: SymbolObservation, windowMs: number): DashboardSymbol['belief'] => {
  const state = stateOf(stabilized?.event);
  if (!state?.debug) return null;
  const { anchor_regime: anchor, engine_timestamp_ms: atMs, debug } = state;
  const before = stateOf(stabilized?.before);
  const earlier = before && atMs - before.engine_timestamp_ms <= windowMs ? before.debug : null;
  const delta = earlier
    ? (debug.belief_by_regime[anchor] ?? 0) - (earlier.belief_by_regime[anchor] ?? 0)
    : null;
  return {
    anchor_regime: anchor,
    distribution: distributionOf(debug.belief_by_regime),
    trend: { status: delta === null ? 'UNKNOWN' : trendOf(delta), anchor_mass_delta: delta },
  };
};

type Distribution = NonNullable<DashboardSymbol['belief']>['distribution'];

const distributionOf = (belief: NonNullable<HysteresisState['debug']>['belief_by_regime']): Distribution =>
  Object.entries(belief)
    .map(([name, mass]) => ({ regime_name: name as Distribution[number]['regime_name'], mass }))
    .sort((left, right) => right.mass - left.mass || compareText(left.regime_name, right.regime_name));

const highlightOf = (event: AnalysisEngineEvent): string | undefined => {
  switch (event.event_type) {
    case 'AnalysisRunStarted':
      return 'run_started';
    case 'AnalysisRunCompleted':
      return `run_completed:${event.payload.status.toLowerCase()}`;
    case 'AnalysisRunSkipped':
      return 'run_skipped';
    case 'AnalysisRunFailed':
      return 'run_failed';
    case 'ModuleFailed':
      return `module_failed:${event.payload.module_id}`;
    case 'ArtifactEmitted':
      return undefined;
  }
};

const artifactKey = ({ module_id, artifact_name }: Artifact): string => `${module_id}\n${artifact_name}`;

const artifactsOf = (events: readonly AnalysisEngineEvent[]): readonly Artifact[] =>
  events
    .flatMap((event) => (event.event_type === 'ArtifactEmitted' ? [event.payload] : []))
    .sort((left, right) => compareText(artifactKey(left), artifactKey(right)));

const analysisOf = (events: readonly AnalysisEngineEvent[]): DashboardSymbol['analysis'] => {
  const artifacts = artifactsOf(events).map(({ payload: _payload, ...artifact }) => artifact);
  const highlights = new Set(events.map(highlightOf).filter((highlight) => highlight !== undefined));
  const hasFailure = events.some(({ event_type: type }) => type === 'ModuleFailed');
  const isWhole = artifacts.length > 0 && !hasFailure;
  return {
    status: events.length === 0 ? 'EMPTY' : isWhole ? 'PRESENT' : 'PARTIAL',
    highlights: [...highlights].sort(),
    artifacts,
  };
};
