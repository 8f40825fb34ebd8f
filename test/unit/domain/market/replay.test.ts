import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RawInputBufferRecord } from '#contracts/market/buffer-record.ts';
import { appendEvent, lastSeq, openBuffer, recordsInRange } from '#domain/market/buffer.ts';
import type { InputBuffer } from '#domain/market/buffer.ts';
import { truthSetting } from '#domain/market/execute-run.ts';
import type { RunSetting } from '#domain/market/execute-run.ts';
import { beliefDefaults } from '#domain/market/hysteresis/belief.ts';
import { decisionDefaults } from '#domain/market/hysteresis/decision.ts';
import { lastRecords, replayRun } from '#domain/market/replay.ts';
import type { ReplayRecord, ReplayState } from '#domain/market/replay.ts';
import {
  endSimulation,
  eventsOfRun,
  openSimulation,
  recordOfRun,
  takeRecord,
} from '#domain/market/simulation.ts';
import { sliceOfEvents } from '#domain/market/slice.ts';
import type { SliceEvent } from '#domain/market/slice.ts';
import { marketEvent } from '#test/support/market-harness.ts';

const bufferOf = <Event>(recordsMax: number): InputBuffer<Event> => {
  const opened = openBuffer<Event>(recordsMax);
  if (opened.kind === 'refused') throw new Error(opened.message);
  return opened.buffer;
};

describe('a buffer', () => {
  const filled = () => {
    const buffer = bufferOf<object>(3);
    for (const symbol of ['A', 'B', 'A']) appendEvent(buffer, { ingestTsMs: 1, symbol, event: {} });
    return buffer;
  };
  const seqs = (buffer: InputBuffer<object>, range: readonly [number, number], symbol?: string) => {
    const found = recordsInRange(buffer, range, symbol);
    return found.kind === 'found' ? found.records.map(({ ingestSeq }) => ingestSeq) : found.message;
  };

  it('numbers its records over all symbols and keeps their events as they are', () => {
    const buffer = bufferOf<object>(2);
    const event = { any: 'thing' };

    const appended = appendEvent(buffer, { ingestTsMs: 5, symbol: 'A', event });

    expect(lastSeq(bufferOf(1))).toBeUndefined();
    expect(appended).toEqual({
      kind: 'appended',
      record: { ingestSeq: 1, ingestTsMs: 5, symbol: 'A', event },
    });
    expect(appended.kind === 'appended' && appended.record.event).toBe(event);
    expect(lastSeq(filled())).toBe(3);
  });

  it('refuses what does not fit, and uses up no sequence for it', () => {
    const buffer = filled();

    expect(appendEvent(buffer, { ingestTsMs: 1, symbol: 'A', event: {} })).toEqual({
      kind: 'refused',
      message: 'input buffer capacity exceeded',
    });
    expect(lastSeq(buffer)).toBe(3);
    expect(openBuffer(0)).toEqual({ kind: 'refused', message: 'max_records must be > 0' });
  });

  it('gives the records of a range, both ends included, of one symbol or all', () => {
    expect(seqs(filled(), [1, 3])).toEqual([1, 2, 3]);
    expect(seqs(filled(), [2, 3], 'A')).toEqual([3]);
    expect(seqs(filled(), [-5, 99], 'B')).toEqual([2]);
    expect(seqs(filled(), [4, 9])).toEqual([]);
    expect(seqs(filled(), [-2, -1])).toEqual([]);
    expect(seqs(filled(), [2, 1])).toBe('start_seq must be <= end_seq');
  });
});

const recordOf = (over: Partial<ReplayRecord> = {}): ReplayRecord => ({
  run_id: 'r1',
  symbol: 'AAA',
  engine_timestamp_ms: 180_000,
  engine_mode: 'truth',
  cut_kind: 'boundary',
  cut_start_ingest_seq: 1,
  cut_end_ingest_seq: 1,
  planned_ts_ms: 182_000,
  status: 'started',
  attempts: 1,
  error_kind: null,
  error_detail: null,
  ...over,
});
const composer: RunSetting = { ...truthSetting, source: 'composer' };
const replay = (record: ReplayRecord, state: ReplayState = new Map(), setting = composer) =>
  replayRun(state, { record, slice: sliceOfEvents([]) }, setting);

