/** The state gate: may anybody act on what the engine said (market reference, section 11.1). */
import * as z from 'zod';
import { EngineRunId } from '#contracts/ids.ts';
import { EngineMode } from '#contracts/market/engine-run.ts';
import { HysteresisDecision, HysteresisState } from '#contracts/market/hysteresis.ts';
import { RegimeOutput } from '#contracts/market/regime.ts';

/** How a symbol stands: nothing known, usable, held back, last run failed, or the gate itself failed. */
export const GateStateStatus = z.enum(['BOOTSTRAP', 'READY', 'HOLD', 'DEGRADED', 'HALTED']);
export type GateStateStatus = z.infer<typeof GateStateStatus>;

/** Whether one may act. */
export const GateStatus = z.enum(['OPEN', 'CLOSED']);
export type GateStatus = z.infer<typeof GateStatus>;

/** The events of a run that a gate goes by. */
export const GateInputType = z.enum([
  'EngineRunCompleted',
  'EngineRunFailed',
  'HysteresisDecisionPublished',
  'HysteresisStatePublished',
]);
export type GateInputType = z.infer<typeof GateInputType>;

/** Why what was known of a symbol was forgotten before a run was judged. */
export const GateResetReason = z.enum(['reset_engine_gap', 'reset_timestamp_gap']);
export type GateResetReason = z.infer<typeof GateResetReason>;

/** Why a gate cannot judge any more. */
export const GateErrorKind = z.enum(['publish_blocked', 'persistence_failure', 'input_blocked']);
export type GateErrorKind = z.infer<typeof GateErrorKind>;

/** What a judgement is about; of the two hysteresis members the one of the gate's kind is there. */
export const GateEvidence = z.strictObject({
  regime_output: RegimeOutput.nullable(),
  hysteresis_decision: HysteresisDecision.nullable().optional(),
  hysteresis_state: HysteresisState.nullable().optional(),
});
export type GateEvidence = z.infer<typeof GateEvidence>;

const judgement = {
  symbol: z.string(),
  engine_timestamp_ms: z.int(),
  run_id: EngineRunId,
  state_status: GateStateStatus,
  gate_status: GateStatus,
  reasons: z.array(z.string()),
};

const envelope = {
  schema: z.literal('state_gate_event'),
  schema_version: z.literal('1'),
  ...judgement,
  input_event_type: GateInputType,
  engine_mode: EngineMode,
};

/** A run was judged; what was known was forgotten before that; or the gate has failed and is closed for good. */
export const StateGateEvent = z.discriminatedUnion('event_type', [
  z.strictObject({ ...envelope, event_type: z.literal('GateEvaluated'), payload: GateEvidence.nullable() }),
  z.strictObject({
    ...envelope,
    event_type: z.literal('StateReset'),
    payload: z.strictObject({ reset_reason: GateResetReason }),
  }),
  z.strictObject({
    ...envelope,
    event_type: z.literal('StateGateHalted'),
    payload: z.strictObject({ error_kind: GateErrorKind, error_detail: z.string() }),
  }),
]);
export type StateGateEvent = z.infer<typeof StateGateEvent>;

/** What is kept of a judgement, appended before anybody hears of it. */
export const StateGateRecord = z.strictObject({
  ...judgement,
  engine_mode: EngineMode,
  source_event_type: GateInputType,
  ...GateEvidence.shape,
  reset_reason: GateResetReason.nullable(),
  error_kind: GateErrorKind.nullable(),
  error_detail: z.string().nullable(),
});
export type StateGateRecord = z.infer<typeof StateGateRecord>;

const positive = z.int().min(1);

/** How much of something may wait. */
export const GateLimits = z.strictObject({
  max_pending: positive.default(1_000),
  max_block_ms: positive.nullable().default(null),
  max_failures: positive.nullable().default(null),
});
export type GateLimits = z.infer<typeof GateLimits>;

/** How a gate judges; what is left out has the reference's default. */
export const StateGateConfig = z.strictObject({
  /** A longer gap than this between two runs of a symbol forgets what was known. */
  max_gap_ms: positive.default(180_000),
  /** Invalidations of an output that hold it back. */
  denylisted_invalidations: z.array(z.string()).default([]),
  /** Whether a regime in transition is held back. */
  block_during_transition: z.boolean().default(false),
  input_limits: GateLimits.prefault({}),
  persistence_limits: GateLimits.prefault({}),
  publish_limits: GateLimits.prefault({}),
});
export type StateGateConfig = z.infer<typeof StateGateConfig>;

/** The gate when nothing is chosen. */
export const stateGateDefault: StateGateConfig = StateGateConfig.parse({});
