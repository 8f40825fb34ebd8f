/** Lines of the stores of `layers gate` and `layers analyse`: what one event, or a resumption, led to, whole. */
import * as z from 'zod';
import { EngineRunId } from '#contracts/ids.ts';
import { AnalysisEngineEvent, AnalysisModuleStateRecord } from '#contracts/market/analysis.ts';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { GateErrorKind, StateGateEvent, StateGateRecord } from '#contracts/market/state-gate.ts';

/** What tells an event of a run from every other one. */
export const StepInput = z.strictObject({
  event_type: z.string(),
  run_id: EngineRunId,
  symbol: z.string(),
  engine_timestamp_ms: z.int(),
});
export type StepInput = z.infer<typeof StepInput>;

const [, completed, failed, , decision, state] = OrchestratorEvent.options;

const gateStep = { schema: z.literal('state_gate_step'), schema_version: z.literal('1') };

/**
 * What a gate was told and what came of it: an event that waits for others of its run, a judgement or a halt with all
 * its records, a failure to keep one, or a resumption.
 */
export const StateGateStep = z.discriminatedUnion('step', [
  z.strictObject({
    ...gateStep,
    step: z.literal('waits'),
    event: z.discriminatedUnion('event_type', [completed, failed, decision, state]),
  }),
  z.strictObject({
    ...gateStep,
    step: z.literal('judged'),
    input: StepInput,
    records: z.array(StateGateRecord).min(1),
    events: z.array(StateGateEvent),
  }),
  z.strictObject({
    ...gateStep,
    step: z.literal('failed'),
    input: StepInput,
    error_kind: GateErrorKind,
    events: z.array(StateGateEvent),
  }),
  z.strictObject({ ...gateStep, step: z.literal('resumed'), symbol: z.string() }),
]);
export type StateGateStep = z.infer<typeof StateGateStep>;

const analysisStep = { schema: z.literal('analysis_engine_step'), schema_version: z.literal('1') };

/** What an analysis engine was told and what came of it, or a resumption. */
export const AnalysisEngineStep = z.discriminatedUnion('step', [
  z.strictObject({
    ...analysisStep,
    step: z.literal('analysed'),
    input: StepInput,
    records: z.array(AnalysisModuleStateRecord),
    events: z.array(AnalysisEngineEvent),
  }),
  z.strictObject({ ...analysisStep, step: z.literal('resumed'), symbol: z.string() }),
]);
export type AnalysisEngineStep = z.infer<typeof AnalysisEngineStep>;
