/** What is worth telling of one engine run, in the names of the market reference, section 7. */
import type { EngineMode, PlannedRun } from '#contracts/market/engine-run.ts';
import type {
  BeliefHysteresisConfig,
  HysteresisDecision,
  HysteresisState,
} from '#contracts/market/hysteresis.ts';
import type { Remark } from '#domain/kernel/projection.ts';
import type { Composed } from '#domain/market/composer/compose.ts';
import type { ExecutedRun, RunMemory, RunOutcome, RunSetting } from '#domain/market/execute-run.ts';
import {
  hysteresisDecisionLog,
  hysteresisResetLog,
  hysteresisTransitionLog,
} from '#domain/market/hysteresis/belief-log.ts';
import { engineRunId } from '#domain/market/run-id.ts';

/** A run that was executed, and what it was executed on. */
export interface RemarkedRun {
  readonly run: PlannedRun & { readonly symbol: string };
  readonly engineMode: EngineMode;
  readonly attempts: number;
  readonly executed: ExecutedRun;
  readonly before: RunMemory;
  readonly setting: RunSetting;
}

/** What the composer put in, that the engine was asked, what hysteresis made of its answer, the run as a whole, and why it failed if it did. */
export const runRemarks = (remarked: RemarkedRun): readonly Remark[] => {
  const { run, executed, before, setting } = remarked;
  const { outcome, isEvidenceEmbedded, composed } = executed;
  const at = { symbol: run.symbol, engine_timestamp_ms: run.engineTimestampMs };
  const invoke = { ...at, embedded_evidence_present: isEvidenceEmbedded };
  return [
    ...(composed ? composerLines(at, composed) : []),
    ...(isEvidenceEmbedded === undefined ? [] : [line('orchestrator.engine.invoke', invoke)]),
    ...(outcome.kind === 'completed' ? hysteresisLines(at, outcome, { before, setting }) : []),
    line('orchestrator.engine_run', runFields(remarked)),
    ...(outcome.kind === 'failed' ? [failureLine(outcome, runFields(remarked))] : []),
  ];
};

const runFields = ({ run, engineMode, attempts }: RemarkedRun) => ({
  run_id: engineRunId({ ...run, engineMode }),
  symbol: run.symbol,
  engine_timestamp_ms: run.engineTimestampMs,
  cut_start_ingest_seq: run.cutStart,
  cut_end_ingest_seq: run.cutEnd,
  engine_mode: engineMode,
  attempt: attempts,
});

const line = (message: string, fields: object): Remark => ({
  kind: 'line',
  level: 'debug',
  message,
  fields: { ...fields },
});

type Outcome<Kind extends RunOutcome['kind']> = Extract<RunOutcome, { readonly kind: Kind }>;

const failureLine = (
  { errorKind, errorDetail }: Outcome<'failed'>,
  fields: Readonly<Record<string, unknown>>,
): Remark => ({
  kind: 'line',
  level: 'warn',
  message: 'orchestrator.failure',
  fields: { failure_domain: 'engine', error_kind: errorKind, error_detail: errorDetail, ...fields },
});

interface Instant {
  readonly symbol: string;
  readonly engine_timestamp_ms: number;
}

/** What the composer thought, whose opinions they were, and that they went into the snapshot; no values of the market. */
const composerLines = (at: Instant, { sources, hasNeutral }: Composed): readonly Remark[] => [
  line('composer.evidence.emitted', { ...at, opinion_count: sources.length }),
  line('composer.evidence.provenance', { ...at, sources }),
  line('composer.evidence.embed', {
    ...at,
    embedded_evidence_present: sources.length > 0,
    neutral_evidence_present: hasNeutral,
  }),
];

const hysteresisLines = (
  at: Instant,
  { hysteresisDecision: decision, hysteresisState: state }: Outcome<'completed'>,
  { before, setting: { hysteresis } }: Pick<RemarkedRun, 'before' | 'setting'>,
): readonly Remark[] => {
  if (decision) return decisionLines(at, decision);
  return state && hysteresis?.kind === 'belief' ? beliefLines(state, before.belief, hysteresis.config) : [];
};

const decisionLines = (
  at: Instant,
  { effective_confidence, transition }: HysteresisDecision,
): readonly Remark[] => [
  ...(transition.reset_due_to_gap
    ? [line('regime_engine.hysteresis.reset', { ...at, trigger: 'time_gap' })]
    : []),
  line('regime_engine.hysteresis.transition', { ...at, effective_confidence, ...transition }),
];

const beliefLines = (
  state: HysteresisState,
  previous: HysteresisState | undefined,
  config: BeliefHysteresisConfig,
): readonly Remark[] => {
  const reset = hysteresisResetLog(state, previous, config);
  const known = reset ? undefined : previous;
  return [
    ...(reset ? [line('regime_engine.hysteresis.reset', reset)] : []),
    line('regime_engine.hysteresis.transition', hysteresisTransitionLog(state, known)),
    line('regime_engine.hysteresis_decision', hysteresisDecisionLog(state, known, config)),
  ];
};
