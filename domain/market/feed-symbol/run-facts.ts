/** Terminal runs as other programs read them: run records and orchestrator events, in the wire's snake case. */
import type { EngineRunView } from '#contracts/market/engine-run.ts';
import type {
  EngineRunCompleted,
  EngineRunFailed,
  EngineRunSkipped,
  FinishedRun,
} from '#contracts/market/feed-symbol.ts';
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { engineRunId } from '#domain/market/run-id.ts';

/** A terminal run with its type. */
export type TerminalRun =
  | { readonly type: 'EngineRunCompleted'; readonly symbol: string; readonly data: EngineRunCompleted }
  | { readonly type: 'EngineRunFailed'; readonly symbol: string; readonly data: EngineRunFailed }
  | { readonly type: 'EngineRunSkipped'; readonly symbol: string; readonly data: EngineRunSkipped };

/** A terminal run that the engine was asked for: it has a run record. */
export type ExecutedRun = Exclude<TerminalRun, { readonly type: 'EngineRunSkipped' }>;

/** A finished run of a symbol with its id. */
export const terminalOf = (run: FinishedRun, symbol: string): TerminalRun => {
  const { outcome, ...planned } = run;
  const facts = { ...planned, runId: engineRunId({ ...run, symbol }) };
  switch (outcome.kind) {
    case 'completed': {
      const { kind: _kind, ...answer } = outcome;
      return { type: 'EngineRunCompleted', symbol, data: { ...facts, ...answer } };
    }
    case 'failed': {
      const { errorKind, errorDetail } = outcome;
      return { type: 'EngineRunFailed', symbol, data: { ...facts, errorKind, errorDetail } };
    }
    case 'skipped':
      return { type: 'EngineRunSkipped', symbol, data: facts };
  }
};

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

const countsOf = ({ data }: TerminalRun) => ({ counts_by_event_type: data.countsByEventType ?? null });

/** What hysteresis made of a run; nothing in truth mode. */
const hysteresisEvents = (run: ExecutedRun): readonly OrchestratorEvent[] => {
  if (run.type === 'EngineRunFailed') return [];
  const { hysteresisDecision, hysteresisState } = run.data;
  const common = { ...envelope(run), ...countsOf(run) };
  return [
    ...(hysteresisDecision
      ? [
          {
            ...header,
            event_type: 'HysteresisDecisionPublished' as const,
            ...common,
            payload: { hysteresis_decision: hysteresisDecision },
          },
        ]
      : []),
    ...(hysteresisState
      ? [
          {
            ...header,
            event_type: 'HysteresisStatePublished' as const,
            ...common,
            payload: { hysteresis_state: hysteresisState },
          },
        ]
      : []),
  ];
};

const endedEvent = (run: ExecutedRun): OrchestratorEvent => {
  const counts = countsOf(run);
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

/**
 * Started, then what hysteresis made of the run if it did, then Completed; or Started, then Failed; or Skipped alone.
 */
export const orchestratorEvents = (run: TerminalRun): readonly OrchestratorEvent[] =>
  run.type === 'EngineRunSkipped'
    ? [{ ...header, event_type: run.type, ...envelope(run), counts_by_event_type: null, payload: null }]
    : [startedEvent(run), ...hysteresisEvents(run), endedEvent(run)];

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
