/** The demo tape through a simulated feed and the engine, from which the samples of file commands are taken. */
import { readFileSync } from 'node:fs';
import { RawInputBufferRecord } from '#contracts/market/buffer-record.ts';
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { referenceMatrix } from '#contracts/market/evidence-matrix.ts';
import { compose, featureSnapshot } from '#domain/market/composer/compose.ts';
import { featuresOf } from '#domain/market/composer/features.ts';
import { neutralSnapshot } from '#domain/market/composer/neutral.ts';
import { evaluateRegimes } from '#domain/market/evaluation/metrics.ts';
import { regimeLogRecord } from '#domain/market/evaluation/regime-log.ts';
import { referenceEngine } from '#domain/market/engine/options.ts';
import { think } from '#domain/market/engine/run.ts';
import { executeRun, truthSetting } from '#domain/market/execute-run.ts';
import type { RunSetting } from '#domain/market/execute-run.ts';
import { beliefDefaults } from '#domain/market/hysteresis/belief.ts';
import { hysteresisStoreLine } from '#domain/market/hysteresis/belief-store.ts';
import { decisionDefaults } from '#domain/market/hysteresis/decision.ts';
import { endSimulation, eventsOfRun, openSimulation, takeRecord } from '#domain/market/simulation.ts';
import type { SimulatedRun } from '#domain/market/simulation.ts';
import { sampleFile } from '#test/contract/samples/sample.ts';
import type { Samples } from '#test/contract/samples/sample.ts';
import { inProject } from '#test/support/tracked-files.ts';

const scheduler = { mode: 'boundary', boundary_interval_ms: 180_000, boundary_delay_ms: 2_000 } as const;
const startMs = 1_767_225_600_000;

/** The first records of the demo tape in their places of a buffer. */
const buffer = (): readonly RawInputBufferRecord[] =>
  readFileSync(inProject('events/tapes/demo.jsonl'), 'utf8')
    .split('\n')
    .slice(0, 600)
    .filter((line) => line.startsWith('{"schema"'))
    .map((line) => JSON.parse(line) as { readonly recv_ts_ms: number })
    .sort((left, right) => left.recv_ts_ms - right.recv_ts_ms)
    .map((event, index) =>
      RawInputBufferRecord.parse({ ingest_seq: index + 1, ingest_ts_ms: event.recv_ts_ms + 3, event }),
    );

/** What a simulated feed publishes of the demo tape. */
export const told = (
  run: RunSetting,
): { readonly runs: readonly SimulatedRun[]; readonly events: readonly OrchestratorEvent[] } => {
  const simulation = openSimulation({ scheduler, startMs, engineMode: 'hysteresis', run });
  const taken = buffer().flatMap((record) => {
    const result = takeRecord(simulation, record);
    return result.kind === 'taken' ? result.runs : [];
  });
  const runs = [...taken, ...endSimulation(simulation)];
  return { runs, events: runs.flatMap((each) => eventsOfRun(simulation, each)) };
};

const ofType = <Type extends OrchestratorEvent['event_type']>(
  events: readonly OrchestratorEvent[],
  type: Type,
): Extract<OrchestratorEvent, { event_type: Type }> => {
  const isOfType = (event: OrchestratorEvent): event is Extract<OrchestratorEvent, { event_type: Type }> =>
    event.event_type === type;
  const event = events.findLast(isOfType);
  if (!event) throw new Error(`the tape led to no ${type}`);
  return event;
};

