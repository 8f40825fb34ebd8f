/**
 * What the later layers know of one symbol of a feed, as its read-model row holds it: where each layer stands, and a
 * bounded history with numbers from 1 without gaps, of which the oldest entries leave first.
 */
import * as z from 'zod';
import {
  AnalysisEngineEvent,
  AnalysisModuleStateRecord,
  AnalysisRunStatus,
} from '#contracts/market/analysis.ts';
import { EngineRunId } from '#contracts/ids.ts';
import { LayersConfig } from '#contracts/market/layers-config.ts';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { Regime } from '#contracts/market/regime.ts';
import {
  GateErrorKind,
  GateStateStatus,
  GateStatus,
  StateGateEvent,
  StateGateRecord,
} from '#contracts/market/state-gate.ts';

/** Most entries of a history that are kept, and the most characters of their JSON. */
export const HISTORY_MAX = 100;
/** The most characters of the JSON of a history that are kept. */
export const HISTORY_CHARACTERS_MAX = 32_768;

const entry = { number: z.int().min(1), engine_timestamp_ms: z.int(), run_id: EngineRunId };

/** One event of the gate: what it said and why. */
export const GateEntry = z.strictObject({
  ...entry,
  event_type: z.enum(['GateEvaluated', 'StateReset', 'StateGateHalted']),
  state_status: GateStateStatus,
  gate_status: GateStatus,
  reasons: z.array(z.string()),
});
export type GateEntry = z.infer<typeof GateEntry>;

/** How the analysis of one run ended. */
export const AnalysisEntry = z.strictObject({
  ...entry,
  status: AnalysisRunStatus,
  artifact_count: z.int(),
  module_failures: z.array(z.string()),
});
export type AnalysisEntry = z.infer<typeof AnalysisEntry>;

/** Which regime a completed run brought: what the engine said, and what was selected. */
export const RegimeEntry = z.strictObject({
  number: z.int().min(1),
  timestamp: z.int(),
  truth_regime: Regime,
  selected_regime: Regime,
});
export type RegimeEntry = z.infer<typeof RegimeEntry>;

/** The row of one symbol. */
export const FeedLayersRow = z.strictObject({
  symbol: z.string(),
  config: LayersConfig,
  gate: z.strictObject({
    /** The last judgement, without its evidence. */
    last: StateGateRecord.nullable(),
    halted: GateErrorKind.nullable(),
    history: z.array(GateEntry),
  }),
  analysis: z.strictObject({
    engine_timestamp_ms: z.int().nullable(),
    halted: z.boolean(),
    /** What modules that remember left behind. */
    states: z.array(AnalysisModuleStateRecord),
    history: z.array(AnalysisEntry),
  }),
  regimes: z.array(RegimeEntry),
  /** The latest events of each layer, of which a dashboard is made. */
  latest: z.array(z.union([OrchestratorEvent, StateGateEvent, AnalysisEngineEvent])),
});
export type FeedLayersRow = z.infer<typeof FeedLayersRow>;
