/** Who listens to a feed, fed with the demo tape: what gate, analysis and dashboard make of it. */
import { AnalysisConfig } from '#contracts/market/analysis.ts';
import type { AnalysisEngineEvent, AnalysisModuleStateRecord } from '#contracts/market/analysis.ts';
import type { DashboardViewModel } from '#contracts/market/dashboard.ts';
import type { AnalysisEngineStep, StateGateStep } from '#contracts/market/layer-steps.ts';
import { StateGateConfig } from '#contracts/market/state-gate.ts';
import type { StateGateEvent, StateGateRecord } from '#contracts/market/state-gate.ts';
import { analyse } from '#domain/market/analysis/analyse.ts';
import type { AnalysisState } from '#domain/market/analysis/analyse.ts';
import { analysisModules } from '#domain/market/analysis/modules/registry.ts';
import { analysisSetting } from '#domain/market/analysis/setting.ts';
import { analysedStep } from '#domain/market/analysis/steps.ts';
import { initialDashboard, observe } from '#domain/market/dashboard/observation.ts';
import type { DashboardEvent } from '#domain/market/dashboard/observation.ts';
import { dashboardViewModel } from '#domain/market/dashboard/view-model.ts';
import { truthSetting } from '#domain/market/execute-run.ts';
import { decisionDefaults } from '#domain/market/hysteresis/decision.ts';
import { isGateInput } from '#domain/market/state-gate/assembly.ts';
import { initialGateState, passGate } from '#domain/market/state-gate/gate.ts';
import { passageStep } from '#domain/market/state-gate/steps.ts';
import { told } from '#test/contract/samples/engine-samples.ts';
import { sampleFile } from '#test/contract/samples/sample.ts';
import type { Samples } from '#test/contract/samples/sample.ts';

const gateConfig = {
  max_gap_ms: 170_000,
  denylisted_invalidations: ['INVALID_EVIDENCE_SYMBOL_MISMATCH'],
  block_during_transition: true,
  publish_limits: { max_pending: 1 },
};

const stabilized = () =>
  told({
    ...truthSetting,
    source: 'composer',
    hysteresis: { kind: 'decision', config: decisionDefaults },
  });

const shown = (events: readonly DashboardEvent[]): DashboardViewModel =>
  dashboardViewModel(events.reduce(observe, initialDashboard), 1_767_226_510_000, { windowMs: 180_000 });

/** A gate that holds each run for late, so that it resets at each, and halts where only one event may wait. */
const gated = (
  maxPending: number,
): {
  readonly events: readonly StateGateEvent[];
  readonly records: readonly StateGateRecord[];
  readonly steps: readonly StateGateStep[];
} => {
  const { events: inputs } = stabilized();
  const config = StateGateConfig.parse({ ...gateConfig, publish_limits: { max_pending: maxPending } });
  const events: StateGateEvent[] = [];
  const records: StateGateRecord[] = [];
  const steps: StateGateStep[] = [];
  let state = initialGateState;
  for (const input of inputs) {
    const step = passGate(state, input, { config, hysteresis: 'decision', rule: 'whole_run' });
    if (step.kind === 'refused') throw new Error(step.message);
    if (step.state !== state && isGateInput(input)) steps.push(passageStep(input, step));
    ({ state } = step);
    events.push(...step.events);
    records.push(...step.records);
  }
  return { events, records, steps };
};

const analysisConfig = {
  enabled_modules: analysisModules.map(({ id }) => id),
  module_configs: [{ module_id: 'rule.conviction', config: { min_confidence: 0.4, min_count: 3 } }],
  symbols: [{ symbol: 'SOL-PERP', enabled_modules: ['signal.regime'] }],
};

/** Every shipped module on what a gate lets through, and on what it does not. */
const analysed = (
  gateEvents: readonly StateGateEvent[],
): {
  readonly events: readonly AnalysisEngineEvent[];
  readonly records: readonly AnalysisModuleStateRecord[];
  readonly steps: readonly AnalysisEngineStep[];
} => {
  const result = analysisSetting(AnalysisConfig.parse(analysisConfig), analysisModules);
  if (result.kind === 'invalid') throw new Error(result.message);
  const events: AnalysisEngineEvent[] = [];
  const records: AnalysisModuleStateRecord[] = [];
  const steps: AnalysisEngineStep[] = [];
  let state: AnalysisState = new Map();
  for (const event of gateEvents) {
    const step = analyse(state, event, result.setting);
    if (step.state !== state) steps.push(analysedStep(event, step));
    ({ state } = step);
    events.push(...step.events);
    records.push(...step.records);
  }
  return { events, records, steps };
};

/** A gate that lets a run through of which it knows nothing makes the modules fail. */
const blind = (event: StateGateEvent | undefined): readonly StateGateEvent[] =>
  event?.event_type === 'GateEvaluated' ? [{ ...event, payload: null, gate_status: 'OPEN' }] : [];

/** Samples of the state gate and the analysis engine. */
export const consumerSamples = (): Samples => {
  const open = gated(1_000);
  const gateEvents = [...open.events, ...gated(1).events];
  const analysis = analysed(open.events);
  const skipped = open.events.find(({ event_type }) => event_type === 'GateEvaluated');
  const others = [
    ...analysed(blind(skipped)).events,
    ...analysed(skipped ? [{ ...skipped, gate_status: 'CLOSED', reasons: ['transition_active'] }] : [])
      .events,
    ...analysed(gateEvents.filter(({ event_type }) => event_type === 'StateGateHalted')).events,
  ];
  const samples: Record<string, unknown> = {};
  for (const event of gateEvents) samples[sampleFile('state-gate-events', event.event_type)] ??= event;
  for (const event of [...analysis.events, ...others])
    samples[sampleFile('analysis-engine-events', event.event_type)] ??= event;
  return {
    ...samples,
    [sampleFile('records', 'DashboardViewModel')]: shown([
      ...stabilized().events,
      ...open.events,
      ...analysis.events,
    ]),
    [sampleFile('records', 'AnalysisModuleStateRecord')]: analysis.records.at(-1),
    [sampleFile('configuration', 'AnalysisConfig')]: analysisConfig,
    [sampleFile('records', 'StateGateRecord')]: open.records.at(-1),
    [sampleFile('configuration', 'StateGateConfig')]: gateConfig,
    [sampleFile('stored', 'StateGateStep')]: open.steps.findLast(({ step }) => step === 'judged'),
    [sampleFile('stored', 'AnalysisEngineStep')]: analysis.steps.at(-1),
  };
};
