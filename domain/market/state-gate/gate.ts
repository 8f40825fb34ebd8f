/**
 * The state gate: judges each run of a symbol once, in engine time, and says whether one may act on it. It opens only
 * on a judgement; whatever goes wrong leaves it closed (market reference, section 11.1). Records are appended before
 * events are published, and when that fails `haltGate` says so.
 */
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import type { GateErrorKind, StateGateConfig, StateGateRecord } from '#contracts/market/state-gate.ts';
import {
  assemble,
  assemblyOf,
  contradiction,
  isGateInput,
  judgedBy,
} from '#domain/market/state-gate/assembly.ts';
import type { Assembly, GateInputEvent } from '#domain/market/state-gate/assembly.ts';
import { haltOf, judge } from '#domain/market/state-gate/judgement.ts';
import type { Judgement } from '#domain/market/state-gate/judgement.ts';

/** What a gate goes by. */
export interface GateSetting {
  readonly config: StateGateConfig;
  /** Whose hysteresis it hears; it names the member of evidence that is there when none was heard. */
  readonly hysteresis: 'decision' | 'belief';
  /** `whole_run` hears a run out; `first_hysteresis` is the reference's, which judges before the output is known. */
  readonly rule: 'whole_run' | 'first_hysteresis';
}

/** What a gate remembers: the last judgement by symbol, and the runs it has not heard out. */
export interface GateState {
  readonly symbols: ReadonlyMap<string, StateGateRecord>;
  readonly pending: ReadonlyMap<string, Assembly>;
  /** Symbols that are closed because the gate failed on them, and why. */
  readonly halted: ReadonlyMap<string, GateErrorKind>;
}

/** A gate that has heard nothing. */
export const initialGateState: GateState = { symbols: new Map(), pending: new Map(), halted: new Map() };

/** Records to append, then events to publish, and the gate after both. */
export interface GatePassage extends Judgement {
  readonly kind: 'passed';
  readonly state: GateState;
}

/** What an event leads to; one that contradicts the others of its run changes nothing. */
export type GateStep = GatePassage | { readonly kind: 'refused'; readonly message: string };

const nothing = (state: GateState): GatePassage => ({ kind: 'passed', records: [], events: [], state });

/**
 * Hears an event of a run. What was judged already, what is older, and what comes after a halt leads to nothing: the
 * state is then the very one that was given.
 */
export const passGate = (state: GateState, event: OrchestratorEvent, setting: GateSetting): GateStep => {
  if (!isGateInput(event) || state.halted.has(event.symbol)) return nothing(state);
  const known = state.pending.get(event.run_id);
  const message = known && contradiction(known, event);
  if (message !== undefined) return { kind: 'refused', message };
  const lastMs = state.symbols.get(event.symbol)?.engine_timestamp_ms;
  if (lastMs !== undefined && event.engine_timestamp_ms <= lastMs) return nothing(state);
  const assembly = assemble(known, event);
  const inputType = judgedBy(assembly, setting.rule);
  if (!inputType) return wait(state, assembly, { event, setting });
  const judgement = judge(assembly, inputType, { ...setting, lastMs });
  const isBlocked = judgement.events.length > setting.config.publish_limits.max_pending;
  return settle(
    state,
    isBlocked ? haltOf(assembly, inputType, publishBlocked, setting.hysteresis) : judgement,
  );
};

const publishBlocked = {
  error_kind: 'publish_blocked',
  error_detail: 'output publish backpressure exceeded',
} as const;
const inputBlocked = {
  error_kind: 'input_blocked',
  error_detail: 'too many runs wait for their end',
} as const;

/** The gate failed to keep or publish its judgement on a run: the symbol is closed until somebody resumes it. */
export const haltGate = (
  state: GateState,
  event: GateInputEvent,
  error: { readonly error_kind: GateErrorKind; readonly error_detail: string },
): GatePassage => {
  const { events } = haltOf(assemblyOf(event), event.event_type, error, 'decision');
  const halted = new Map(state.halted).set(event.symbol, error.error_kind);
  return { kind: 'passed', records: [], events, state: { ...state, halted } };
};

/** Lets a halted symbol be judged again, from its next run on. */
export const resumeGate = (state: GateState, symbol: string): GateState => ({
  ...state,
  halted: new Map([...state.halted].filter(([halted]) => halted !== symbol)),
});

/** The gate after one more of the records it appended; a judgement that follows a failure tells of a resumption. */
export const gateAfterRecord = (state: GateState, record: StateGateRecord): GateState => {
  const { symbol, error_kind: fault } = record;
  const { halted } = resumeGate(state, symbol);
  const isOver = (assembly: Assembly): boolean =>
    assembly.symbol === symbol && assembly.engineTimestampMs <= record.engine_timestamp_ms;
  return {
    symbols: new Map(state.symbols).set(symbol, record),
    pending: new Map([...state.pending].filter(([, assembly]) => !isOver(assembly))),
    halted: fault === null ? halted : new Map(halted).set(symbol, fault),
  };
};

const settle = (state: GateState, { records, events }: Judgement): GatePassage => ({
  kind: 'passed',
  records,
  events,
  state: records.reduce(gateAfterRecord, state),
});

const wait = (
  state: GateState,
  assembly: Assembly,
  { event, setting }: { readonly event: GateInputEvent; readonly setting: GateSetting },
): GatePassage => {
  const pending = new Map(state.pending).set(assembly.runId, assembly);
  const waiting = [...pending.values()].filter(({ symbol }) => symbol === assembly.symbol);
  return waiting.length > setting.config.input_limits.max_pending
    ? settle(state, haltOf(assembly, event.event_type, inputBlocked, setting.hysteresis))
    : nothing({ ...state, pending });
};

/** Whether a gate can be relied on, and where it fails. */
export interface GateHealth {
  readonly ready: boolean;
  readonly halted: boolean;
  readonly input_healthy: boolean;
  readonly persistence_healthy: boolean;
  readonly publish_healthy: boolean;
}

/** The health of a gate over all its symbols. What cannot be kept cannot be published either. */
export const gateHealth = ({ halted }: GateState): GateHealth => {
  const kinds = new Set(halted.values());
  return {
    ready: kinds.size === 0,
    halted: kinds.size > 0,
    input_healthy: !kinds.has('input_blocked'),
    persistence_healthy: !kinds.has('persistence_failure'),
    publish_healthy: kinds.size === 0 || (kinds.size === 1 && kinds.has('input_blocked')),
  };
};
