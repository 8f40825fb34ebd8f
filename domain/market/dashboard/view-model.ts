/** The dashboard view model of what was seen: a whole snapshot each time, for screens that know nothing else. */
import type { DashboardStatus, DashboardViewModel, StaleReason } from '#contracts/market/dashboard.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import { isLater } from '#domain/market/dashboard/observation.ts';
import type {
  DashboardState,
  DashboardStream,
  SymbolObservation,
} from '#domain/market/dashboard/observation.ts';
import { symbolView } from '#domain/market/dashboard/symbol-view.ts';

/** How a model is made. */
export interface DashboardSetting {
  /** Events older than this are stale, and beliefs further apart are not compared; 0 asks for neither. */
  readonly windowMs: number;
}

/** The model at an instant. */
export const dashboardViewModel = (
  state: DashboardState,
  asOfMs: number,
  { windowMs }: DashboardSetting,
): DashboardViewModel => {
  const source = [...state.symbols.values()].reduce<SymbolObservation | undefined>(
    (latest, seen) => (latest && !isLater(seen, latest) ? latest : seen),
    undefined,
  );
  const reasons = staleReasons(state, asOfMs, windowMs);
  return {
    dvm_schema: 'dashboard_view_model',
    dvm_schema_version: '1',
    as_of_ts_ms: asOfMs,
    source_run_id: source?.runId ?? null,
    source_engine_timestamp_ms: source?.engineTimestampMs ?? null,
    system: systemOf(state, asOfMs),
    symbols: [...state.symbols]
      .sort(([left], [right]) => compareText(left, right))
      .map(([symbol, seen]) => symbolView(symbol, seen, windowMs)),
    telemetry: {
      ingest: {
        last_orchestrator_event_ts_ms: state.lastMs.orchestrator ?? null,
        last_state_gate_event_ts_ms: state.lastMs.state_gate ?? null,
        last_analysis_engine_event_ts_ms: state.lastMs.analysis_engine ?? null,
      },
      staleness: { is_stale: reasons.length > 0, stale_reasons: [...reasons] },
    },
  };
};

type Component = DashboardViewModel['system']['components'][number];

const systemOf = (state: DashboardState, asOfMs: number): DashboardViewModel['system'] => {
  const components = [
    componentOf(state, 'analysis_engine'),
    dashboardOf(state, asOfMs),
    componentOf(state, 'orchestrator'),
    componentOf(state, 'state_gate'),
  ];
  const has = (status: DashboardStatus): boolean => components.some((each) => each.status === status);
  return { status: has('DEGRADED') ? 'DEGRADED' : has('UNKNOWN') ? 'UNKNOWN' : 'OK', components };
};

const dashboardOf = ({ hasIngestFailure }: DashboardState, asOfMs: number): Component => ({
  component_id: 'dashboards',
  status: hasIngestFailure ? 'DEGRADED' : 'OK',
  details: hasIngestFailure ? ['ingest_failure'] : [],
  last_update_ts_ms: asOfMs,
});

/** What is wrong with a symbol in the eyes of a component: its last word was a failure. */
const faultOf: Readonly<Record<DashboardStream, (seen: SymbolObservation) => string | undefined>> = {
  orchestrator: ({ ended }) =>
    ended?.event.event_type === 'EngineRunFailed'
      ? `run_failed:${ended.event.payload.error_kind}`
      : undefined,
  state_gate: ({ gate }) =>
    gate?.event.event_type === 'StateGateHalted' ? `halted:${gate.event.payload.error_kind}` : undefined,
  analysis_engine: ({ analysis }) =>
    analysis.some(({ event_type: type }) => type === 'AnalysisRunFailed') ? 'run_failed' : undefined,
};

const componentOf = ({ symbols, lastMs }: DashboardState, stream: DashboardStream): Component => {
  const details = [...symbols]
    .flatMap(([symbol, seen]) => {
      const fault = faultOf[stream](seen);
      return fault === undefined ? [] : [`${symbol}:${fault}`];
    })
    .sort();
  const last = lastMs[stream];
  return {
    component_id: stream,
    status: details.length > 0 ? 'DEGRADED' : last === undefined ? 'UNKNOWN' : 'OK',
    details,
    last_update_ts_ms: last ?? null,
  };
};

const staleReasons = (
  { symbols, lastMs, hasIngestFailure }: DashboardState,
  asOfMs: number,
  windowMs: number,
): readonly StaleReason[] => {
  const latestMs = Math.max(...Object.values(lastMs));
  const reasons: readonly (readonly [StaleReason, boolean])[] = [
    ['missing_orchestrator_events', lastMs.orchestrator === undefined],
    ['missing_state_gate_events', lastMs.state_gate === undefined],
    ['missing_analysis_engine_events', lastMs.analysis_engine === undefined],
    ['no_symbols_observed', symbols.size === 0],
    ['ingest_failure', hasIngestFailure],
    ['stale_over_window', windowMs > 0 && Number.isFinite(latestMs) && asOfMs - latestMs > windowMs],
  ];
  return reasons.filter(([, holds]) => holds).map(([reason]) => reason);
};
