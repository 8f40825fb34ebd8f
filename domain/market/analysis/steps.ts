/** What an analysis engine keeps of each event it is told: one step holds all that came of it. */
import type { AnalysisEngineStep } from '#contracts/market/layer-steps.ts';
import type { StateGateEvent } from '#contracts/market/state-gate.ts';
import { resumeAnalysis } from '#domain/market/analysis/analyse.ts';
import type { AnalysisState, AnalysisStep } from '#domain/market/analysis/analyse.ts';
import { stepInput } from '#domain/market/state-gate/steps.ts';

const header = { schema: 'analysis_engine_step', schema_version: '1' } as const;

/** The step that an analysis is. */
export const analysedStep = (
  event: StateGateEvent,
  { records, events }: AnalysisStep,
): AnalysisEngineStep => ({
  ...header,
  step: 'analysed',
  input: stepInput(event),
  records: [...records],
  events: [...events],
});

/** The step that lets a halted symbol be analysed again. */
export const resumedStep = (symbol: string): AnalysisEngineStep => ({ ...header, step: 'resumed', symbol });

/** What is remembered after one more of the steps that were kept. */
export const analysisAfterStep = (state: AnalysisState, step: AnalysisEngineStep): AnalysisState => {
  if (step.step === 'resumed') return resumeAnalysis(state, step.symbol);
  const { input, records } = step;
  const states = state.get(input.symbol)?.states ?? new Map();
  return new Map(state).set(input.symbol, {
    engineTimestampMs: input.engine_timestamp_ms,
    isHalted: input.event_type === 'StateGateHalted',
    states: new Map([...states, ...records.map((record) => [record.module_id, record] as const)]),
  });
};