/** Samples of what file commands read and answer, and of their configurations. */
export const engineSamples = (): Samples => {
  const composer: RunSetting = { ...truthSetting, source: 'composer' };
  const decided = told({ ...composer, hysteresis: { kind: 'decision', config: decisionDefaults } });
  const believed = told({ ...composer, hysteresis: { kind: 'belief', config: beliefDefaults } });
  const decision = ofType(decided.events, 'HysteresisDecisionPublished');
  const state = ofType(believed.events, 'HysteresisStatePublished');
  const run = decided.runs.at(-1);
  if (!run) throw new Error('the tape led to no run');
  const of = { symbol: run.symbol, engineTimestampMs: run.planned.engineTimestampMs };
  const events = run.slice.events();
  const features = featuresOf({ events }, of.engineTimestampMs);
  const snapshot = compose(of, { events, inputs: undefined }, { noData: 'opinion', embedsNeutral: true });
  const { outcome } = executeRun(of, run.slice, { setting: composer });
  const { hysteresis_decision: made } = decision.payload;
  const logged = regimeLogRecord(made.selected_output, made);
  const published_ts_ms = run.planned.plannedTsMs + 210;
  return {
    [sampleFile('orchestrator-events', decision.event_type)]: { ...decision, published_ts_ms },
    [sampleFile('orchestrator-events', state.event_type)]: { ...state, published_ts_ms },
    [sampleFile('lines', 'RawInputBufferRecord')]: buffer()[0],
    [sampleFile('lines', 'ComposerMaterial')]: {
      symbol: of.symbol,
      engine_timestamp_ms: of.engineTimestampMs,
      events,
    },
    [sampleFile('lines', 'ReceivedMessage')]: {
      source_id: 'binance',
      symbol: 'BTCUSDT',
      recv_ts_ms: startMs + 9,
      stream: 'aggTrade',
      raw_payload: `{"e":"aggTrade","a":2612901,"p":"93512.40","q":"0.250","T":${startMs + 4},"m":true}`,
    },
    [sampleFile('lines', 'RegimeInputSnapshot')]: snapshot,
    [sampleFile('lines', 'RegimeState')]: think(snapshot, referenceEngine).state,
    [sampleFile('records', 'RegimeOutput')]: outcome.kind === 'completed' ? outcome.regimeOutput : undefined,
    [sampleFile('records', 'HysteresisDecision')]: decision.payload.hysteresis_decision,
    [sampleFile('records', 'HysteresisState')]: state.payload.hysteresis_state,
    [sampleFile('records', 'FeatureSnapshot')]: featureSnapshot(of, { events }),
    [sampleFile('records', 'EvidenceSnapshot')]: neutralSnapshot(of, features),
    [sampleFile('records', 'RefusedLine')]: {
      error: {
        code: 'non_increasing_timestamp',
        message: 'Non-increasing timestamp for hysteresis input.',
      },
    },
    [sampleFile('stored', 'HysteresisStoreRecord')]: JSON.parse(
      hysteresisStoreLine(state.payload.hysteresis_state),
    ) as unknown,
    [sampleFile('stored', 'RegimeLogRecord')]: logged,
    [sampleFile('records', 'RegimeEvaluation')]: evaluateRegimes(run.symbol, logged ? [logged] : [], {
      key: 'stabilized',
      values: new Map(logged ? [[logged.record_id, 12.5]] : []),
    }),
    ...configurationSamples,
  };
};

const configurationSamples: Samples = {
  [sampleFile('configuration', 'EngineSetting')]: {
    engine: 'belief',
    no_data: 'reason',
    vetoes: { acceptance_high_min: 0.8, atr_expanding_min: { atr_z: 1.5, range_expansion: 1.2 } },
    matrix: { mode: 'dual_run', symbol_allowlist: ['BTC-PERP'], definition: referenceMatrix },
  },
  [sampleFile('configuration', 'DecisionHysteresisConfig')]: { min_confidence_for_flip: 0.5 },
  [sampleFile('configuration', 'BeliefHysteresisConfig')]: { window_updates: 2, reset_max_gap_ms: 720_000 },
  [sampleFile('configuration', 'SimulationConfig')]: {
    scheduler,
    scheduler_start_now_ms: startMs,
    engine_mode: 'hysteresis',
    snapshot_source: 'composer',
    engine: 'belief',
    hysteresis: 'belief',
    hysteresis_config: null,
    candle_window: 64,
    deduplicate: true,
  },
};
