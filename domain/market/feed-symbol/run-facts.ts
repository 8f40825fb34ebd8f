/** Terminal runs as other programs read them: run records and orchestrator events, in the wire's snake case. */
import type { EngineRunView } from '#contracts/market/engine-run.ts';
import type { EngineRunCompleted, EngineRunFailed, EngineRunSkipped } from '#contracts/market/feed-symbol.ts';
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';

/** A terminal run with its type. */
export type TerminalRun =
  | { readonly type: 'EngineRunCompleted'; readonly symbol: string; readonly data: EngineRunCompleted }
  | { readonly type: 'EngineRunFailed'; readonly symbol: string; readonly data: EngineRunFailed }
  | { readonly type: 'EngineRunSkipped'; readonly symbol: string; readonly data: EngineRunSkipped };

/** A terminal run that the engine was asked for: it has a run record. */
export type ExecutedRun = Exclude<TerminalRun, { readonly type: 'EngineRunSkipped' }>;

const envelope = ({ symbol, data }: TerminalRun) => ({
  run_id: data.runId,
  symbol,
  engine_timestamp_ms: data.engineTimestampMs,
  cut_start_ingest_seq: data.cutStart,
  cut_end_ingest_seq: data.cutEnd,
  cut_kind: data.cutKind,
  engine_mode: data.engineMode,
  attempt: data.attempts,
});

const header = { schema: 'orchestrator_event', schema_version: '1' } as const;

const startedEvent = (run: TerminalRun): OrchestratorEvent => ({
  ...header,
  event_type: 'EngineRunStarted',
  ...envelope(run),
  counts_by_event_type: null,
  payload: null,
});

const endedEvent = (run: ExecutedRun): OrchestratorEvent => {
  const counts = { counts_by_event_type: run.data.countsByEventType ?? null };
  return run.type === 'EngineRunCompleted'
    ? {
        ...header,
        event_type: run.type,
        ...envelope(run),
        ...counts,
        payload: { regime_output: run.data.regimeOutput },
      }
    : {
        ...header,
        event_type: run.type,
        ...envelope(run),
        ...counts,
        payload: { error_kind: run.data.errorKind, error_detail: run.data.errorDetail },
      };
};

/** Started, then Completed or Failed; or Skipped alone. */
export const orchestratorEvents = (run: TerminalRun): readonly OrchestratorEvent[] =>
  run.type === 'EngineRunSkipped'
    ? [{ ...header, event_type: run.type, ...envelope(run), counts_by_event_type: null, payload: null }]
    : [startedEvent(run), endedEvent(run)];

/** The terminal run record, with what the engine said. */
export const engineRunView = (run: ExecutedRun, completedTsMs: number): EngineRunView => {
  const { attempt, ...facts } = envelope(run);
  const isFailed = run.type === 'EngineRunFailed';
  return {
    ...facts,
    planned_ts_ms: run.data.plannedTsMs,
    completed_ts_ms: completedTsMs,
    status: isFailed ? 'failed' : 'completed',
    attempts: attempt,
    error_kind: isFailed ? run.data.errorKind : null,
    error_detail: isFailed ? run.data.errorDetail : null,
    regime_output: isFailed ? null : run.data.regimeOutput,
  };
};
