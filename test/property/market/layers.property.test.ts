import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { HISTORY_MAX } from '#contracts/market/feed-layers.ts';
import type { FinishedRun } from '#contracts/market/feed-symbol.ts';
import { regimes } from '#contracts/market/regime.ts';
import { analysisModules } from '#domain/market/analysis/modules/registry.ts';
import { initialDashboard, observe } from '#domain/market/dashboard/observation.ts';
import type { DashboardEvent } from '#domain/market/dashboard/observation.ts';
import { dashboardViewModel } from '#domain/market/dashboard/view-model.ts';
import { terminalRun } from '#domain/market/feed-symbol/feed-symbol.ts';
import { orchestratorEvents } from '#domain/market/feed-symbol/run-facts.ts';
import { decideRegime, decisionDefaults, initialDecisionState } from '#domain/market/hysteresis/decision.ts';
import { layersOf } from '#domain/market/layers/config.ts';
import { regimeEntry } from '#domain/market/layers/regime-entry.ts';
import {
  configureLayers,
  hearAnalysis,
  hearGate,
  initialLayers,
} from '#domain/market/layers/symbol-layers.ts';
import { demoConfig } from '#test/support/market-harness.ts';
import { failed, layeredSymbol, layersRow, runAt } from '#test/support/market-layers.ts';

const config = {
  engine: { engine_mode: 'hysteresis' },
  state_gate: { max_gap_ms: 120_000, denylisted_invalidations: ['STALE'], block_during_transition: true },
  analysis_engine: { enabled_modules: analysisModules.map(({ id }) => id) },
};

const step = fc.record({
  kind: fc.constantFrom('completed', 'completed', 'completed', 'failed', 'skipped'),
  gap: fc.constantFrom(0, 60_000, 60_000, 200_000),
  regime: fc.constantFrom(...regimes.slice(0, 3)),
  invalidations: fc.constantFrom([], ['STALE']),
  confidence: fc.constantFrom(0.3, 0.9),
});
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** Runs under decision hysteresis, and the regime the engine said in each. */
const told = (steps: readonly Step[]) => {
  let state = initialDecisionState;
  let atMs = 60_000;
  return steps.map(({ kind, gap, regime, invalidations, confidence }, index) => {
    atMs += gap;
    const run = { ...runAt(index + 1, { regime, invalidations }), engineTimestampMs: atMs };
    const hysteresis: Partial<FinishedRun> = { engineMode: 'hysteresis' };
    if (kind === 'skipped') return { regime, run: { ...run, ...hysteresis, outcome: { kind } as const } };
    if (kind === 'failed' || run.outcome.kind !== 'completed')
      return { regime, run: { ...run, ...hysteresis, outcome: failed } };
    const output = { ...run.outcome.regimeOutput, timestamp: atMs, confidence };
    const result = decideRegime(output, state, decisionDefaults);
    if (result.kind === 'refused') return { regime, run: { ...run, ...hysteresis, outcome: failed } };
    ({ state } = result);
    const { decision } = result;
    const outcome = {
      kind: 'completed' as const,
      regimeOutput: decision.selected_output,
      hysteresisDecision: decision,
    };
    return { regime, run: { ...run, ...hysteresis, outcome } };
  });
};

const steps = fc.array(step, { minLength: 1, maxLength: 30 });

it('shows of the few events it keeps what the dashboard would show of all of them', () => {
  fc.assert(
    fc.property(steps, fc.constantFrom(0, 90_000), (taken, windowMs) => {
      const symbol = layeredSymbol(config);
      symbol.send(...told(taken).map(({ run }) => run));
      const layers = layersOf(demoConfig(config), 'AAA');
      let { gate, analysis } = configureLayers(initialLayers('AAA'), layers);
      const all = symbol.events.flatMap((event): readonly DashboardEvent[] => {
        const run = terminalRun(event);
        if (!run) return [];
        const published = orchestratorEvents(run);
        const gated = hearGate({ symbol: 'AAA', config: layers, gate }, published);
        const analysed = hearAnalysis({ symbol: 'AAA', config: layers, analysis }, gated.events);
        ({ layer: gate } = gated);
        ({ layer: analysis } = analysed);
        return [...published, ...gated.events, ...analysed.events];
      });
      const shown = (events: readonly DashboardEvent[]) =>
        dashboardViewModel(events.reduce(observe, initialDashboard), 9_000_000, { windowMs });

      expect(shown(layersRow(symbol.events).latest)).toEqual(shown(all));
    }),
  );
});

it('knows from a decision which regime the engine had said', () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const symbol = layeredSymbol(config);
      const said = told(taken);
      symbol.send(...said.map(({ run }) => run));
      const truths = symbol.events.flatMap((event) => {
        const run = terminalRun(event);
        return run?.type === 'EngineRunCompleted' ? [regimeEntry(run.data).truth_regime] : [];
      });

      const completed = said.filter(({ run }) => run.outcome.kind === 'completed');
      expect(truths).toEqual(completed.map(({ regime }) => regime));
    }),
  );
});

it('numbers every history from 1 without gaps and keeps no more than its bound', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 90, maxLength: 130 }), (taken) => {
      const symbol = layeredSymbol(config);
      symbol.send(...told(taken).map(({ run }) => run));
      const { gate, analysis, regimes: log } = layersRow(symbol.events);

      for (const history of [gate.history, analysis.history, log]) {
        const numbers = history.map(({ number }) => number);
        expect(numbers.length).toBeLessThanOrEqual(HISTORY_MAX);
        expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index));
      }
    }),
    { numRuns: 10 },
  );
});
