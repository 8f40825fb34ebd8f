/** OrchestratorEvent v1, the body of every record of the output stream (market reference, section 2.3). */
import * as z from 'zod';
import { EngineRunId } from '#contracts/ids.ts';
import { CutKind, EngineMode } from '#contracts/market/engine-run.ts';
import { HysteresisDecision, HysteresisState } from '#contracts/market/hysteresis.ts';
import { RegimeOutput } from '#contracts/market/regime.ts';

const envelope = {
  schema: z.literal('orchestrator_event'),
  schema_version: z.literal('1'),
  run_id: EngineRunId,
  symbol: z.string(),
  engine_timestamp_ms: z.int(),
  cut_start_ingest_seq: z.int().min(1),
  cut_end_ingest_seq: z.int().min(1),
  cut_kind: CutKind,
  engine_mode: EngineMode,
  attempt: z.int().min(1),
  /** When it was put on the stream; not authoritative and no part of any comparison. */
  published_ts_ms: z.int().optional(),
  /** Records of the symbol's slice by type; informational. */
  counts_by_event_type: z.record(z.string(), z.int()).nullable(),
};

/** The kinds of failure a run can end with. */
export const RunErrorKind = z.enum([
  'missing_snapshot_inputs',
  'snapshot_build_failure',
  'engine_failure',
  'hysteresis_monotonicity_violation',
]);
export type RunErrorKind = z.infer<typeof RunErrorKind>;

/**
 * Started, then what hysteresis makes of the run in hysteresis mode, then Completed; or Started, then Failed; or Skipped
 * alone, whose cut is empty (`cut_start = cut_end + 1`). Consumers get each at least once, in order per symbol.
 * `regime_output` is the selected output with decision hysteresis, and what the engine said of this very snapshot
 * otherwise.
 */
export const OrchestratorEvent = z.discriminatedUnion('event_type', [
  z.strictObject({ ...envelope, event_type: z.literal('EngineRunStarted'), payload: z.null() }),
  z.strictObject({
    ...envelope,
    event_type: z.literal('EngineRunCompleted'),
    payload: z.strictObject({ regime_output: RegimeOutput }),
  }),
  z.strictObject({
    ...envelope,
    event_type: z.literal('EngineRunFailed'),
    payload: z.strictObject({ error_kind: RunErrorKind, error_detail: z.string() }),
  }),
  z.strictObject({ ...envelope, event_type: z.literal('EngineRunSkipped'), payload: z.null() }),
  z.strictObject({
    ...envelope,
    event_type: z.literal('HysteresisDecisionPublished'),
    payload: z.strictObject({ hysteresis_decision: HysteresisDecision }),
  }),
  z.strictObject({
    ...envelope,
    event_type: z.literal('HysteresisStatePublished'),
    payload: z.strictObject({ hysteresis_state: HysteresisState }),
  }),
]);
export type OrchestratorEvent = z.infer<typeof OrchestratorEvent>;
