/**
 * What a gate keeps of each line it is told: one step holds all that came of it, so that a gate that folds its steps is
 * the one that made them, and can tell again what it told (market reference, section 11.1).
 */
import type { StateGateStep, StepInput } from '#contracts/market/layer-steps.ts';
import type { GateErrorKind } from '#contracts/market/state-gate.ts';
import { assemble } from '#domain/market/state-gate/assembly.ts';
import type { GateInputEvent } from '#domain/market/state-gate/assembly.ts';
import { gateAfterRecord, resumeGate } from '#domain/market/state-gate/gate.ts';
import type { GatePassage, GateState } from '#domain/market/state-gate/gate.ts';

const header = { schema: 'state_gate_step', schema_version: '1' } as const;

/** What tells an event from every other one. */
export const stepInput = ({ event_type, run_id, symbol, engine_timestamp_ms }: StepInput): StepInput => ({
  event_type,
  run_id,
  symbol,
  engine_timestamp_ms,
});

/** The step that a passage is. */
export const passageStep = (event: GateInputEvent, { records, events }: GatePassage): StateGateStep =>
  records.length === 0
    ? { ...header, step: 'waits', event }
    : { ...header, step: 'judged', input: stepInput(event), records: [...records], events: [...events] };

/** The step that says a judgement could not be kept. */
export const failureStep = (
  event: GateInputEvent,
  { events }: GatePassage,
  error_kind: GateErrorKind,
): StateGateStep => ({
  ...header,
  step: 'failed',
  input: stepInput(event),
  error_kind,
  events: [...events],
});

/** The step that lets a halted symbol be judged again. */
export const resumptionStep = (symbol: string): StateGateStep => ({ ...header, step: 'resumed', symbol });

/** The gate after one more of the steps it kept. */
export const gateAfterStep = (state: GateState, step: StateGateStep): GateState => {
  switch (step.step) {
    case 'waits': {
      const assembly = assemble(state.pending.get(step.event.run_id), step.event);
      return { ...state, pending: new Map(state.pending).set(assembly.runId, assembly) };
    }
    case 'judged':
      return step.records.reduce(gateAfterRecord, state);
    case 'failed':
      return { ...state, halted: new Map(state.halted).set(step.input.symbol, step.error_kind) };
    case 'resumed':
      return resumeGate(state, step.symbol);
  }
};
