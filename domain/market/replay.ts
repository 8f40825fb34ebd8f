/**
 * Replays runs from their records, which are the authority: nothing is planned again. A run that had failed fails with
 * what was kept of it, every other is executed on the records of its cut (market reference, section 9.1).
 */
import type { EngineRunRecord } from '#contracts/market/engine-run.ts';
import { RunErrorKind } from '#contracts/market/orchestrator-event.ts';
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { executeRun } from '#domain/market/execute-run.ts';
import type { RunMemory, RunOutcome, RunSetting } from '#domain/market/execute-run.ts';
import { orchestratorEvents, terminalOf } from '#domain/market/feed-symbol/run-facts.ts';
import { countsByEventType } from '#domain/market/slice.ts';
import type { Slice } from '#domain/market/slice.ts';

/** What a replay goes by of a run's record. */
export type ReplayRecord = Omit<EngineRunRecord, 'completed_ts_ms' | 'run_id'> & { readonly run_id: string };

/** What a replay remembers: by symbol the runs so far, the last engine timestamp and what the next run needs. */
export type ReplayState = ReadonlyMap<
  string,
  { readonly runNo: number; readonly engineTimestampMs: number; readonly memory: RunMemory }
>;

/** The events of a run and the replay after it, or why it cannot go on. */
export type ReplayStep =
  | { readonly kind: 'replayed'; readonly events: readonly OrchestratorEvent[]; readonly state: ReplayState }
  | { readonly kind: 'refused'; readonly message: string };

/** One record a run: in the order of first appearance, each with its last status. */
export const lastRecords = <Kept extends { readonly run_id: string }>(
  records: readonly Kept[],
): readonly Kept[] => {
  const byRun = new Map<string, Kept>();
  for (const record of records) byRun.set(record.run_id, record);
  return [...byRun.values()];
};

/** Replays the next run on the slice of its cut. Engine time of a symbol never goes back. */
export const replayRun = (
  state: ReplayState,
  { record, slice }: { readonly record: ReplayRecord; readonly slice: Slice },
  setting: RunSetting,
): ReplayStep => {
  const { symbol, engine_timestamp_ms: engineTimestampMs } = record;
  const before = state.get(symbol) ?? { runNo: 0, engineTimestampMs: -Infinity, memory: {} };
  if (engineTimestampMs < before.engineTimestampMs)
    return { kind: 'refused', message: 'engine_timestamp_ms must be monotonic per symbol' };
  const executed =
    record.status === 'failed'
      ? { outcome: keptFailure(record), memory: before.memory }
      : executeRun({ symbol, engineTimestampMs }, slice, { setting, memory: before.memory });
  const runNo = before.runNo + 1;
  const terminal = terminalOf(
    {
      runNo,
      plannedTsMs: record.planned_ts_ms,
      engineTimestampMs,
      cutKind: record.cut_kind,
      cutStart: record.cut_start_ingest_seq,
      cutEnd: record.cut_end_ingest_seq,
      engineMode: record.engine_mode,
      attempts: record.attempts,
      outcome: executed.outcome,
      countsByEventType: countsByEventType(slice),
    },
    symbol,
  );
  const runId = record.run_id as OrchestratorEvent['run_id'];
  return {
    kind: 'replayed',
    events: orchestratorEvents(terminal).map((event) => ({ ...event, run_id: runId })),
    state: new Map(state).set(symbol, { runNo, engineTimestampMs, memory: executed.memory }),
  };
};

const keptFailure = ({ error_kind, error_detail }: ReplayRecord): RunOutcome => ({
  kind: 'failed',
  errorKind: RunErrorKind.safeParse(error_kind).data ?? 'engine_failure',
  errorDetail: error_detail ?? 'engine failure',
});
