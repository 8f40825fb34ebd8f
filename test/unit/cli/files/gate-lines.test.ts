import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { StateGateStep } from '#contracts/market/layer-steps.ts';
import { RefusedLine } from '#contracts/market/refused-line.ts';
import { gateLines } from '#cli/files/gate-lines.ts';
import { openRecordFile } from '#cli/files/record-file.ts';
import { answered, linesOf } from '#test/support/answered-lines.ts';
import { runIdOf, said, saidDecision, saidOutput } from '#test/support/said-events.ts';
import type { Over } from '#test/support/said-events.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'gate-'));
const store = path.join(folder, 'steps.jsonl');
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(store, { force: true }));

const completed = (run: number, over: Over = {}) =>
  said(run, 'EngineRunCompleted', { regime_output: saidOutput({ timestamp: run * 1_000 }) }, over);
const decided = (run: number, over: Over = {}) =>
  said(
    run,
    'HysteresisDecisionPublished',
    { hysteresis_decision: saidDecision() },
    { engine_mode: 'hysteresis', ...over },
  );
const kinds = (told: readonly unknown[]) =>
  told.map((each) => (each as { readonly event_type?: string }).event_type);
const refusal = (value: unknown) => RefusedLine.parse(value).error;
const stored = () => readFileSync(store, 'utf8').trimEnd().split('\n');
const reset = { state_gate: { max_gap_ms: 1 } };
const narrow = { state_gate: { max_gap_ms: 1, publish_limits: { max_pending: 1 } } };

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
    const lines = gateLines(narrow);

    const told = await answered(lines, linesOf(completed(1), completed(2), completed(3)));

    expect(kinds(told)).toEqual(['GateEvaluated', 'StateGateHalted']);
    expect(lines.health()).toMatchObject({ ready: false, publish_healthy: false });
    expect(kinds(await answered(lines, linesOf({ resume: 'AAA' }, completed(4))))).toEqual([
      'StateGateHalted',
    ]);
  });

  it('bounds the runs that wait of each symbol alone, as those of a live feed are', async () => {
    const config = { state_gate: { input_limits: { max_pending: 1 } } };
    const lines = gateLines(config);

    expect(await answered(lines, linesOf(decided(1), decided(2, { symbol: 'BBB' })))).toEqual([]);
    expect(await answered(lines, linesOf(decided(3)))).toMatchObject([
      { event_type: 'StateGateHalted', symbol: 'AAA', payload: { error_kind: 'input_blocked' } },
    ]);
  });

  it.each([
    ['a store that cannot be opened', () => gateLines({}, { store: folder }), 'invalid_store'],
    ['another configuration', () => gateLines({ state_gates: {} }), 'invalid_config'],
  ])('refuses %s', (_name, lines, code) => {
    expect(lines).toThrow(expect.objectContaining({ code, exitCode: 2 }));
  });
});

describe('layers gate with a store', () => {
  it('keeps what a run led to in one line, and goes on from it', async () => {
    const told = await answered(gateLines(reset, { store }), linesOf(completed(1), completed(2)));
    const [first, second] = stored().map((line) => StateGateStep.parse(JSON.parse(line)));

    expect(first).toMatchObject({ input: { run_id: runIdOf(1) }, records: [{ state_status: 'READY' }] });
    expect(second).toMatchObject({
      records: [{ reset_reason: 'reset_timestamp_gap' }, { state_status: 'READY' }],
      events: told.slice(1),
    });
    expect(kinds(await answered(gateLines(reset, { store }), linesOf(completed(3))))).toEqual([
      'StateReset',
      'GateEvaluated',
    ]);
  });

  it('loses a step that was cut short whole, wherever it was, and takes it in anew', async () => {
    const told = await answered(gateLines(reset, { store }), linesOf(completed(1), completed(2)));
    const whole = readFileSync(store);
    const firstEnd = whole.indexOf('\n') + 1;

    for (const end of [1, 20, firstEnd - 2, firstEnd, firstEnd + 1, firstEnd + 900, whole.length - 2]) {
      writeFileSync(store, whole.subarray(0, end));
      const lines = gateLines(reset, { store });
      expect(await answered(lines, linesOf(completed(1), completed(2)))).toEqual(told);
      expect(readFileSync(store, 'utf8')).toBe(whole.toString());
    }
  });

  it('keeps a last step of which the line end alone is missing', async () => {
    await answered(gateLines({}, { store }), linesOf(completed(1)));
    const whole = readFileSync(store, 'utf8');
    writeFileSync(store, whole.trimEnd());

    gateLines({}, { store });

    expect(readFileSync(store, 'utf8')).toBe(whole);
  });

  it('tells what an earlier process kept again, once, and counts it once', async () => {
    const told = await answered(gateLines({}, { store }), linesOf(completed(1), completed(2)));
    const lines = gateLines({}, { store });

    expect(await answered(lines, linesOf(completed(2), completed(2), completed(1)))).toEqual(
      told.toReversed(),
    );
    expect(await answered(lines, linesOf(completed(1), completed(2)))).toEqual([]);
    expect(stored()).toHaveLength(2);
  });

  it('hears a run out whose first events an earlier process heard', async () => {
    const whole = { engine_mode: 'hysteresis' };

    expect(await answered(gateLines({}, { store }), linesOf(completed(1, whole)))).toEqual([]);
    const told = await answered(gateLines({}, { store }), linesOf(decided(1)));

    expect(kinds(told)).toEqual(['GateEvaluated']);
    expect(told).toMatchObject([{ payload: { regime_output: saidOutput({ timestamp: 1_000 }) } }]);
  });

  it('stays halted, and resumed, over processes', async () => {
    await answered(gateLines(narrow, { store }), linesOf(completed(1), completed(2)));
    const halted = gateLines(narrow, { store });

    expect(halted.health()).toMatchObject({ ready: false, publish_healthy: false });
    expect(await answered(halted, linesOf({ resume: 'BBB' }, completed(3), { resume: 'AAA' }))).toEqual([]);
    expect(gateLines(narrow, { store }).health()).toMatchObject({ ready: true });
    expect(stored()).toHaveLength(3);
  });

  it.each([
    ['a configuration', '{"state_gate":{}}\n', 1],
    ['one without a line end', '{"my":"config"}', 1],
    ['a text', 'all my notes', 1],
    ['a record alone', `${JSON.stringify({ symbol: 'AAA', run_id: runIdOf(1) })}\n`, 1],
  ])('refuses %s, by line, and leaves it alone', (_name, text, line) => {
    writeFileSync(store, text);

    expect(() => gateLines({}, { store })).toThrow(
      expect.objectContaining({
        code: 'invalid_store',
        exitCode: 2,
        message: expect.stringContaining(`line ${line} of ${store} is no state_gate_step`),
      }),
    );
    expect(readFileSync(store, 'utf8')).toBe(text);
  });

  it('refuses a store with a line of something else behind its steps, though its last line was cut short', async () => {
    await answered(gateLines({}, { store }), linesOf(completed(1)));
    const text = `${readFileSync(store, 'utf8')}\nmine\n{"schema"`;
    writeFileSync(store, text);

    expect(() => gateLines({}, { store })).toThrow(`line 3 of ${store} is no state_gate_step`);
    expect(readFileSync(store, 'utf8')).toBe(text);
  });
});

