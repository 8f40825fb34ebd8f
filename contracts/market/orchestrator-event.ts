/** OrchestratorEvent v1, the body of every record of the output stream (market reference, section 2.3). */
import * as z from 'zod';
import { EngineRunId } from '#contracts/ids.ts';
import { CutKind, EngineMode } from '#contracts/market/engine-run.ts';
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
export const RunErrorKind = z.enum(['missing_snapshot_inputs', 'engine_failure']);
export type RunErrorKind = z.infer<typeof RunErrorKind>;

/**
 * Started, then Completed or Failed; or Skipped alone, whose cut is empty (`cut_start = cut_end + 1`). Consumers get
 * each at least once, in order per symbol.
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
]);
export type OrchestratorEvent = z.infer<typeof OrchestratorEvent>;
