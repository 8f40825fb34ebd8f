/**
 * The later layers of one symbol, folded over its stream: the gate hears what each run published, the analysis hears
 * the gate, the dashboard all three (market reference, section 11). They append nothing and feed nothing back.
 */
import type { AnalysisEngineEvent } from '#contracts/market/analysis.ts';
import type { AnalysisEntry, FeedLayersRow, GateEntry } from '#contracts/market/feed-layers.ts';
import type { LayersConfig } from '#contracts/market/layers-config.ts';
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import type { StateGateEvent, StateGateRecord } from '#contracts/market/state-gate.ts';
import { valueOf } from '#domain/kernel/value-of.ts';
import { analyse } from '#domain/market/analysis/analyse.ts';
import type { AnalysisState } from '#domain/market/analysis/analyse.ts';
import { orchestratorEvents } from '#domain/market/feed-symbol/run-facts.ts';
import type { TerminalRun } from '#domain/market/feed-symbol/run-facts.ts';
import { defaultLayers, gateSetting, symbolAnalysisSetting } from '#domain/market/layers/config.ts';
import { withEntries } from '#domain/market/layers/history.ts';
import { latestEvents } from '#domain/market/layers/latest-events.ts';
import { regimeEntry } from '#domain/market/layers/regime-entry.ts';
import { passGate } from '#domain/market/state-gate/gate.ts';
import type { GateState } from '#domain/market/state-gate/gate.ts';

/** The layers of a symbol that has run nothing, by the reference's defaults. */
export const initialLayers = (symbol: string): FeedLayersRow => ({
  symbol,
  config: defaultLayers,
  gate: { last: null, halted: null, history: [] },
  analysis: { engine_timestamp_ms: null, halted: false, states: [], history: [] },
  regimes: [],
  latest: [],
});

/** Another configuration: what was halted is judged and analysed again, from the next run on. */
export const configureLayers = (layers: FeedLayersRow, config: LayersConfig): FeedLayersRow => ({
  ...layers,
  config,
  gate: { ...layers.gate, halted: null },
  analysis: { ...layers.analysis, halted: false },
});

/** The layers after one more run, and what they said of it. */
export interface FoldedRun {
  readonly layers: FeedLayersRow;
  readonly gateEvents: readonly StateGateEvent[];
  readonly analysisEvents: readonly AnalysisEngineEvent[];
}

/** Takes in one more run, which is told whole: nothing waits from one run to the next. */
export const foldRun = (layers: FeedLayersRow, run: TerminalRun): FoldedRun => {
  const told = orchestratorEvents(run);
  const gate = hearGate(layers, told);
  const analysis = hearAnalysis(layers, gate.events);
  return {
    layers: {
      ...layers,
      gate: gate.layer,
      analysis: analysis.layer,
      regimes: regimesAfter(layers.regimes, run),
      latest: [...latestEvents([...layers.latest, ...told, ...gate.events, ...analysis.events])],
    },
    gateEvents: gate.events,
    analysisEvents: analysis.events,
  };
};

/** What a layer is after it heard, and what it said. */
interface Heard<Layer, Event> {
  readonly layer: Layer;
  readonly events: readonly Event[];
}

/** The gate after the events of a run. Throws when they contradict each other. */
export const hearGate = (
  { symbol, config, gate }: Pick<FeedLayersRow, 'symbol' | 'config' | 'gate'>,
  told: readonly OrchestratorEvent[],
): Heard<FeedLayersRow['gate'], StateGateEvent> => {
  const setting = gateSetting(config);
  const events: StateGateEvent[] = [];
  let state: GateState = {
    symbols: new Map(gate.last ? [[symbol, gate.last]] : []),
    pending: new Map(),
    halted: new Map(gate.halted ? [[symbol, gate.halted]] : []),
  };
  for (const event of told) {
    const step = passGate(state, event, setting);
    if (step.kind === 'refused') throw new Error(step.message);
    ({ state } = step);
    events.push(...step.events);
  }
  const last = state.symbols.get(symbol);
  return {
    layer: {
      last: last ? withoutEvidence(last) : null,
      halted: state.halted.get(symbol) ?? null,
      history: withEntries<GateEntry>(gate.history, events.map(gateEntry)),
    },
    events,
  };
};

const withoutEvidence = ({
  hysteresis_decision: _decision,
  hysteresis_state: _state,
  ...judgement
}: StateGateRecord): StateGateRecord => ({ ...judgement, regime_output: null });

const gateEntry = ({
  event_type,
  engine_timestamp_ms,
  run_id,
  state_status,
  gate_status,
  reasons,
}: StateGateEvent): Omit<GateEntry, 'number'> => ({
  event_type,
  engine_timestamp_ms,
  run_id,
  state_status,
  gate_status,
  reasons,
});

/** The analysis after what the gate said of a run. */
export const hearAnalysis = (
  { symbol, config, analysis }: Pick<FeedLayersRow, 'symbol' | 'config' | 'analysis'>,
  told: readonly StateGateEvent[],
): Heard<FeedLayersRow['analysis'], AnalysisEngineEvent> => {
  const setting = symbolAnalysisSetting(config);
  const known = {
    engineTimestampMs: analysis.engine_timestamp_ms ?? -Infinity,
    isHalted: analysis.halted,
    states: new Map(analysis.states.map((record) => [record.module_id, record])),
  };
  const events: AnalysisEngineEvent[] = [];
  let state: AnalysisState = new Map([[symbol, known]]);
  for (const event of told) {
    const step = analyse(state, event, setting);
    ({ state } = step);
    events.push(...step.events);
  }
  const { engineTimestampMs, isHalted, states } = valueOf(state, symbol);
  return {
    layer: {
      engine_timestamp_ms: Number.isFinite(engineTimestampMs) ? engineTimestampMs : null,
      halted: isHalted,
      states: [...states.values()],
      history: withEntries<AnalysisEntry>(analysis.history, events.flatMap(analysisEntry(events))),
    },
    events,
  };
};

/** The entry of an event that ends the analysis of a run; none for the others. */
const analysisEntry =
  (events: readonly AnalysisEngineEvent[]) =>
  (event: AnalysisEngineEvent): readonly Omit<AnalysisEntry, 'number'>[] => {
    const { engine_timestamp_ms, run_id } = event;
    const artifact_count = events.filter(({ event_type: type }) => type === 'ArtifactEmitted').length;
    switch (event.event_type) {
      case 'AnalysisRunStarted':
      case 'ArtifactEmitted':
      case 'ModuleFailed':
        return [];
      case 'AnalysisRunSkipped':
        return [{ engine_timestamp_ms, run_id, status: 'SKIPPED', artifact_count, module_failures: [] }];
      case 'AnalysisRunCompleted':
      case 'AnalysisRunFailed':
        return [{ engine_timestamp_ms, run_id, artifact_count, ...event.payload }];
    }
  };

/** Of runs at one instant the first counts. */
const regimesAfter = (log: FeedLayersRow['regimes'], run: TerminalRun): FeedLayersRow['regimes'] => {
  const isNew = run.data.engineTimestampMs > (log.at(-1)?.timestamp ?? -Infinity);
  return run.type === 'EngineRunCompleted' && isNew ? withEntries(log, [regimeEntry(run.data)]) : log;
};
