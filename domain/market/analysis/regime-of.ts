/** Which regime a gate let through, in whichever form it came. */
import type { GateEvidence } from '#contracts/market/state-gate.ts';
import type { Regime } from '#contracts/market/regime.ts';

/** A regime and how sure it is; null where the gate saw a belief alone. */
export interface SeenRegime {
  readonly regime: Regime;
  readonly confidence: number | null;
}

/** What is stable before what was just said; undefined when the gate saw neither. */
export const regimeOf = (evidence: GateEvidence | null): SeenRegime | undefined => {
  const { regime_output: output, hysteresis_decision: decision, hysteresis_state: state } = evidence ?? {};
  if (decision) return { regime: decision.selected_output.regime, confidence: decision.effective_confidence };
  if (state) return { regime: state.anchor_regime, confidence: output?.confidence ?? null };
  return output ? { regime: output.regime, confidence: output.confidence } : undefined;
};
