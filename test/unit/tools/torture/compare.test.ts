import { describe, expect, it } from 'vitest';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { differences, orderFaults } from '#tools/torture/compare.ts';
import type { Outcome } from '#tools/torture/outcome.ts';

const event = (runNo: number, event_type: 'EngineRunStarted' | 'EngineRunFailed'): OrchestratorEvent =>
  OrchestratorEvent.parse({
    schema: 'orchestrator_event',
    schema_version: '1',
    run_id: String(runNo).padStart(64, '0'),
    symbol: 'X',
    engine_timestamp_ms: runNo * 180_000,
    cut_start_ingest_seq: runNo,
    cut_end_ingest_seq: runNo,
    cut_kind: 'boundary',
    engine_mode: 'truth',
    attempt: 1,
    counts_by_event_type: null,
    event_type,
    payload:
      event_type === 'EngineRunStarted'
        ? null
        : { error_kind: 'missing_snapshot_inputs', error_detail: 'none' },
  });
const started = (runNo: number) => event(runNo, 'EngineRunStarted');
const failed = (runNo: number) => event(runNo, 'EngineRunFailed');

const outcome: Outcome = {
  market: ['a', 'b', 'a'],
  events: [started(1), failed(1), started(2), failed(2)],
  witnessed: new Set(['w1', 'w2', 'w3']),
  tasks: ['k task SUCCEEDED'],
  rows: ['row'],
};

describe('two outcomes', () => {
  it('are the same when events came twice, later and at another attempt', () => {
    const again = outcome.events.map((item) => ({ ...item, attempt: 2, published_ts_ms: 9 }));

    expect(differences(outcome, { ...outcome, events: [...outcome.events, ...again] }, ['w1', 'w3'])).toEqual(
      [],
    );
  });

  it.each([
    ['a lost record', { market: ['a', 'b'] }, '3 market records expected, 2 found'],
    ['a repeated record', { market: ['a', 'b', 'a', 'a'] }, '3 market records expected, 4 found'],
    ['records out of order', { market: ['b', 'a', 'a'] }, 'market record 1 differs: expected a, found b'],
    ['a lost event', { events: outcome.events.slice(0, 3) }, 'missing orchestrator event: '],
    ['an event too many', { events: [...outcome.events, started(3)] }, 'unexpected orchestrator event: '],
    ['another task outcome', { tasks: ['k task FAILED'] }, 'missing task outcome: k task SUCCEEDED'],
    ['another row', { rows: [] }, 'missing row: row'],
    [
      'a lost acknowledgement',
      { witnessed: new Set(['w1']) },
      'missing acknowledged record of the witness: w3',
    ],
  ])('differ by %s', (_name, change: Partial<Outcome>, says) => {
    expect(differences(outcome, { ...outcome, ...change }, ['w1', 'w3'])[0]).toContain(says);
  });
});

describe('the order of a symbol’s events', () => {
  it('is broken by a run that comes after a later one, and by an end before its start', () => {
    expect(orderFaults([started(2), failed(2), started(1)])).toHaveLength(1);
    expect(orderFaults([failed(1), started(1)])).toHaveLength(1);
  });

  it('is not broken by what is delivered again', () => {
    expect(orderFaults([...outcome.events, ...outcome.events])).toEqual([]);
  });
});