describe('a replay', () => {
  it('says of a run that had failed what was kept of it, without the engine', () => {
    const failed = { status: 'failed', attempts: 3 } as const;
    const told = (over: Partial<ReplayRecord>) => {
      const step = replay(recordOf({ ...failed, ...over }));
      return step.kind === 'replayed' ? step.events : [];
    };

    expect(told({ error_kind: 'engine_failure', error_detail: 'boom' })).toMatchObject([
      { event_type: 'EngineRunStarted', run_id: 'r1', attempt: 3, counts_by_event_type: null },
      {
        event_type: 'EngineRunFailed',
        attempt: 3,
        counts_by_event_type: {},
        payload: { error_kind: 'engine_failure', error_detail: 'boom' },
      },
    ]);
    expect(told({})[1]?.payload).toEqual({ error_kind: 'engine_failure', error_detail: 'engine failure' });
    expect(told({ error_kind: 'moon_phase' })[1]?.payload).toMatchObject({ error_kind: 'engine_failure' });
  });

  it('runs on a cut without records as the source of snapshots allows', () => {
    const types = (setting: RunSetting) => {
      const step = replay(recordOf(), new Map(), setting);
      return step.kind === 'replayed' ? step.events.map(({ event_type }) => event_type) : [];
    };

    expect(types(composer)).toEqual(['EngineRunStarted', 'EngineRunCompleted']);
    expect(types(truthSetting)).toEqual(['EngineRunStarted', 'EngineRunFailed']);
  });

  it('lets engine time of a symbol stand still and not go back', () => {
    const first = replay(recordOf());
    if (first.kind === 'refused') throw new Error(first.message);

    expect(replay(recordOf(), first.state).kind).toBe('replayed');
    expect(replay(recordOf({ engine_timestamp_ms: 179_999 }), first.state)).toEqual({
      kind: 'refused',
      message: 'engine_timestamp_ms must be monotonic per symbol',
    });
    expect(replay(recordOf({ symbol: 'BBB', engine_timestamp_ms: 1 }), first.state).kind).toBe('replayed');
  });

  it('takes of several records of a run the last, in the place of the first', () => {
    const records = [recordOf(), recordOf({ run_id: 'r2' }), recordOf({ status: 'failed' })];

    expect(lastRecords(records).map(({ run_id, status }) => [run_id, status])).toEqual([
      ['r1', 'failed'],
      ['r2', 'started'],
    ]);
  });

  it('says what was said, whatever the feed is', () => {
    const step = fc.record({
      step: fc.integer({ min: 0, max: 120_000 }),
      symbol: fc.constantFrom('AAA', 'BBB'),
      kind: fc.constantFrom('trade', 'interest', 'inputs', 'candle'),
      value: fc.integer({ min: 1, max: 100 }),
    });
    const setting = fc.constantFrom<RunSetting>(
      truthSetting,
      composer,
      { ...truthSetting, hysteresis: { kind: 'decision', config: decisionDefaults } },
      { ...composer, hysteresis: { kind: 'belief', config: beliefDefaults }, candleWindow: 64 },
      { ...composer, hysteresis: { kind: 'decision', config: decisionDefaults }, isDeduplicated: true },
    );
    const normalizedOf = {
      trade: 'TradeTick',
      interest: 'OpenInterest',
      inputs: 'SnapshotInputs',
      candle: 'Candle',
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), setting, (steps, run) => {
        let atMs = 0;
        const records = steps.map(({ step: after, symbol, kind, value }, index) => {
          atMs += after;
          const normalized = {
            trade: { price: value, quantity: value, side: value % 2 === 0 ? 'buy' : 'sell' },
            interest: { open_interest: value },
            inputs: { timestamp_ms: Math.ceil(atMs / 180_000) * 180_000, flow: { cvd: value } },
            candle: { high: value, low: 0, close: 1, interval_ms: 180_000, is_final: true },
          }[kind];
          const event = marketEvent({
            event_type: normalizedOf[kind],
            exchange_ts_ms: atMs,
            symbol,
            normalized,
          });
          return RawInputBufferRecord.parse({ ingest_seq: index + 1, ingest_ts_ms: atMs, event });
        });
        const engineMode = run.hysteresis ? 'hysteresis' : 'truth';
        const scheduler = { mode: 'boundary', boundary_interval_ms: 180_000, boundary_delay_ms: 9 } as const;
        const simulation = openSimulation({ scheduler, startMs: 0, engineMode, run });
        const buffer = bufferOf<SliceEvent>(steps.length + 1);
        for (const { event, ingest_ts_ms: ingestTsMs } of records)
          appendEvent(buffer, { ingestTsMs, symbol: event.symbol, event });
        const runs = [
          ...records.flatMap((record) => {
            const taken = takeRecord(simulation, record);
            return taken.kind === 'taken' ? taken.runs : [];
          }),
          ...endSimulation(simulation),
        ];
        const said = runs.flatMap((each) => eventsOfRun(simulation, each));

        let state: ReplayState = new Map();
        const again = runs.flatMap((each) => {
          const record = recordOfRun(simulation, each);
          const cut = [record.cut_start_ingest_seq, record.cut_end_ingest_seq] as const;
          const found = recordsInRange(buffer, cut, record.symbol);
          const slice = sliceOfEvents(found.kind === 'found' ? found.records.map(({ event }) => event) : []);
          const replayed = replayRun(state, { record, slice }, run);
          if (replayed.kind === 'refused') throw new Error(replayed.message);
          ({ state } = replayed);
          return replayed.events;
        });

        expect(again).toEqual(said);
      }),
    );
  });
});
