import { describe, expect, it } from 'vitest';
import { RawInputBufferRecord } from '#contracts/market/buffer-record.ts';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { SimulationConfig } from '#contracts/market/simulation-config.ts';
import { truthSetting } from '#domain/market/execute-run.ts';
import type { RunSetting } from '#domain/market/execute-run.ts';
import { decisionDefaults } from '#domain/market/hysteresis/decision.ts';
import { beliefDefaults } from '#domain/market/hysteresis/belief.ts';
import {
  endSimulation,
  eventsOfRun,
  openSimulation,
  recordOfRun,
  takeRecord,
} from '#domain/market/simulation.ts';
import type { SimulatedRun, SimulationSetting } from '#domain/market/simulation.ts';
import { marketEvent } from '#test/support/market-harness.ts';

const boundary = { mode: 'boundary', boundary_interval_ms: 1_000, boundary_delay_ms: 200 } as const;
const setting = (over: Partial<SimulationSetting> = {}): SimulationSetting => ({
  scheduler: boundary,
  startMs: 0,
  engineMode: 'truth',
  run: truthSetting,
  ...over,
});
const record = (ingest_seq: number, ingest_ts_ms: number, symbol = 'AAA', over: object = {}) =>
  RawInputBufferRecord.parse({ ingest_seq, ingest_ts_ms, event: marketEvent({ symbol, ...over }) });
const inputs = (seq: number, atMs: number, timestamp_ms: number) =>
  record(seq, atMs, 'AAA', { event_type: 'SnapshotInputs', normalized: { timestamp_ms } });
/** Takes every record and answers every run, and the simulation that can execute them. */
const simulate = (records: readonly RawInputBufferRecord[], over: Partial<SimulationSetting> = {}) => {
  const simulation = openSimulation(setting(over));
  const runs: SimulatedRun[] = [];
  for (const each of records) {
    const taken = takeRecord(simulation, each);
    if (taken.kind === 'refused') throw new Error(taken.message);
    runs.push(...taken.runs);
  }
  return { simulation, runs: [...runs, ...endSimulation(simulation)] };
};
const cuts = (runs: readonly SimulatedRun[]) =>
  runs.map(({ symbol, planned, slice }) => [
    symbol,
    planned.plannedTsMs,
    planned.cutStart,
    planned.cutEnd,
    slice.events().length,
  ]);

describe('a simulated feed', () => {
  it('shows a tick what was ingested at its instant, and not what came a millisecond later', () => {
    expect(cuts(simulate([record(1, 1_200), record(2, 1_201)]).runs)).toEqual([
      ['AAA', 1_200, 1, 1, 1],
      ['AAA', 2_200, 2, 2, 1],
    ]);
  });

  it('cuts every symbol it knows to one end, also where only another has records', () => {
    const { runs } = simulate([record(1, 0, 'B'), record(2, 1, 'A'), record(3, 1_300, 'A')]);

    expect(cuts(runs)).toEqual([
      ['A', 1_200, 2, 2, 1],
      ['B', 1_200, 1, 2, 1],
      ['A', 2_200, 3, 3, 1],
      ['B', 2_200, 3, 3, 0],
    ]);
  });

  it('ends with the tick in whose cut the last record lies', () => {
    expect(simulate([]).runs).toEqual([]);
    expect(simulate([record(1, 1_199)]).runs).toHaveLength(1);
    const { simulation } = simulate([record(1, 1_199)]);
    expect(endSimulation(simulation)).toEqual([]);
  });

  it('counts a timer from its start, over gaps without a run', () => {
    const timer = { mode: 'timer', timer_interval_ms: 10 } as const;
    const { runs } = simulate([record(1, 95), record(2, 1_000)], { scheduler: timer, startMs: 90 });

    expect(
      runs.map(({ planned }) => [planned.plannedTsMs, planned.engineTimestampMs, planned.cutKind]),
    ).toEqual([
      [100, 100, 'timer'],
      [1_000, 1_000, 'timer'],
    ]);
  });

  it('takes gaps of the sequence and equal times, and refuses what is out of order', () => {
    const simulation = openSimulation(setting());
    takeRecord(simulation, record(5, 10));

    expect(takeRecord(simulation, record(5, 10))).toEqual({
      kind: 'refused',
      message: 'ingest_seq 5 does not come after 5',
    });
    expect(takeRecord(simulation, record(6, 9))).toEqual({
      kind: 'refused',
      message: 'ingest_ts_ms 9 is before 10',
    });
    expect(takeRecord(simulation, record(8, 10)).kind).toBe('taken');
    expect(cuts(endSimulation(simulation))).toEqual([['AAA', 1_200, 5, 8, 2]]);
  });
});

