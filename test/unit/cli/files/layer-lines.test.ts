import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { DashboardViewModel } from '#contracts/market/dashboard.ts';
import { RefusedLine } from '#contracts/market/refused-line.ts';
import { StateGateRecord } from '#contracts/market/state-gate.ts';
import { analyseLines, gateLines, showLines } from '#cli/files/layer-lines.ts';
import { answered, linesOf } from '#test/support/answered-lines.ts';
import { runIdOf, said, saidDecision, saidOutput } from '#test/support/said-events.ts';
import type { Over } from '#test/support/said-events.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'layers-'));
const store = path.join(folder, 'records.jsonl');
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(store, { force: true }));

const completed = (run: number, over: Over = {}) =>
  said(run, 'EngineRunCompleted', { regime_output: saidOutput({ timestamp: run * 1_000 }) }, over);
const decided = (run: number) =>
  said(
    run,
    'HysteresisDecisionPublished',
    { hysteresis_decision: saidDecision() },
    { engine_mode: 'hysteresis' },
  );
const kinds = (told: readonly unknown[]) =>
  told.map((each) => (each as { readonly event_type?: string }).event_type);
const refusal = (value: unknown) => RefusedLine.parse(value).error;
const modules = { analysis_engine: { enabled_modules: ['signal.regime', 'signal.persistence'] } };

describe('layers gate', () => {
  it('judges each run once and drops members it does not know', async () => {
    const told = await answered(
      gateLines(undefined),
      linesOf(completed(1, { added_later: 1 }), completed(1), completed(2)),
    );

    expect(kinds(told)).toEqual(['GateEvaluated', 'GateEvaluated']);
  });

  it('refuses what is no event, and an event that contradicts its run, and goes on', async () => {
    const waiting = decided(1);
    const told = await answered(
      gateLines(undefined),
      linesOf({ resume: '' }, completed(1, { run_id: 'r1' }), waiting, { ...waiting, symbol: 'BBB' }),
    );

    expect(told.map(refusal)).toEqual([
      { code: 'invalid_orchestrator_event', message: expect.stringMatching(/^line 1: /) },
      { code: 'invalid_orchestrator_event', message: expect.stringMatching(/^line 2: run_id: /) },
      {
        code: 'inconsistent_run',
        message: 'line 4: inconsistent symbol for run_id: expected AAA, got BBB',
      },
    ]);
  });

  it('waits for the whole run, or judges by the first word of hysteresis when told to', async () => {
    const input = linesOf(decided(1));

    expect(await answered(gateLines({}), input)).toEqual([]);
    expect(kinds(await answered(gateLines({}, { isFirstHysteresis: true }), input))).toEqual([
      'GateEvaluated',
    ]);
  });

  it('halts a symbol, says so in its health, and goes on when it is resumed', async () => {
    const narrow = { state_gate: { max_gap_ms: 1, publish_limits: { max_pending: 1 } } };
    const lines = gateLines(narrow);

    const told = await answered(lines, linesOf(completed(1), completed(2), completed(3)));

    expect(kinds(told)).toEqual(['GateEvaluated', 'StateGateHalted']);
    expect(lines.health()).toMatchObject({ ready: false, publish_healthy: false });
    expect(kinds(await answered(lines, linesOf({ resume: 'AAA' }, completed(4))))).toEqual([
      'StateGateHalted',
    ]);
  });

  it('keeps its records before it tells of them, and goes on from them', async () => {
    await answered(gateLines({}, { store }), linesOf(completed(1), completed(2)));
    const kept = readFileSync(store, 'utf8').trimEnd().split('\n');
    writeFileSync(store, `${kept.join('\n')}\n{"torn`);

    const told = await answered(gateLines({}, { store }), linesOf(completed(2), completed(3)));

    expect(kept.map((line) => StateGateRecord.parse(JSON.parse(line)).run_id)).toEqual([
      runIdOf(1),
      runIdOf(2),
    ]);
    expect(told).toMatchObject([{ run_id: runIdOf(3) }]);
    expect(readFileSync(store, 'utf8').split('\n')).toHaveLength(5);
  });

  it('fails on a symbol whose record cannot be kept, and tells no judgement', async () => {
    const full = () => {
      throw new Error('ENOSPC: no space left on device');
    };
    const lines = gateLines({}, { store, open: () => ({ linesFound: 0, append: full, replace: full }) });

    const told = await answered(lines, linesOf(completed(1), completed(2)));

    expect(told).toMatchObject([
      {
        event_type: 'StateGateHalted',
        payload: { error_kind: 'persistence_failure', error_detail: expect.stringContaining('ENOSPC') },
      },
    ]);
    expect(lines.health()).toMatchObject({ persistence_healthy: false, publish_healthy: false });
  });

  it.each([
    ['a store that cannot be opened', () => gateLines({}, { store: folder }), 'invalid_store'],
    ['another configuration', () => gateLines({ state_gates: {} }), 'invalid_config'],
    [
      'unknown modules',
      () => analyseLines({ analysis_engine: { enabled_modules: ['x'] } }),
      'invalid_config',
    ],
  ])('refuses %s', (_name, lines, code) => {
    expect(lines).toThrow(expect.objectContaining({ code, exitCode: 2 }));
  });
});

describe('layers analyse', () => {
  it('runs modules on what the gate lets through, and remembers over processes what they keep', async () => {
    const judged = await answered(gateLines({}), linesOf(completed(1), completed(2), completed(3)));

    const whole = await answered(analyseLines(modules), linesOf(...judged));
    const first = await answered(analyseLines(modules, store), linesOf(...judged.slice(0, 2)));
    const second = await answered(analyseLines(modules, store), linesOf(...judged.slice(1)));

    expect([...first, ...second]).toEqual(whole);
    expect(kinds(whole).filter((kind) => kind === 'AnalysisRunCompleted')).toHaveLength(3);
  });

  it('refuses what is no event of a gate', async () => {
    const [refused] = await answered(analyseLines({}), linesOf(completed(1)));

    expect(refusal(refused).code).toBe('invalid_state_gate_event');
  });
});

describe('layers show', () => {
  it('is one model of all three streams, in whatever order they come', async () => {
    const orchestrator = [completed(1), completed(2)];
    const gate = await answered(gateLines({}), linesOf(...orchestrator));
    const analysis = await answered(analyseLines(modules), linesOf(...gate));
    const all = [...orchestrator, ...gate, ...analysis];

    const [model] = await answered(showLines({}), linesOf(...all));
    const [reversed] = await answered(showLines({}), linesOf(...all.toReversed()));

    expect(reversed).toEqual(model);
    expect(DashboardViewModel.parse(model)).toMatchObject({
      as_of_ts_ms: 2_000,
      source_run_id: runIdOf(2),
      symbols: [{ symbol: 'AAA', gate: { status: 'OPEN' } }],
    });
  });

  it('says that something could not be read, and what is stale', async () => {
    const [refused, model] = await answered(
      showLines({ asOfMs: 9_000, windowMs: 1_000 }),
      linesOf({ schema: 'other' }, completed(1)),
    );

    expect(refusal(refused).code).toBe('invalid_layer_event');
    expect(DashboardViewModel.parse(model).telemetry.staleness.stale_reasons).toEqual(
      expect.arrayContaining(['ingest_failure', 'stale_over_window']),
    );
  });

  it('has an instant before it has seen anything', async () => {
    expect(await answered(showLines({}), '')).toMatchObject([{ as_of_ts_ms: 0, symbols: [] }]);
  });
});
