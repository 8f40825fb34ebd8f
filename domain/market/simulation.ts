/**
 * A feed without a ledger: records of a buffer in, in order, and the runs that a live feed would have planned for
 * them out. It plans, cuts and executes with the functions of the live feed. Records are kept until they are cut.
 */
import type { RawInputBufferRecord } from '#contracts/market/buffer-record.ts';
import type { EngineMode, EngineRunRecord, PlannedRun } from '#contracts/market/engine-run.ts';
import type { FeedScheduler } from '#contracts/market/feed-config.ts';
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { cutRuns } from '#domain/market/cut.ts';
import type { SymbolProgress } from '#domain/market/cut.ts';
import { executeRun } from '#domain/market/execute-run.ts';
import type { RunMemory, RunSetting } from '#domain/market/execute-run.ts';
import { orchestratorEvents, terminalOf } from '#domain/market/feed-symbol/run-facts.ts';
import { engineRunId } from '#domain/market/run-id.ts';
import { cutKindOf, dueTicks, engineTimestamp, nextTick } from '#domain/market/scheduler.ts';
import type { ScheduleState } from '#domain/market/scheduler.ts';
import { countsByEventType, sliceOfEvents } from '#domain/market/slice.ts';
import type { Slice, SliceEvent } from '#domain/market/slice.ts';

/** What is simulated. */
export interface SimulationSetting {
  readonly scheduler: FeedScheduler;
  /** The instant at which the schedule begins. */
  readonly startMs: number;
  readonly engineMode: EngineMode;
  readonly run: RunSetting;
  /** The symbols runs are planned for; every one of the buffer when absent. */
  readonly symbols?: ReadonlySet<string>;
}

/** A run that was planned, with the records it reads. */
export interface SimulatedRun {
  readonly symbol: string;
  readonly planned: PlannedRun;
  readonly slice: Slice;
}

/** A simulation under way; it belongs to whoever feeds it. */
export interface Simulation {
  readonly setting: SimulationSetting;
  readonly symbols: Map<string, SymbolProgress>;
  /** Records by symbol that lie in no cut yet. */
  readonly uncut: Map<string, SliceEvent[]>;
  readonly memories: Map<string, RunMemory>;
  schedule: ScheduleState;
  lastSeq: number;
  lastIngestTsMs: number;
  lastCutEnd: number;
}

/** A simulation that has seen nothing. */
export const openSimulation = (setting: SimulationSetting): Simulation => ({
  setting,
  symbols: new Map(),
  uncut: new Map(),
  memories: new Map(),
  schedule: { startMs: setting.startMs },
  lastSeq: 0,
  lastIngestTsMs: -Infinity,
  lastCutEnd: 0,
});

/** What a record leads to: the runs of the ticks before it, or why it was refused and nothing changed. */
export type TakenRecord =
  | { readonly kind: 'taken'; readonly runs: readonly SimulatedRun[] }
  | { readonly kind: 'refused'; readonly message: string };

/** Takes the next record. A tick sees every record that was ingested at or before its instant. */
export const takeRecord = (simulation: Simulation, record: RawInputBufferRecord): TakenRecord => {
  const { ingest_seq: seq, ingest_ts_ms: atMs, event } = record;
  if (seq <= simulation.lastSeq)
    return { kind: 'refused', message: `ingest_seq ${seq} does not come after ${simulation.lastSeq}` };
  if (atMs < simulation.lastIngestTsMs)
    return { kind: 'refused', message: `ingest_ts_ms ${atMs} is before ${simulation.lastIngestTsMs}` };
  const runs = planBefore(simulation, atMs);
  simulation.lastSeq = seq;
  simulation.lastIngestTsMs = atMs;
  const isListed = simulation.setting.symbols?.has(event.symbol) ?? true;
  if (isListed && !simulation.symbols.has(event.symbol))
    simulation.symbols.set(event.symbol, { firstSeq: seq, runNo: 0 });
  const uncut = simulation.uncut.get(event.symbol);
  if (uncut) uncut.push(event);
  else simulation.uncut.set(event.symbol, [event]);
  return { kind: 'taken', runs };
};

/** The runs of the tick in whose cut the last record lies, if it lies in none yet. */
export const endSimulation = (simulation: Simulation): readonly SimulatedRun[] =>
  cutAt(simulation, nextTick(simulation.setting.scheduler, simulation.schedule));

/** At most the first of several ticks finds anything: no record comes between them. */
const planBefore = (simulation: Simulation, beforeMs: number): readonly SimulatedRun[] => {
  const due = dueTicks(simulation.setting.scheduler, simulation.schedule, beforeMs);
  if (!due) return [];
  simulation.schedule = { ...simulation.schedule, lastTickMs: due.lastMs };
  return cutAt(simulation, due.firstMs);
};

const cutAt = (simulation: Simulation, plannedTsMs: number): readonly SimulatedRun[] => {
  const { scheduler } = simulation.setting;
  const cutEnd = simulation.lastSeq;
  const runs = cutRuns(simulation.symbols, simulation.lastCutEnd, cutEnd).map(
    ({ symbol, runNo, cutStart }): SimulatedRun => {
      const engineTimestampMs = engineTimestamp(scheduler, plannedTsMs);
      const cutKind = cutKindOf(scheduler);
      return {
        symbol,
        planned: { runNo, plannedTsMs, engineTimestampMs, cutKind, cutStart, cutEnd },
        slice: sliceOfEvents(simulation.uncut.get(symbol) ?? []),
      };
    },
  );
  for (const { symbol, planned } of runs)
    simulation.symbols.set(symbol, { firstSeq: planned.cutStart, runNo: planned.runNo });
  simulation.uncut.clear();
  simulation.lastCutEnd = cutEnd;
  return runs;
};

/** Executes a run and answers what a live feed would have published of it. */
export const eventsOfRun = (
  simulation: Simulation,
  { symbol, planned, slice }: SimulatedRun,
): readonly OrchestratorEvent[] => {
  const { run: setting, engineMode } = simulation.setting;
  const memory = simulation.memories.get(symbol) ?? {};
  const executed = executeRun({ ...planned, symbol }, slice, { setting, memory });
  simulation.memories.set(symbol, executed.memory);
  const finished = {
    ...planned,
    engineMode,
    attempts: 1,
    outcome: executed.outcome,
    countsByEventType: countsByEventType(slice),
  };
  return orchestratorEvents(terminalOf(finished, symbol));
};

/** The record of a run as it stands before its first attempt. */
export const recordOfRun = (
  { setting: { engineMode } }: Simulation,
  { symbol, planned }: SimulatedRun,
): Omit<EngineRunRecord, 'completed_ts_ms'> => ({
  run_id: engineRunId({ ...planned, symbol, engineMode }),
  symbol,
  engine_timestamp_ms: planned.engineTimestampMs,
  engine_mode: engineMode,
  cut_kind: planned.cutKind,
  cut_start_ingest_seq: planned.cutStart,
  cut_end_ingest_seq: planned.cutEnd,
  planned_ts_ms: planned.plannedTsMs,
  status: 'started',
  attempts: 1,
  error_kind: null,
  error_detail: null,
});
