/** What the regime log keeps of a completed run. */
import type { EngineRunCompleted } from '#contracts/market/feed-symbol.ts';
import type { RegimeEntry } from '#contracts/market/feed-layers.ts';

/**
 * The entry of a run. A decision that held what was stable names what the engine said as its candidate; otherwise it
 * selected it.
 */
export const regimeEntry = ({
  engineTimestampMs: timestamp,
  regimeOutput: { regime },
  hysteresisDecision: decision,
  hysteresisState: state,
}: EngineRunCompleted): Omit<RegimeEntry, 'number'> => ({
  timestamp,
  truth_regime: decision?.transition.candidate_regime ?? regime,
  selected_regime: decision?.selected_output.regime ?? state?.anchor_regime ?? regime,
});
