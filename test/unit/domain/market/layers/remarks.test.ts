import { describe, expect, it } from 'vitest';
import type { FinishedRun } from '#contracts/market/feed-symbol.ts';
import type { Remark } from '#domain/kernel/projection.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import { terminalRun } from '#domain/market/feed-symbol/feed-symbol.ts';
import { layersOf } from '#domain/market/layers/config.ts';
import { layerRemarks } from '#domain/market/layers/remarks.ts';
import { foldRun, hearAnalysis, initialLayers } from '#domain/market/layers/symbol-layers.ts';
import { demoConfig } from '#test/support/market-harness.ts';
import { layeredSymbol, layersRemarks, runAt } from '#test/support/market-layers.ts';

/** A run two minutes after the one before it. */
const late = (runNo: number): FinishedRun => runAt(runNo, {}, { engineTimestampMs: runNo * 120_000 });

/** What is told of the last of some runs: the sums of metrics, and the lines. */
const toldOf = (config: Readonly<Record<string, unknown>>, ...runs: readonly FinishedRun[]) => {
  const symbol = layeredSymbol(config);
  symbol.send(...runs);
  return told(layersRemarks(symbol.events).at(-1) ?? []);
};
const told = (remarks: readonly Remark[]) => ({
  metrics: Object.fromEntries(
    [
      ...groupBy(
        remarks.filter((remark) => remark.kind === 'metric'),
        ({ metric }) => metric,
      ),
    ].map(([metric, counts]) => [metric, counts.reduce((sum, { value }) => sum + value, 0)]),
  ),
  lines: remarks.flatMap((remark) =>
    remark.kind === 'line' ? [[remark.level, remark.message, remark.fields] as const] : [],
  ),
});

describe('what is told of the layers of a symbol', () => {
  it('is nothing of a configuration', () => {
    const symbol = layeredSymbol({ state_gate: { max_gap_ms: 1 } });
    symbol.send(runAt(1));

    expect(layersRemarks(symbol.events).map((remarks) => remarks.length > 0)).toEqual([false, true]);
  });

  it('is that a first run opened the gate, without a lag', () => {
    const { metrics, lines } = toldOf({}, runAt(1));

    expect(metrics).toEqual({
      'state_gate.transitions': 1,
      'state_gate.gate_decisions': 1,
      'state_gate.halted': 0,
      'analysis_engine.run_status': 1,
    });
    expect(lines).toMatchObject([
      [
        'debug',
        'state_gate.GateEvaluated',
        { symbol: 'AAA', state_status: 'READY', gate_status: 'OPEN', reasons: [] },
      ],
      ['debug', 'analysis_engine.event', { event_type: 'AnalysisRunCompleted', status: 'SUCCESS' }],
    ]);
  });

  it('is the lag of the next run, and no transition while the gate stands as before', () => {
    expect(toldOf({}, runAt(1), runAt(2)).metrics).toEqual({
      'state_gate.gate_decisions': 1,
      'state_gate.processing_lag_ms': 60_000,
      'state_gate.halted': 0,
      'analysis_engine.run_status': 1,
    });
  });

  it('is each reason a gate was closed for, and that modules were not asked', () => {
    const config = { state_gate: { denylisted_invalidations: ['STALE', 'THIN'] } };

    const { metrics, lines } = toldOf(config, runAt(1), runAt(2, { invalidations: ['STALE', 'THIN'] }));

    expect(metrics).toMatchObject({
      'state_gate.transitions': 1,
      'state_gate.gate_decisions': 2,
      'analysis_engine.idempotency_skips': 1,
    });
    expect(lines.at(-1)).toMatchObject(['debug', 'analysis_engine.event', { reason: 'gate_closed' }]);
  });

  it('is a reset with its reason before the judgement', () => {
    const { metrics, lines } = toldOf({ state_gate: { max_gap_ms: 60_000 } }, runAt(1), late(2));

    expect(metrics).toMatchObject({ 'state_gate.resets': 1, 'state_gate.transitions': 2 });
    expect(lines[0]).toMatchObject([
      'debug',
      'state_gate.StateReset',
      { reset_reason: 'reset_timestamp_gap', state_status: 'BOOTSTRAP' },
    ]);
  });

  it('is a halt once, and that it lasts', () => {
    const config = { state_gate: { max_gap_ms: 60_000, publish_limits: { max_pending: 1 } } };

    const halting = toldOf(config, runAt(1), late(2));
    const halted = toldOf(config, runAt(1), late(2), late(3));

    expect(halting.metrics).toEqual({
      'state_gate.transitions': 1,
      'state_gate.failures': 1,
      'state_gate.halted': 1,
      'analysis_engine.run_status': 1,
    });
    expect(halting.lines).toMatchObject([
      ['warn', 'state_gate.StateGateHalted', { error_kind: 'publish_blocked' }],
      ['debug', 'analysis_engine.event', { event_type: 'AnalysisRunFailed', status: 'FAILED' }],
    ]);
    expect(halted.metrics).toEqual({ 'state_gate.halted': 1 });
  });

  it('is every artifact, and every module that made none', () => {
    const [event] = layeredSymbol().send(runAt(1));
    const run = event && terminalRun(event);
    if (!run) throw new Error('no run');
    const enabled_modules = ['signal.regime', 'signal.persistence'];
    const config = layersOf(demoConfig({ analysis_engine: { enabled_modules } }), 'AAA');
    const before = { ...initialLayers('AAA'), config };
    const { gateEvents } = foldRun(before, run);
    const blind = gateEvents.flatMap((said) =>
      said.event_type === 'GateEvaluated' ? [{ ...said, payload: null }] : [],
    );

    const whole = told(layerRemarks(before, foldRun(before, run)));
    const partial = told(
      layerRemarks(before, {
        layers: before,
        gateEvents: [],
        analysisEvents: hearAnalysis(before, blind).events,
      }),
    );

    expect(whole.metrics['analysis_engine.artifacts']).toBe(2);
    expect(whole.lines[1]).toMatchObject([
      'debug',
      'analysis_engine.event',
      { event_type: 'ArtifactEmitted', module_id: 'signal.regime', artifact_kind: 'signal' },
    ]);
    expect(partial.metrics).toEqual({
      'state_gate.halted': 0,
      'analysis_engine.module_failures': 2,
      'analysis_engine.run_status': 1,
    });
    expect(partial.lines).toMatchObject([
      ['warn', 'analysis_engine.event', { module_id: 'signal.regime', error_kind: 'exception' }],
      ['warn', 'analysis_engine.event', { error_kind: 'missing_dependency' }],
      ['debug', 'analysis_engine.event', { status: 'PARTIAL' }],
    ]);
  });
});