describe('layers gate with a store that is full', () => {
  let isFull = true;
  beforeEach(() => {
    isFull = true;
  });
  const open: typeof openRecordFile = (file, kind) => {
    const records = openRecordFile(file, kind);
    const append: typeof records.append = (lines) => {
      if (isFull) throw new Error('ENOSPC: no space left on device');
      records.append(lines);
    };
    return { ...records, append };
  };

  it('fails on a symbol whose judgement cannot be kept, and tells none', async () => {
    const lines = gateLines({}, { store, open });

    const told = await answered(lines, linesOf(completed(1), completed(2)));

    expect(told).toMatchObject([
      {
        event_type: 'StateGateHalted',
        payload: { error_kind: 'persistence_failure', error_detail: expect.stringContaining('ENOSPC') },
      },
    ]);
    expect(lines.health()).toMatchObject({ persistence_healthy: false, publish_healthy: false });
  });

  it('knows at its end which halts will be lost with it', async () => {
    const lines = gateLines({}, { store, open });
    await answered(
      lines,
      linesOf(completed(1, { symbol: 'BBB' }), completed(1), completed(2, { symbol: 'CCC' }), completed(2)),
    );
    expect(lines.unkeptSymbols()).toEqual(['AAA', 'BBB', 'CCC']);
    expect(gateLines({}, { store }).health()).toMatchObject({ ready: true });

    isFull = false;
    lines.end?.();
    expect(lines.unkeptSymbols()).toEqual([]);
    expect(gateLines({}, { store }).health()).toMatchObject({ persistence_healthy: false });
    expect(gateLines({}).unkeptSymbols()).toEqual([]);
  });

  it('keeps that it failed with the next step it can keep, and is halted after a restart', async () => {
    const lines = gateLines({}, { store, open });
    const told = await answered(lines, linesOf(completed(1)));
    isFull = false;
    await answered(lines, linesOf(completed(2, { symbol: 'BBB' })));
    const again = gateLines({}, { store, open });

    expect(again.health()).toEqual(lines.health());
    expect(await answered(again, linesOf(completed(1)))).toEqual(told);
    expect(kinds(await answered(again, linesOf({ resume: 'AAA' }, completed(1))))).toEqual(['GateEvaluated']);
    expect(stored().map((line) => StateGateStep.parse(JSON.parse(line)).step)).toEqual([
      'failed',
      'judged',
      'resumed',
      'judged',
    ]);
  });

  it.each([
    ['at once', 1],
    ['at its end', 2],
  ])('keeps %s that it failed when there is room for that', async (_name, failures) => {
    let writes = 0;
    const soon: typeof openRecordFile = (file, kind) => {
      const records = openRecordFile(file, kind);
      const append: typeof records.append = (lines) => {
        writes += 1;
        if (writes <= failures) throw new Error('ENOSPC');
        records.append(lines);
      };
      return { ...records, append };
    };

    await answered(gateLines({}, { store, open: soon }), linesOf(completed(1)));

    expect(gateLines({}, { store }).health()).toMatchObject({ persistence_healthy: false });
  });

  it('does not resume a symbol when that cannot be kept, and says so', async () => {
    const lines = gateLines({}, { store, open });
    const [, refused] = await answered(lines, linesOf(completed(1), { resume: 'AAA' }));

    expect(refusal(refused)).toEqual({
      code: 'persistence_failure',
      message:
        'line 2: AAA stays halted, as its resumption cannot be kept: Error: ENOSPC: no space left on device',
    });
    expect(lines.health()).toMatchObject({ ready: false });
  });
});
