/**
 * One engine run, purely: its slice of the buffer and what is remembered of its symbol in, its outcome and what is
 * remembered after it out (market reference, sections 4.3, 4.4 and 5). It never throws.
 */
import type { PlannedRun } from '#contracts/market/engine-run.ts';
import type {
  BeliefHysteresisConfig,
  DecisionHysteresisConfig,
  DecisionState,
  HysteresisDecision,
  HysteresisState,
} from '#contracts/market/hysteresis.ts';
import type { RunErrorKind } from '#contracts/market/orchestrator-event.ts';
import type { RegimeOutput } from '#contracts/market/regime.ts';
import { addCandles, closedCandles } from '#domain/market/composer/candles.ts';
import type { ClosedCandle } from '#domain/market/composer/candles.ts';
import { compose, composedOf } from '#domain/market/composer/compose.ts';
import type { Composed } from '#domain/market/composer/compose.ts';
import { referenceEngine } from '#domain/market/engine/options.ts';
import type { EngineOptions } from '#domain/market/engine/options.ts';
import { hasEmbeddedEvidence, think } from '#domain/market/engine/run.ts';
import type { Thought } from '#domain/market/engine/run.ts';
import { buildSnapshot } from '#domain/market/engine/snapshot.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';
import { advanceBelief } from '#domain/market/hysteresis/belief.ts';
import { decideRegime, initialDecisionState } from '#domain/market/hysteresis/decision.ts';
import { withoutDuplicates } from '#domain/market/slice.ts';
import type { Slice } from '#domain/market/slice.ts';

/** How the runs of a feed are computed. */
export interface RunSetting {
  /** Where snapshots come from: the venue's own inputs, or the composer. */
  readonly source: 'snapshot_inputs' | 'composer';
  readonly engine: EngineOptions;
  /** What is stabilized, and how; nothing in truth mode. */
  readonly hysteresis?:
    | { readonly kind: 'decision'; readonly config: DecisionHysteresisConfig }
    | { readonly kind: 'belief'; readonly config: BeliefHysteresisConfig };
  /** How many closed candles of earlier slices the composer still sees; those of the slice alone when absent. */
  readonly candleWindow?: number;
  /** Whether redeliveries within a slice count once. */
  readonly isDeduplicated: boolean;
}

/** Truth runs over snapshot inputs, as the reference computes them. */
export const truthSetting: RunSetting = {
  source: 'snapshot_inputs',
  engine: referenceEngine,
  isDeduplicated: false,
};

/** What is remembered of a symbol from run to run; it can be lost and is then what the runs so far give again. */
export interface RunMemory {
  readonly decision?: DecisionState | undefined;
  readonly belief?: HysteresisState | undefined;
  readonly candles?: readonly ClosedCandle[] | undefined;
}

/** How a run ended. */
export type RunOutcome =
  | {
      readonly kind: 'completed';
      readonly regimeOutput: RegimeOutput;
      readonly hysteresisDecision?: HysteresisDecision;
      readonly hysteresisState?: HysteresisState;
    }
  | { readonly kind: 'failed'; readonly errorKind: RunErrorKind; readonly errorDetail: string };

/** An outcome, and what the next run of the symbol has to be given. */
export interface ExecutedRun {
  readonly outcome: RunOutcome;
  readonly memory: RunMemory;
  /** What the slice added to the candles that are remembered, where some are. */
  readonly candles?: SeenCandles;
  /** Whether the snapshot the engine was given carried evidence; absent when there was none to give. */
  readonly isEvidenceEmbedded?: boolean;
  /** What the composer put into the snapshot; absent where another source made it. */
  readonly composed?: Composed;
}

/** The closed candles of a slice, and how many of a symbol are remembered. */
export interface SeenCandles {
  readonly window: number;
  readonly seen: readonly ClosedCandle[];
}

/** The largest output of the engine that is recorded, in characters of its JSON. */
export const REGIME_OUTPUT_MAX = 32_768;

type Run = Pick<PlannedRun, 'engineTimestampMs'> & { readonly symbol: string };

/** Runs the engine over a slice. A failed run changes nothing that is remembered but the candles it saw. */
export const executeRun = (
  run: Run,
  slice: Slice,
  {
    setting = truthSetting,
    memory = {},
  }: { readonly setting?: RunSetting; readonly memory?: RunMemory } = {},
): ExecutedRun => {
  const prepared = prepare(run, slice, { setting, memory });
  if (prepared.kind === 'failed') return { outcome: prepared, memory };
  const { snapshot, kept, candles } = prepared;
  return { ...conclude(snapshot, setting, kept), ...(candles ? { candles } : {}) };
};

