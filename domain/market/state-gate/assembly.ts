/** Puts the events of one run together until the gate can judge it, whatever order they come in. */
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import type { GateInputType } from '#contracts/market/state-gate.ts';

/** An event a gate goes by: what a run said of itself besides that it began, or was skipped. */
export type GateInputEvent = Exclude<
  OrchestratorEvent,
  { event_type: 'EngineRunStarted' | 'EngineRunSkipped' }
>;

/** Whether a gate goes by an event. */
export const isGateInput = (event: OrchestratorEvent): event is GateInputEvent =>
  event.event_type !== 'EngineRunStarted' && event.event_type !== 'EngineRunSkipped';

/** The events of a run that are told apart; each is kept once. */
export interface GateInputs {
  readonly completed?: Extract<OrchestratorEvent, { event_type: 'EngineRunCompleted' }>;
  readonly failed?: Extract<OrchestratorEvent, { event_type: 'EngineRunFailed' }>;
  readonly decision?: Extract<OrchestratorEvent, { event_type: 'HysteresisDecisionPublished' }>;
  readonly state?: Extract<OrchestratorEvent, { event_type: 'HysteresisStatePublished' }>;
}

/** A run of which some events have come. */
export interface Assembly {
  readonly runId: OrchestratorEvent['run_id'];
  readonly symbol: string;
  readonly engineTimestampMs: number;
  readonly engineMode: OrchestratorEvent['engine_mode'];
  readonly inputs: GateInputs;
}

const inputsWith = (inputs: GateInputs, event: GateInputEvent): GateInputs => {
  switch (event.event_type) {
    case 'EngineRunCompleted':
      return { ...inputs, completed: event };
    case 'EngineRunFailed':
      return { ...inputs, failed: event };
    case 'HysteresisDecisionPublished':
      return { ...inputs, decision: event };
    case 'HysteresisStatePublished':
      return { ...inputs, state: event };
  }
};

/** The run of an event, of which no other has come. */
export const assemblyOf = (event: GateInputEvent): Assembly => ({
  runId: event.run_id,
  symbol: event.symbol,
  engineTimestampMs: event.engine_timestamp_ms,
  engineMode: event.engine_mode,
  inputs: inputsWith({}, event),
});

/** How an event contradicts the others of its run; undefined when it does not. */
export const contradiction = (known: Assembly, event: GateInputEvent): string | undefined => {
  const compared = [
    ['symbol', known.symbol, event.symbol],
    ['engine_timestamp_ms', known.engineTimestampMs, event.engine_timestamp_ms],
    ['engine_mode', known.engineMode, event.engine_mode],
  ] as const;
  const [wrong] = compared.filter(([, expected, got]) => expected !== got);
  if (!wrong) return undefined;
  const [member, expected, got] = wrong;
  return `inconsistent ${member} for run_id: expected ${expected}, got ${got}`;
};

/** The run with one more of its events. */
export const assemble = (known: Assembly | undefined, event: GateInputEvent): Assembly =>
  known ? { ...known, inputs: inputsWith(known.inputs, event) } : assemblyOf(event);

/**
 * The event a run is judged by, once it can be. `first_hysteresis` judges as soon as hysteresis has spoken, when the
 * output may not have come yet; `whole_run` waits for both.
 */
export const judgedBy = (
  { engineMode, inputs }: Assembly,
  rule: 'whole_run' | 'first_hysteresis',
): GateInputType | undefined => {
  const { completed, failed, decision, state } = inputs;
  const hysteresis = decision?.event_type ?? state?.event_type;
  if (hysteresis && (completed ?? failed ?? (rule === 'first_hysteresis' ? hysteresis : undefined)))
    return hysteresis;
  if (failed) return failed.event_type;
  return completed && engineMode !== 'hysteresis' ? completed.event_type : undefined;
};
