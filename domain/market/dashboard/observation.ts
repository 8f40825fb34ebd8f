/**
 * What a dashboard has seen: per symbol the latest of each kind of event by engine timestamp, so that it does not
 * matter in which order, or how often, events of the three streams arrive.
 */
import type { AnalysisEngineEvent } from '#contracts/market/analysis.ts';
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import type { StateGateEvent } from '#contracts/market/state-gate.ts';

/** An event of one of the three streams. */
export type DashboardEvent = OrchestratorEvent | StateGateEvent | AnalysisEngineEvent;

type Ended = Extract<OrchestratorEvent, { event_type: 'EngineRunCompleted' | 'EngineRunFailed' }>;
type Completed = Extract<OrchestratorEvent, { event_type: 'EngineRunCompleted' }>;
type Stabilized = Extract<
  OrchestratorEvent,
  { event_type: 'HysteresisDecisionPublished' | 'HysteresisStatePublished' }
>;

/** The latest of something and the one before it. */
export interface Latest<Event> {
  readonly event: Event;
  readonly before?: Event;
}

/** What was seen of a symbol. */
export interface SymbolObservation {
  readonly runId: OrchestratorEvent['run_id'];
  readonly engineTimestampMs: number;
  readonly ended?: Latest<Ended>;
  readonly completed?: Latest<Completed>;
  readonly stabilized?: Latest<Stabilized>;
  readonly gate?: Latest<StateGateEvent>;
  /** The analysis events of the latest run that was analysed. */
  readonly analysis: readonly AnalysisEngineEvent[];
}

/** A stream of events. */
export type DashboardStream = 'orchestrator' | 'state_gate' | 'analysis_engine';

/** What was seen at all. */
export interface DashboardState {
  readonly symbols: ReadonlyMap<string, SymbolObservation>;
  /** The greatest engine timestamp of each stream. */
  readonly lastMs: Readonly<Partial<Record<DashboardStream, number>>>;
  /** Whether something arrived that could not be read. */
  readonly hasIngestFailure: boolean;
}

/** A dashboard that has seen nothing. */
export const initialDashboard: DashboardState = { symbols: new Map(), lastMs: {}, hasIngestFailure: false };

/** Something arrived that could not be read: the model says so from then on. */
export const noteIngestFailure = (state: DashboardState): DashboardState => ({
  ...state,
  hasIngestFailure: true,
});

const streams = {
  orchestrator_event: 'orchestrator',
  state_gate_event: 'state_gate',
  analysis_engine_event: 'analysis_engine',
} as const;

/** Takes an event into account. */
export const observe = (state: DashboardState, event: DashboardEvent): DashboardState => {
  const stream = streams[event.schema];
  const atMs = event.engine_timestamp_ms;
  const known = state.symbols.get(event.symbol);
  return {
    ...state,
    symbols: new Map(state.symbols).set(event.symbol, withEvent(withRun(known, event), event)),
    lastMs: { ...state.lastMs, [stream]: Math.max(state.lastMs[stream] ?? atMs, atMs) },
  };
};

const withRun = (known: SymbolObservation | undefined, event: DashboardEvent): SymbolObservation => {
  const run = { runId: event.run_id, engineTimestampMs: event.engine_timestamp_ms };
  if (!known) return { ...run, analysis: [] };
  return isLater(run, known) ? { ...known, ...run } : known;
};

/** Whether a run comes after another: by engine timestamp, then by id. */
export const isLater = (
  one: Pick<SymbolObservation, 'runId' | 'engineTimestampMs'>,
  other: Pick<SymbolObservation, 'runId' | 'engineTimestampMs'>,
): boolean =>
  one.engineTimestampMs > other.engineTimestampMs ||
  (one.engineTimestampMs === other.engineTimestampMs && one.runId > other.runId);

const withEvent = (known: SymbolObservation, event: DashboardEvent): SymbolObservation => {
  switch (event.event_type) {
    case 'EngineRunStarted':
    case 'EngineRunSkipped':
      return known;
    case 'EngineRunCompleted':
      return {
        ...known,
        ended: latest<Ended>(known.ended, event),
        completed: latest(known.completed, event),
      };
    case 'EngineRunFailed':
      return { ...known, ended: latest<Ended>(known.ended, event) };
    case 'HysteresisDecisionPublished':
    case 'HysteresisStatePublished':
      return { ...known, stabilized: latest<Stabilized>(known.stabilized, event) };
    case 'StateReset':
      return isOlder(event, known.gate)
        ? known
        : { ...known, gate: latest<StateGateEvent>(known.gate, event) };
    case 'GateEvaluated':
    case 'StateGateHalted':
      return { ...known, gate: latest<StateGateEvent>(known.gate, event) };
    case 'AnalysisRunStarted':
    case 'ArtifactEmitted':
    case 'ModuleFailed':
    case 'AnalysisRunCompleted':
    case 'AnalysisRunSkipped':
    case 'AnalysisRunFailed':
      return { ...known, analysis: analysisWith(known.analysis, event) };
  }
};

/** A reset is followed by a judgement on the same run, which says more. */
const isOlder = (event: StateGateEvent, known: Latest<StateGateEvent> | undefined): boolean =>
  known !== undefined && event.engine_timestamp_ms <= known.event.engine_timestamp_ms;

/** The two latest of some events at different instants; of one instant the one that arrived last. */
const latest = <Event extends { readonly engine_timestamp_ms: number }>(
  known: Latest<Event> | undefined,
  event: Event,
): Latest<Event> => {
  if (!known) return { event };
  const atMs = event.engine_timestamp_ms;
  const knownMs = known.event.engine_timestamp_ms;
  if (atMs > knownMs) return { event, before: known.event };
  if (atMs === knownMs) return { ...known, event };
  const isBetween = known.before === undefined || atMs >= known.before.engine_timestamp_ms;
  return isBetween ? { ...known, before: event } : known;
};

/** What tells the analysis events of one run apart. */
const analysisKey = (event: AnalysisEngineEvent): string => {
  switch (event.event_type) {
    case 'ArtifactEmitted':
      return JSON.stringify([event.event_type, event.payload.module_id, event.payload.artifact_name]);
    case 'ModuleFailed':
      return JSON.stringify([event.event_type, event.payload.module_id]);
    case 'AnalysisRunStarted':
    case 'AnalysisRunCompleted':
    case 'AnalysisRunSkipped':
    case 'AnalysisRunFailed':
      return event.event_type;
  }
};

const analysisWith = (
  known: readonly AnalysisEngineEvent[],
  event: AnalysisEngineEvent,
): readonly AnalysisEngineEvent[] => {
  const knownMs = known[0]?.engine_timestamp_ms ?? -Infinity;
  if (event.engine_timestamp_ms > knownMs) return [event];
  if (event.engine_timestamp_ms < knownMs) return known;
  const key = analysisKey(event);
  return [...known.filter((each) => analysisKey(each) !== key), event];
};
