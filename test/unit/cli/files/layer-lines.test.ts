import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { DashboardViewModel } from '#contracts/market/dashboard.ts';
import { RefusedLine } from '#contracts/market/refused-line.ts';
import { AnalysisEngineStep } from '#contracts/market/layer-steps.ts';
import { gateLines } from '#cli/files/gate-lines.ts';
import { analyseLines, showLines } from '#cli/files/layer-lines.ts';
import { answered, linesOf } from '#test/support/answered-lines.ts';
import { runIdOf, said, saidOutput } from '#test/support/said-events.ts';
import type { Over } from '#test/support/said-events.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'layers-'));
const store = path.join(folder, 'records.jsonl');
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(store, { force: true }));

const completed = (run: number, over: Over = {}) =>
  said(run, 'EngineRunCompleted', { regime_output: saidOutput({ timestamp: run * 1_000 }) }, over);
const kinds = (told: readonly unknown[]) =>
  told.map((each) => (each as { readonly event_type?: string }).event_type);
const stored = () => readFileSync(store, 'utf8').trimEnd().split('\n');
const refusal = (value: unknown) => RefusedLine.parse(value).error;
const modules = { analysis_engine: { enabled_modules: ['signal.regime', 'signal.persistence'] } };

describe('layers analyse', () => {
  it('runs modules on what the gate lets through, and remembers over processes what they keep', async () => {
    const judged = await answered(gateLines({}), linesOf(completed(1), completed(2), completed(3)));

    const whole = await answered(analyseLines(modules), linesOf(...judged));
    const first = await answered(analyseLines(modules, store), linesOf(...judged.slice(0, 2)));
    const second = await answered(analyseLines(modules, store), linesOf(...judged.slice(2)));

    expect([...first, ...second]).toEqual(whole);
    expect(kinds(whole).filter((kind) => kind === 'AnalysisRunCompleted')).toHaveLength(3);
  });

  it('keeps what came of a run in one line, and tells it again after a crash', async () => {
    const judged = await answered(gateLines({}), linesOf(completed(1), completed(2)));
    const told = await answered(analyseLines(modules, store), linesOf(...judged));
    const [, second] = stored();

    expect(AnalysisEngineStep.parse(JSON.parse(second ?? ''))).toMatchObject({
      input: { run_id: runIdOf(2) },
      events: told.slice(told.length / 2),
    });
    expect(await answered(analyseLines(modules, store), linesOf(...judged))).toEqual(told);
    writeFileSync(store, readFileSync(store).subarray(0, -40));
    expect(await answered(analyseLines(modules, store), linesOf(...judged.slice(1)))).toEqual(
      told.slice(told.length / 2),
    );
    expect(stored()[1]).toBe(second);
  });

  it('stays halted over processes until the symbol is resumed, which is kept as well', async () => {
    const narrow = { state_gate: { max_gap_ms: 1, publish_limits: { max_pending: 1 } } };
    const [, halt] = await answered(gateLines(narrow), linesOf(completed(1), completed(2)));
    const later = await answered(gateLines({}), linesOf(completed(3), completed(4)));

    expect(kinds(await answered(analyseLines(modules, store), linesOf(halt)))).toEqual(['AnalysisRunFailed']);
    expect(await answered(analyseLines(modules, store), linesOf({ resume: 'BBB' }, later[0]))).toEqual([]);
    expect(await answered(analyseLines(modules, store), linesOf({ resume: 'AAA' }))).toEqual([]);
    expect(kinds(await answered(analyseLines(modules, store), linesOf({ resume: 'AAA' }, later[1])))).toEqual(
      expect.arrayContaining(['AnalysisRunCompleted']),
    );
    expect(stored()).toHaveLength(3);
  });

  it('refuses a file that is no store of it, by line, and leaves it alone', async () => {
    await answered(gateLines({}, { store }), linesOf(completed(1)));
    const before = readFileSync(store, 'utf8');

    expect(() => analyseLines(modules, store)).toThrow(
      expect.objectContaining({
        code: 'invalid_store',
        exitCode: 2,
        message: expect.stringContaining(`line 1 of ${store} is no analysis_engine_step`),
      }),
    );
    expect(readFileSync(store, 'utf8')).toBe(before);
  });

  it('refuses modules it does not have', () => {
    expect(() => analyseLines({ analysis_engine: { enabled_modules: ['x'] } })).toThrow(
      expect.objectContaining({ code: 'invalid_config', exitCode: 2 }),
    );
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