const conclude = (
  snapshot: RegimeInputSnapshot | undefined,
  setting: RunSetting,
  memory: RunMemory,
): ExecutedRun => {
  if (!snapshot) return { outcome: failed('missing_snapshot_inputs', 'missing SnapshotInputs'), memory };
  const thought = attempt(snapshot, setting.engine);
  const told = {
    isEvidenceEmbedded: hasEmbeddedEvidence(snapshot),
    ...(setting.source === 'composer' ? { composed: composedOf(snapshot) } : {}),
  };
  return 'kind' in thought
    ? { outcome: thought, memory, ...told }
    : { ...stabilize(thought, setting, memory), ...told };
};

const failed = (errorKind: RunErrorKind, errorDetail: string) =>
  ({ kind: 'failed', errorKind, errorDetail }) as const;

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

type Failure = Extract<RunOutcome, { readonly kind: 'failed' }>;

/** The snapshot of a run if there is one, and what is remembered once its slice has been seen. */
interface Prepared {
  readonly kind: 'prepared';
  readonly snapshot: RegimeInputSnapshot | undefined;
  readonly kept: RunMemory;
  readonly candles: SeenCandles | undefined;
}

const prepare = (
  run: Run,
  slice: Slice,
  { setting, memory }: { readonly setting: RunSetting; readonly memory: RunMemory },
): Prepared | Failure => {
  try {
    const read = setting.isDeduplicated ? withoutDuplicates(slice) : slice;
    const candles = candlesIn(read, setting);
    const window = candles && addCandles(memory.candles ?? [], candles.seen, candles.window);
    const snapshot = snapshotOf(run, { slice: read, candles: window }, setting);
    return { kind: 'prepared', snapshot, kept: window ? { ...memory, candles: window } : memory, candles };
  } catch (error) {
    return failed('snapshot_build_failure', textOf(error));
  }
};

const candlesIn = (slice: Slice, { source, candleWindow }: RunSetting): SeenCandles | undefined =>
  source === 'composer' && candleWindow !== undefined
    ? { window: candleWindow, seen: closedCandles(slice.events()) }
    : undefined;

const snapshotOf = (
  run: Run,
  { slice, candles }: { readonly slice: Slice; readonly candles: readonly ClosedCandle[] | undefined },
  { source, engine }: RunSetting,
): RegimeInputSnapshot | undefined => {
  const inputs = slice.snapshotInputs(run.engineTimestampMs);
  if (source === 'snapshot_inputs') return inputs && buildSnapshot(run, inputs);
  const material = { events: slice.events(), inputs, ...(candles ? { window: candles } : {}) };
  return compose(run, material, { noData: engine.noData, embedsNeutral: engine.matrix !== undefined });
};

const attempt = (snapshot: RegimeInputSnapshot, engine: EngineOptions): Thought | Failure => {
  try {
    const thought = think(snapshot, engine);
    const size = JSON.stringify(thought.output).length;
    return size > REGIME_OUTPUT_MAX
      ? failed(
          'engine_failure',
          `the output has ${size} characters, at most ${REGIME_OUTPUT_MAX} are recorded`,
        )
      : thought;
  } catch (error) {
    return failed('engine_failure', textOf(error));
  }
};

const stabilize = (thought: Thought, setting: RunSetting, memory: RunMemory): ExecutedRun => {
  const { output: regimeOutput } = thought;
  const { hysteresis } = setting;
  switch (hysteresis?.kind) {
    case undefined:
      return { outcome: { kind: 'completed', regimeOutput }, memory };
    case 'decision':
      return decided(regimeOutput, hysteresis.config, memory);
    case 'belief':
      return believed(thought, hysteresis.config, memory);
  }
};

const decided = (output: RegimeOutput, config: DecisionHysteresisConfig, memory: RunMemory): ExecutedRun => {
  const result = decideRegime(output, memory.decision ?? initialDecisionState, config);
  if (result.kind === 'refused') return { outcome: failed('engine_failure', result.message), memory };
  const { decision, state } = result;
  return {
    outcome: { kind: 'completed', regimeOutput: decision.selected_output, hysteresisDecision: decision },
    memory: { ...memory, decision: state },
  };
};

const believed = (
  { output, state: belief }: Thought,
  config: BeliefHysteresisConfig,
  memory: RunMemory,
): ExecutedRun => {
  const result = advanceBelief(belief, memory.belief, config);
  if (result.kind === 'refused')
    return { outcome: failed('hysteresis_monotonicity_violation', result.message), memory };
  return {
    outcome: { kind: 'completed', regimeOutput: output, hysteresisState: result.state },
    memory: { ...memory, belief: result.state },
  };
};
