import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnalysisEngineEvent } from '#contracts/market/analysis.ts';
import { DashboardViewModel } from '#contracts/market/dashboard.ts';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { StateGateEvent } from '#contracts/market/state-gate.ts';
import { initialDashboard, noteIngestFailure, observe } from '#domain/market/dashboard/observation.ts';
import type { DashboardEvent } from '#domain/market/dashboard/observation.ts';
import { dashboardViewModel } from '#domain/market/dashboard/view-model.ts';
import { said, saidDecision, saidOutput, saidState } from '#test/support/said-events.ts';

const runId = (run: number, symbol = 'AAA'): string =>
  `${symbol === 'AAA' ? 'a' : 'b'}${String(run).padStart(63, '0')}`;
const common = (run: number, { symbol = 'AAA' }: { symbol?: string }) => ({
  schema_version: '1',
  run_id: runId(run, symbol),
  symbol,
  engine_timestamp_ms: run * 1_000,
});
type Over = Readonly<Record<string, unknown>> & { readonly symbol?: string };
const ofRun = (run: number, event_type: string, payload: unknown, over: Over = {}): OrchestratorEvent =>
  OrchestratorEvent.parse(said(run, event_type, payload, { ...common(run, over), ...over }));
const output = (regime: string, confidence = 0.5) =>
  saidOutput({ regime, confidence, drivers: ['d'], permissions: [regime] });
const started = (run: number, over: Over = {}) => ofRun(run, 'EngineRunStarted', null, over);
const completed = (run: number, regime = 'SQUEEZE_UP', over: Over = {}) =>
  ofRun(run, 'EngineRunCompleted', { regime_output: output(regime) }, over);
const failed = (run: number) =>
  ofRun(run, 'EngineRunFailed', { error_kind: 'engine_failure', error_detail: 'boom' });
const decided = (run: number, effective_confidence: number, transition: Over = {}) =>
  ofRun(run, 'HysteresisDecisionPublished', {
    hysteresis_decision: saidDecision(transition, {
      selected_output: output('SQUEEZE_UP', 0.9),
      effective_confidence,
    }),
  });
const believed = (run: number, mass: number | undefined, over: Over = {}) =>
  ofRun(run, 'HysteresisStatePublished', {
    hysteresis_state: saidState({
      engine_timestamp_ms: run * 1_000,
      debug:
        mass === undefined
          ? null
          : { belief_by_regime: { SQUEEZE_UP: mass, TREND_EXHAUSTION: 0.2, CHOP_BALANCED: 0.2 } },
      ...over,
    }),
  });
const gated = (run: number, over: Over = {}): StateGateEvent =>
  StateGateEvent.parse({
    schema: 'state_gate_event',
    ...common(run, over),
    event_type: 'GateEvaluated',
    state_status: 'READY',
    gate_status: 'OPEN',
    reasons: [],
    payload: null,
    input_event_type: 'EngineRunCompleted',
    engine_mode: 'truth',
    ...over,
  });
const reset = (run: number) =>
  gated(run, {
    event_type: 'StateReset',
    gate_status: 'CLOSED',
    reasons: ['reset_timestamp_gap'],
    payload: { reset_reason: 'reset_timestamp_gap' },
  });
const analysed = (run: number, event_type: string, payload: unknown, over: Over = {}): AnalysisEngineEvent =>
  AnalysisEngineEvent.parse({
    schema: 'analysis_engine_event',
    ...common(run, over),
    event_type,
    payload,
    engine_mode: 'truth',
    source_gate_reasons: [],
    ...over,
  });
const artifact = (run: number, module_id: string, artifact_name = 'x') =>
  analysed(run, 'ArtifactEmitted', {
    artifact_kind: 'signal',
    module_id,
    artifact_name,
    artifact_schema: 's',
    artifact_schema_version: '1',
    payload: { secret: 1 },
  });
const analysisEnd = (run: number, status: string) =>
  analysed(run, 'AnalysisRunCompleted', { status, module_failures: [] });

const model = (events: readonly DashboardEvent[], windowMs = 0, asOfMs = 9_000): DashboardViewModel =>
  DashboardViewModel.parse(
    dashboardViewModel(events.reduce(observe, initialDashboard), asOfMs, { windowMs }),
  );