describe('the runs of a simulated feed', () => {
  const told = (records: readonly RawInputBufferRecord[], over: Partial<SimulationSetting> = {}) => {
    const { simulation, runs } = simulate(records, over);
    return runs.flatMap((run) => eventsOfRun(simulation, run).map((each) => OrchestratorEvent.parse(each)));
  };
  const hysteresis = (run: Partial<RunSetting>): Partial<SimulationSetting> => ({
    engineMode: 'hysteresis',
    run: { ...truthSetting, ...run },
  });

  it('are told as started and completed, or as started and failed, with their counts at the end', () => {
    const events = told([inputs(1, 900, 1_000), record(2, 1_500)]);

    expect(events.map((each) => [each.event_type, each.attempt, each.counts_by_event_type])).toEqual([
      ['EngineRunStarted', 1, null],
      ['EngineRunCompleted', 1, { SnapshotInputs: 1 }],
      ['EngineRunStarted', 1, null],
      ['EngineRunFailed', 1, { MarkPrice: 1 }],
    ]);
  });

  it('are told with a decision before their end, and remember it', () => {
    const over = hysteresis({ hysteresis: { kind: 'decision', config: decisionDefaults } });
    const events = told([inputs(1, 900, 1_000), inputs(2, 1_500, 2_000)], over);

    expect(events.map(({ event_type }) => event_type)).toEqual([
      'EngineRunStarted',
      'HysteresisDecisionPublished',
      'EngineRunCompleted',
      'EngineRunStarted',
      'HysteresisDecisionPublished',
      'EngineRunCompleted',
    ]);
    expect(events[4]).toMatchObject({
      engine_mode: 'hysteresis',
      counts_by_event_type: { SnapshotInputs: 1 },
      payload: { hysteresis_decision: { transition: { reset_due_to_gap: false } } },
    });
  });

  it('are told with a state before their end', () => {
    const over = hysteresis({ hysteresis: { kind: 'belief', config: beliefDefaults } });

    expect(told([inputs(1, 900, 1_000)], over)[1]).toMatchObject({
      event_type: 'HysteresisStatePublished',
      payload: { hysteresis_state: { symbol: 'AAA', engine_timestamp_ms: 1_000 } },
    });
  });

  it('have the record of before their first attempt', () => {
    const { simulation, runs } = simulate([record(1, 900)]);

    expect(runs.map((run) => recordOfRun(simulation, run))).toEqual([
      {
        run_id: expect.stringMatching(/^[0-9a-f]{64}$/),
        symbol: 'AAA',
        engine_timestamp_ms: 1_000,
        engine_mode: 'truth',
        cut_kind: 'boundary',
        cut_start_ingest_seq: 1,
        cut_end_ingest_seq: 1,
        planned_ts_ms: 1_200,
        status: 'started',
        attempts: 1,
        error_kind: null,
        error_detail: null,
      },
    ]);
  });
});

describe('a configuration', () => {
  const scheduler = { mode: 'timer', timer_interval_ms: 5, boundary_interval_ms: null };
  const parsed = (over: object = {}) =>
    SimulationConfig.safeParse({ scheduler, scheduler_start_now_ms: 1, ...over });

  it('is the reference with truth runs unless it says otherwise', () => {
    expect(parsed({ hysteresis_config: null, extra: 1 }).data).toEqual({
      scheduler: { mode: 'timer', timer_interval_ms: 5 },
      scheduler_start_now_ms: 1,
      engine_mode: 'truth',
      snapshot_source: 'snapshot_inputs',
      hysteresis: 'decision',
      hysteresis_config: null,
      candle_window: null,
      deduplicate: false,
      symbols: null,
      engine: 'belief',
      no_data: 'opinion',
      vetoes: null,
      matrix: null,
    });
  });

  it('has no delay where none is set', () => {
    expect(parsed({ scheduler: { mode: 'boundary', boundary_interval_ms: 7 } }).data?.scheduler).toEqual({
      mode: 'boundary',
      boundary_interval_ms: 7,
      boundary_delay_ms: 0,
    });
  });

  it.each([
    ['timer', { mode: 'timer', boundary_interval_ms: 5 }],
    ['boundary', { mode: 'boundary', timer_interval_ms: 5 }],
  ])('needs the interval of a %s', (_name, given) => {
    expect(parsed({ scheduler: given }).error?.issues[0]?.message).toBe('scheduler interval is required');
  });
});
