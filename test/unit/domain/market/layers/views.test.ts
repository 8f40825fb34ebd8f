import { expect, it } from 'vitest';
import * as views from '#contracts/market/layers-view.ts';
import { initialLayers } from '#domain/market/layers/symbol-layers.ts';
import { analysisView, dashboardOf, gateView, regimeView } from '#domain/market/layers/views.ts';
import { failed, layeredSymbol, layersRow, runAt } from '#test/support/market-layers.ts';

const nothing = initialLayers('AAA');

it('shows a symbol of which nothing was heard as closed and without regime', () => {
  expect(views.FeedGateView.parse(gateView(nothing))).toEqual({
    symbol: 'AAA',
    run_id: null,
    engine_timestamp_ms: null,
    state_status: 'BOOTSTRAP',
    gate_status: 'CLOSED',
    reasons: [],
    halted: null,
    history: [],
  });
  expect(views.FeedAnalysisView.parse(analysisView(nothing))).toMatchObject({ status: null, artifacts: [] });
  expect(views.FeedRegimeView.parse(regimeView(nothing, 'truth'))).toMatchObject({
    regime: null,
    from_number: null,
    to_number: null,
    runs: [],
  });
  expect(dashboardOf([], { asOfMs: 1, windowMs: 0 })).toMatchObject({ as_of_ts_ms: 1, symbols: [] });
});

it('shows what was said last, by the regime that is asked for', () => {
  const symbol = layeredSymbol({ analysis_engine: { enabled_modules: ['signal.regime'] } });
  symbol.send(runAt(1), runAt(2, { regime: 'SQUEEZE_DOWN' }), runAt(3, {}, { outcome: failed }));
  const row = layersRow(symbol.events);

  expect(views.FeedGateView.parse(gateView(row))).toMatchObject({
    state_status: 'DEGRADED',
    reasons: ['run_failed'],
  });
  expect(views.FeedAnalysisView.parse(analysisView(row))).toMatchObject({ status: 'SKIPPED', artifacts: [] });
  expect(views.FeedRegimeView.parse(regimeView(row, 'stabilized'))).toMatchObject({
    regime: 'SQUEEZE_DOWN',
    engine_timestamp_ms: 120_000,
    from_number: 1,
    to_number: 2,
    persistence: { SQUEEZE_UP: [1], SQUEEZE_DOWN: [1] },
    flip_frequency: { flips: 1, updates: 2, flip_rate_per_update: 1, flip_rate_per_hour: 60 },
    time_in_regime: { SQUEEZE_UP: 60_000 },
  });
  expect(dashboardOf([row], { asOfMs: 240_001, windowMs: 60_000 })).toMatchObject({
    system: { status: 'DEGRADED' },
    symbols: [{ symbol: 'AAA', gate: { status: 'CLOSED' }, analysis: { highlights: ['run_skipped'] } }],
    telemetry: { staleness: { stale_reasons: ['stale_over_window'] } },
  });
});

it('shows what modules made, and why others made nothing', () => {
  const symbol = layeredSymbol({ analysis_engine: { enabled_modules: ['signal.regime'] } });
  symbol.send(runAt(1));
  const row = layersRow(symbol.events);
  const made = row.latest.find((event) => event.event_type === 'ArtifactEmitted');
  if (made?.event_type !== 'ArtifactEmitted') throw new Error('no artifact');
  const failure = {
    module_id: 'rule.conviction',
    module_kind: 'rule',
    error_kind: 'exception',
    error_detail: 'boom',
  } as const;
  const failing = { ...made, event_type: 'ModuleFailed', payload: failure } as const;

  const view = views.FeedAnalysisView.parse(analysisView({ ...row, latest: [...row.latest, failing] }));

  expect(view).toMatchObject({ status: 'SUCCESS', module_failures: [failure] });
  expect(view.artifacts.map(({ artifact_name: name }) => name)).toEqual(['regime']);
});

it('keeps the regimes apart that belief hysteresis keeps apart', () => {
  const symbol = layeredSymbol();
  const run = runAt(1);
  if (run.outcome.kind !== 'completed') throw new Error('not completed');
  const hysteresisState = {
    schema: 'hysteresis_state',
    schema_version: '1',
    symbol: 'AAA',
    engine_timestamp_ms: 60_000,
    anchor_regime: 'TREND_BUILD_UP',
    candidate_regime: 'SQUEEZE_UP',
    progress_current: 1,
    progress_required: 3,
    last_commit_timestamp_ms: null,
    reason_codes: [],
    debug: null,
  } as const;
  const outcome = { ...run.outcome, hysteresisState: { ...hysteresisState, reason_codes: [] } };
  symbol.send({ ...run, engineMode: 'hysteresis', outcome });
  const row = layersRow(symbol.events);

  expect(regimeView(row, 'truth').regime).toBe('SQUEEZE_UP');
  expect(regimeView(row, 'stabilized').regime).toBe('TREND_BUILD_UP');
});