const first = (events: readonly DashboardEvent[], windowMs = 0) => {
  const [symbol] = model(events, windowMs).symbols;
  if (!symbol) throw new Error('no symbol');
  return symbol;
};

describe('the model of a dashboard', () => {
  it('has nothing to show before the first event, and says why', () => {
    expect(model([])).toMatchObject({
      source_run_id: null,
      source_engine_timestamp_ms: null,
      symbols: [],
      system: { status: 'UNKNOWN' },
      telemetry: {
        ingest: { last_orchestrator_event_ts_ms: null },
        staleness: {
          is_stale: true,
          stale_reasons: [
            'missing_orchestrator_events',
            'missing_state_gate_events',
            'missing_analysis_engine_events',
            'no_symbols_observed',
          ],
        },
      },
    });
  });

  it('has its source in the greatest run by time, then id, and symbols by name', () => {
    const { source_run_id, source_engine_timestamp_ms, symbols } = model([
      completed(2, 'SQUEEZE_UP', { symbol: 'BBB' }),
      completed(2),
      completed(1),
    ]);

    expect([source_run_id, source_engine_timestamp_ms]).toEqual([runId(2, 'BBB'), 2_000]);
    expect(symbols.map(({ symbol, last_run_id }) => [symbol, last_run_id])).toEqual([
      ['AAA', runId(2)],
      ['BBB', runId(2, 'BBB')],
    ]);
  });

  it('is well when every stream has been heard and none has failed', () => {
    const { system, telemetry } = model([completed(1), gated(2), analysisEnd(3, 'SUCCESS')]);

    expect(system).toEqual({
      status: 'OK',
      components: [
        { component_id: 'analysis_engine', status: 'OK', details: [], last_update_ts_ms: 3_000 },
        { component_id: 'dashboards', status: 'OK', details: [], last_update_ts_ms: 9_000 },
        { component_id: 'orchestrator', status: 'OK', details: [], last_update_ts_ms: 1_000 },
        { component_id: 'state_gate', status: 'OK', details: [], last_update_ts_ms: 2_000 },
      ],
    });
    expect(telemetry).toEqual({
      ingest: {
        last_orchestrator_event_ts_ms: 1_000,
        last_state_gate_event_ts_ms: 2_000,
        last_analysis_engine_event_ts_ms: 3_000,
      },
      staleness: { is_stale: false, stale_reasons: [] },
    });
  });

  it.each([
    ['orchestrator', failed(2), 'AAA:run_failed:engine_failure'],
    [
      'state_gate',
      gated(2, {
        event_type: 'StateGateHalted',
        gate_status: 'CLOSED',
        payload: { error_kind: 'publish_blocked', error_detail: 'x' },
      }),
      'AAA:halted:publish_blocked',
    ],
    [
      'analysis_engine',
      analysed(2, 'AnalysisRunFailed', { status: 'FAILED', module_failures: [] }),
      'AAA:run_failed',
    ],
  ])('is degraded while the last word of the %s on a symbol is a failure', (component, fault, detail) => {
    const healthy = [completed(1), gated(1), analysisEnd(1, 'SUCCESS')];
    const { system } = model([...healthy, fault]);

    expect(system.status).toBe('DEGRADED');
    expect(system.components.find(({ component_id }) => component_id === component)).toMatchObject({
      status: 'DEGRADED',
      details: [detail],
    });
    const mended = [completed(3), gated(3), analysisEnd(3, 'SUCCESS')];
    expect(model([...healthy, fault, ...mended]).system.status).toBe('OK');
  });

  it('is stale when the latest event is older than the window, not when it is as old', () => {
    const events = [completed(1), gated(1), analysisEnd(1, 'SUCCESS')];
    const reasons = (windowMs: number) => model(events, windowMs).telemetry.staleness.stale_reasons;

    expect([reasons(8_000), reasons(7_999), reasons(0)]).toEqual([[], ['stale_over_window'], []]);
    expect(model([], 1).telemetry.staleness.stale_reasons).not.toContain('stale_over_window');
  });

  it('says so when something could not be read', () => {
    const failing = dashboardViewModel(noteIngestFailure(initialDashboard), 1, { windowMs: 0 });

    expect(failing.telemetry.staleness.stale_reasons).toContain('ingest_failure');
    expect(failing.system.components[1]).toMatchObject({ status: 'DEGRADED', details: ['ingest_failure'] });
  });
});

