/**
 * Decision hysteresis: a stabilized regime flips only when enough outputs in a row name the same new one, and the
 * last of them is confident enough (market reference, section 5.7). Until then its confidence decays.
 */
import { DecisionHysteresisConfig } from '#contracts/market/hysteresis.ts';
import type {
  DecisionState,
  HysteresisDecision,
  HysteresisTransition,
} from '#contracts/market/hysteresis.ts';
import type { RegimeOutput } from '#contracts/market/regime.ts';

/** What the reference does unless it is told otherwise. */
export const decisionDefaults: DecisionHysteresisConfig = DecisionHysteresisConfig.parse({});

/** What is remembered before the first output of a symbol. */
export const initialDecisionState: DecisionState = {
  stable_output: null,
  candidate_regime: null,
  candidate_count: 0,
  last_timestamp: null,
};

/** A decision with what is remembered after it, or why the output was refused and nothing changed. */
export type DecisionResult =
  | { readonly kind: 'decided'; readonly decision: HysteresisDecision; readonly state: DecisionState }
  | { readonly kind: 'refused'; readonly message: string };

/** Weighs one output of a symbol against what is stable. Outputs come in strictly increasing time. */
export const decideRegime = (
  output: RegimeOutput,
  state: DecisionState,
  config: DecisionHysteresisConfig,
): DecisionResult => {
  const { stable_output: stable, last_timestamp: last } = state;
  if (last !== null && output.timestamp <= last)
    return { kind: 'refused', message: 'Non-increasing timestamp for hysteresis input.' };
  if (last !== null && output.timestamp - last > config.update_interval_ms)
    return adopt(output, { reset_due_to_gap: true });
  if (stable === null || stable.regime === output.regime) return adopt(output, {});
  const count = output.regime === state.candidate_regime ? state.candidate_count + 1 : 1;
  if (count >= config.min_persistence_updates && output.confidence >= config.min_confidence_for_flip)
    return adopt(output, { flipped: true });
  return hold(output, { stable, count }, config);
};

/** What is remembered after a decision about an output of this instant: what it selected is what is stable. */
export const stateOfDecision = (
  { selected_output, transition }: HysteresisDecision,
  timestamp: number,
): DecisionState => ({
  stable_output: selected_output,
  candidate_regime: transition.candidate_regime,
  candidate_count: transition.candidate_count,
  last_timestamp: timestamp,
});

const decided = (decision: HysteresisDecision, { timestamp }: RegimeOutput): DecisionResult => ({
  kind: 'decided',
  decision,
  state: stateOfDecision(decision, timestamp),
});

/** The output becomes, or stays, what is stable. */
const adopt = (output: RegimeOutput, why: Partial<HysteresisTransition>): DecisionResult =>
  decided(
    {
      selected_output: output,
      effective_confidence: output.confidence,
      transition: {
        stable_regime: output.regime,
        candidate_regime: null,
        candidate_count: 0,
        transition_active: false,
        flipped: false,
        reset_due_to_gap: false,
        ...why,
      },
    },
    output,
  );

/** What is stable stays, less sure of itself each time. */
const hold = (
  output: RegimeOutput,
  { stable, count }: { readonly stable: RegimeOutput; readonly count: number },
  config: DecisionHysteresisConfig,
): DecisionResult =>
  decided(
    {
      selected_output: stable,
      effective_confidence: Math.max(
        stable.confidence * config.decay_factor ** count,
        config.min_confidence_floor,
      ),
      transition: {
        stable_regime: stable.regime,
        candidate_regime: output.regime,
        candidate_count: count,
        transition_active: true,
        flipped: false,
        reset_due_to_gap: false,
      },
    },
    output,
  );
