/** What a gate makes of a run: its status, the reasons, and what it forgot before that. */
import type {
  GateErrorKind,
  GateEvidence,
  GateInputType,
  GateResetReason,
  StateGateConfig,
  StateGateEvent,
  StateGateRecord,
} from '#contracts/market/state-gate.ts';
import type { Assembly } from '#domain/market/state-gate/assembly.ts';

/** Records to append and events to publish, in order. */
export interface Judgement {
  readonly records: readonly StateGateRecord[];
  readonly events: readonly StateGateEvent[];
}

/** What a run is judged with. */
export interface Measure {
  readonly config: StateGateConfig;
  readonly hysteresis: 'decision' | 'belief';
  /** Engine timestamp of the symbol's last judgement, if there was one. */
  readonly lastMs: number | undefined;
}

/** The part of a judgement that rules decide. */
interface Verdict {
  readonly state_status: StateGateRecord['state_status'];
  readonly gate_status: StateGateRecord['gate_status'];
  readonly reasons: string[];
  readonly evidence: GateEvidence | null;
}

/** Judges a run that has been heard out. */
export const judge = (assembly: Assembly, inputType: GateInputType, measure: Measure): Judgement => {
  const reset = resetReason(assembly, measure);
  const verdict = verdictOn(assembly, measure);
  const evaluated: StateGateEvent = {
    ...header,
    event_type: 'GateEvaluated',
    ...judged(assembly, verdict),
    payload: verdict.evidence,
    ...source(assembly, inputType),
  };
  const record: StateGateRecord = {
    ...judged(assembly, verdict),
    ...recordSource(assembly, inputType),
    ...(verdict.evidence ?? noEvidence(measure)),
    ...noFault,
  };
  const before = reset ? forget(assembly, { inputType, reset, measure }) : { records: [], events: [] };
  return { records: [...before.records, record], events: [...before.events, evaluated] };
};

/** The gate failed on a run: closed, and why. */
export const haltOf = (
  assembly: Assembly,
  inputType: GateInputType,
  error: { readonly error_kind: GateErrorKind; readonly error_detail: string },
  hysteresis: Measure['hysteresis'],
): Judgement => {
  const status = judged(assembly, {
    state_status: 'HALTED',
    gate_status: 'CLOSED',
    reasons: ['internal_failure'],
  });
  return {
    records: [
      {
        ...status,
        ...recordSource(assembly, inputType),
        ...noEvidence({ hysteresis }),
        reset_reason: null,
        ...error,
      },
    ],
    events: [
      {
        ...header,
        event_type: 'StateGateHalted',
        ...status,
        payload: error,
        ...source(assembly, inputType),
      },
    ],
  };
};

const header = { schema: 'state_gate_event', schema_version: '1' } as const;
const noFault = { reset_reason: null, error_kind: null, error_detail: null } as const;

const judged = (
  { symbol, engineTimestampMs, runId }: Assembly,
  { state_status, gate_status, reasons }: Omit<Verdict, 'evidence'>,
) => ({ symbol, engine_timestamp_ms: engineTimestampMs, run_id: runId, state_status, gate_status, reasons });

const source = ({ engineMode }: Assembly, inputType: GateInputType) => ({
  input_event_type: inputType,
  engine_mode: engineMode,
});

const recordSource = ({ engineMode }: Assembly, inputType: GateInputType) => ({
  engine_mode: engineMode,
  source_event_type: inputType,
});

/** The hysteresis member of evidence: what was heard, or the one of the gate's kind with nothing in it. */
const hysteresisOf = (
  { inputs: { decision, state } }: Pick<Assembly, 'inputs'>,
  hysteresis: Measure['hysteresis'],
): Pick<GateEvidence, 'hysteresis_decision' | 'hysteresis_state'> => {
  if (decision) return { hysteresis_decision: decision.payload.hysteresis_decision };
  if (state) return { hysteresis_state: state.payload.hysteresis_state };
  return hysteresis === 'decision' ? { hysteresis_decision: null } : { hysteresis_state: null };
};

const noEvidence = ({ hysteresis }: Pick<Measure, 'hysteresis'>): GateEvidence => ({
  regime_output: null,
  ...hysteresisOf({ inputs: {} }, hysteresis),
});

const resetReason = (
  { engineTimestampMs, inputs: { decision } }: Assembly,
  { config, lastMs }: Measure,
): GateResetReason | undefined => {
  if (decision?.payload.hysteresis_decision.transition.reset_due_to_gap) return 'reset_engine_gap';
  const isGap = lastMs !== undefined && engineTimestampMs - lastMs > config.max_gap_ms;
  return isGap ? 'reset_timestamp_gap' : undefined;
};

const forget = (
  assembly: Assembly,
  {
    inputType,
    reset,
    measure,
  }: {
    readonly inputType: GateInputType;
    readonly reset: GateResetReason;
    readonly measure: Measure;
  },
): Judgement => {
  const status = judged(assembly, { state_status: 'BOOTSTRAP', gate_status: 'CLOSED', reasons: [reset] });
  return {
    records: [
      {
        ...status,
        ...recordSource(assembly, inputType),
        ...noEvidence(measure),
        ...noFault,
        reset_reason: reset,
      },
    ],
    events: [
      {
        ...header,
        event_type: 'StateReset',
        ...status,
        payload: { reset_reason: reset },
        ...source(assembly, inputType),
      },
    ],
  };
};

const isInTransition = ({ inputs: { decision, state } }: Assembly): boolean =>
  decision?.payload.hysteresis_decision.transition.transition_active === true ||
  (state?.payload.hysteresis_state.progress_current ?? 0) > 0;

/** The rules, the first that applies. Each shows what it went by. */
const verdictOn = (assembly: Assembly, { config, hysteresis }: Measure): Verdict => {
  const { completed, failed } = assembly.inputs;
  if (failed)
    return { state_status: 'DEGRADED', gate_status: 'CLOSED', reasons: ['run_failed'], evidence: null };
  const regime_output = completed?.payload.regime_output ?? null;
  const denied = (regime_output?.invalidations ?? []).filter((each) =>
    config.denylisted_invalidations.includes(each),
  );
  if (denied.length > 0)
    return {
      state_status: 'HOLD',
      gate_status: 'CLOSED',
      reasons: [...new Set(denied)].sort().map((each) => `denylisted_invalidation:${each}`),
      evidence: { ...noEvidence({ hysteresis: kindOf(assembly, hysteresis) }), regime_output },
    };
  const heard = hysteresisOf(assembly, hysteresis);
  if (config.block_during_transition && isInTransition(assembly))
    return {
      state_status: 'HOLD',
      gate_status: 'CLOSED',
      reasons: ['transition_active'],
      evidence: { regime_output: null, ...heard },
    };
  return { state_status: 'READY', gate_status: 'OPEN', reasons: [], evidence: { regime_output, ...heard } };
};

const kindOf = (
  { inputs: { decision, state } }: Assembly,
  hysteresis: Measure['hysteresis'],
): Measure['hysteresis'] => (decision ? 'decision' : state ? 'belief' : hysteresis);