describe('a symbol', () => {
  it('shows nothing but its name and run when a run has only started', () => {
    expect(first([started(1)])).toEqual({
      symbol: 'AAA',
      last_run_id: runId(1),
      last_engine_timestamp_ms: 1_000,
      gate: { status: 'UNKNOWN', reasons: [] },
      regime_truth: null,
      hysteresis: null,
      regime_effective: null,
      analysis: { status: 'EMPTY', highlights: [], artifacts: [] },
      metrics: null,
      belief: null,
    });
  });

  it('shows the truth as what is in force where nothing is stabilized', () => {
    const { regime_truth, regime_effective } = first([completed(1)]);

    expect(regime_truth).toEqual({
      regime_name: 'SQUEEZE_UP',
      confidence: 0.5,
      drivers: ['d'],
      invalidations: [],
      permissions: ['SQUEEZE_UP'],
    });
    expect(regime_effective).toEqual({ ...regime_truth, source: 'truth' });
  });

  it('shows a decision as what is in force, and no truth, which then is not told', () => {
    const { regime_truth, regime_effective, hysteresis, belief } = first([
      decided(1, 0.5, { candidate_regime: 'CHOP_BALANCED', candidate_count: 2, transition_active: true }),
      completed(1),
    ]);

    expect([regime_truth, belief]).toEqual([null, null]);
    expect(regime_effective).toMatchObject({ confidence: 0.5, source: 'hysteresis' });
    expect(hysteresis?.summary).toEqual({
      phase: 'TRANSITIONING',
      anchor_regime: 'SQUEEZE_UP',
      candidate_regime: 'CHOP_BALANCED',
      progress: { current: 2, required: null },
      confidence_trend: 'UNKNOWN',
      notes: ['transition_active'],
    });
  });

  it.each([
    ['a later run of truth mode', completed(2), 'truth'],
    [
      'a later run of hysteresis mode',
      completed(2, 'SQUEEZE_UP', { engine_mode: 'hysteresis' }),
      'hysteresis',
    ],
    ['a run of the same instant', completed(1), 'hysteresis'],
    ['a later run that failed', failed(2), 'hysteresis'],
  ])('shows after a decision and %s the one that is in force', (_name, later, source) => {
    for (const order of [
      (events: DashboardEvent[]) => events,
      (events: DashboardEvent[]) => events.reverse(),
    ]) {
      const { regime_effective, hysteresis } = first(order([decided(1, 0.5), later]));

      expect(regime_effective?.source).toBe(source);
      expect(hysteresis === null).toBe(source === 'truth');
    }
  });

  it('shows a belief with its distribution, and no regime in force', () => {
    const { regime_truth, regime_effective, hysteresis, belief } = first([believed(1, 0.6), completed(1)]);

    expect(regime_truth?.regime_name).toBe('SQUEEZE_UP');
    expect(regime_effective).toBeNull();
    expect(hysteresis).toMatchObject({
      effective_confidence: 0,
      summary: { phase: 'STABLE', progress: { current: 0, required: 3 } },
    });
    expect(belief).toEqual({
      anchor_regime: 'SQUEEZE_UP',
      distribution: [
        { regime_name: 'SQUEEZE_UP', mass: 0.6 },
        { regime_name: 'CHOP_BALANCED', mass: 0.2 },
        { regime_name: 'TREND_EXHAUSTION', mass: 0.2 },
      ],
      trend: { status: 'UNKNOWN', anchor_mass_delta: null },
    });
    expect(first([believed(1, undefined)]).belief).toBeNull();
  });

  it.each([
    ['RESET', decided(1, 0.5, { reset_due_to_gap: true, flipped: true }), ['reset_due_to_gap', 'flipped']],
    ['FLIPPED', believed(1, 1, { reason_codes: ['COMMIT_SWITCH:A->B'] }), ['flipped']],
    ['TRANSITIONING', believed(1, 1, { progress_current: 1 }), ['transition_active']],
  ])('is in phase %s before others', (phase, event, notes) => {
    expect(first([event]).hysteresis?.summary).toMatchObject({ phase, notes });
  });

  it.each([
    ['RISING', 0.4],
    ['FALLING', 0.6],
    ['FLAT', 0.5],
  ])('has a confidence that is %s', (trend, before) => {
    expect(first([decided(1, before), decided(2, 0.5)]).hysteresis?.summary.confidence_trend).toBe(trend);
  });

  it('has a trend of belief where the one before lies within the window', () => {
    const trend = (windowMs: number, before = believed(1, 0.5)) =>
      first([before, believed(3, 0.6)], windowMs).belief?.trend;

    expect(trend(1_999)?.status).toBe('UNKNOWN');
    expect(trend(2_000)?.status).toBe('RISING');
    expect(trend(2_000, believed(1, undefined))?.anchor_mass_delta).toBeNull();
    expect(trend(2_000, decided(1, 1))?.anchor_mass_delta).toBeNull();
    const unknownAnchor = { anchor_regime: 'LIQUIDATION_UP' };
    expect(first([believed(1, 0.5), believed(2, 0.5, unknownAnchor)], 9_000).belief?.trend).toEqual({
      status: 'FLAT',
      anchor_mass_delta: 0,
    });
  });

  it('shows the last judgement of the gate, which a reset on the same run does not undo', () => {
    const closed = gated(2, { gate_status: 'CLOSED', reasons: ['transition_active'] });

    expect(first([gated(1), closed]).gate).toEqual({ status: 'CLOSED', reasons: ['transition_active'] });
    expect(first([gated(2), reset(2)]).gate.status).toBe('OPEN');
    expect(first([reset(2), gated(2)]).gate.status).toBe('OPEN');
    expect(first([gated(1), reset(2)]).gate).toEqual({ status: 'CLOSED', reasons: ['reset_timestamp_gap'] });
  });

  it('shows what the last analysed run made, without what is in it', () => {
    const whole = [
      analysed(2, 'AnalysisRunStarted', null),
      artifact(2, 'b'),
      artifact(2, 'a', 'y'),
      artifact(2, 'a', 'x'),
      analysisEnd(2, 'SUCCESS'),
    ];
    const failure = analysed(2, 'ModuleFailed', {
      module_id: 'm',
      module_kind: 'rule',
      error_kind: 'exception',
      error_detail: 'boom',
    });

    const { analysis } = first([artifact(1, 'old'), ...whole, artifact(1, 'late')]);

    expect(analysis.status).toBe('PRESENT');
    expect(analysis.highlights).toEqual(['run_completed:success', 'run_started']);
    expect(analysis.artifacts.map((each) => [each.module_id, each.artifact_name])).toEqual([
      ['a', 'x'],
      ['a', 'y'],
      ['b', 'x'],
    ]);
    expect(JSON.stringify(analysis)).not.toContain('secret');
    expect(first([...whole, failure]).analysis).toMatchObject({
      status: 'PARTIAL',
      highlights: ['module_failed:m', 'run_completed:success', 'run_started'],
    });
    expect(first([analysed(1, 'AnalysisRunSkipped', null)]).analysis).toMatchObject({
      status: 'PARTIAL',
      highlights: ['run_skipped'],
    });
    expect(
      first([analysed(1, 'AnalysisRunFailed', { status: 'FAILED', module_failures: [] })]).analysis
        .highlights,
    ).toEqual(['run_failed']);
  });
});

it('is the same model in whatever order events come, and however often', () => {
  const story: readonly DashboardEvent[] = [1, 2, 3].flatMap((run) => [
    started(run),
    run === 2 ? failed(run) : completed(run),
    believed(run, run / 10),
    reset(run),
    gated(run),
    artifact(run, 'm'),
    analysisEnd(run, 'SUCCESS'),
  ]);
  const shuffled = fc.shuffledSubarray([...story], { minLength: story.length, maxLength: story.length });
  fc.assert(
    fc.property(shuffled, fc.subarray([...story]), (events, again) => {
      expect(model([...events, ...again], 5_000)).toEqual(model(story, 5_000));
    }),
  );
});
