import { describe, expect, it } from 'vitest';
import { HysteresisDecision } from '#contracts/market/hysteresis.ts';
import type { Regime, RegimeOutput } from '#contracts/market/regime.ts';
import { decideRegime, decisionDefaults, initialDecisionState } from '#domain/market/hysteresis/decision.ts';

const MINUTES_3 = 180_000;
const output = (timestamp: number, regime: Regime, confidence = 0.9): RegimeOutput => ({
  symbol: 'AAA',
  timestamp,
  regime,
  confidence,
  drivers: [],
  invalidations: [],
  permissions: [regime],
});
/** Decides outputs three minutes apart, or at the instants given, and answers the last decision. */
const decide = (outputs: readonly RegimeOutput[], config = decisionDefaults) => {
  let state = initialDecisionState;
  let last: ReturnType<typeof decideRegime> | undefined;
  for (const each of outputs) {
    last = decideRegime(each, state, config);
    if (last.kind === 'decided') ({ state } = last);
  }
  if (last?.kind !== 'decided') throw new Error('refused');
  return { ...HysteresisDecision.parse(last.decision), state };
};
const every = (...of: readonly (readonly [Regime, number?])[]) =>
  of.map(([regime, confidence], index) => output((index + 1) * MINUTES_3, regime, confidence));

describe('decision hysteresis', () => {
  it('takes the first output as it is', () => {
    expect(decide(every(['SQUEEZE_UP', 0.1]))).toMatchObject({
      effective_confidence: 0.1,
      transition: { stable_regime: 'SQUEEZE_UP', transition_active: false, flipped: false },
    });
  });

  it('refreshes what is stable and forgets the candidate when the regime stays', () => {
    const { selected_output, state } = decide(every(['SQUEEZE_UP'], ['CHOP_BALANCED'], ['SQUEEZE_UP', 0.3]));

    expect([selected_output.timestamp, state.candidate_count, state.candidate_regime]).toEqual([
      3 * MINUTES_3,
      0,
      null,
    ]);
  });

  it('holds what is stable, less sure each time, and counts the candidate', () => {
    const { effective_confidence, transition, selected_output } = decide(
      every(['SQUEEZE_UP', 0.8], ['CHOP_BALANCED'], ['CHOP_BALANCED']),
    );

    expect(effective_confidence).toBeCloseTo(0.8 * 0.85 * 0.85, 12);
    expect([selected_output.regime, transition.candidate_count, transition.transition_active]).toEqual([
      'SQUEEZE_UP',
      2,
      true,
    ]);
  });

  it('flips at the update that makes it persistent, and not at the one before', () => {
    const flips = every(['SQUEEZE_UP'], ['CHOP_BALANCED'], ['CHOP_BALANCED'], ['CHOP_BALANCED', 0.6]);

    expect(decide(flips.slice(0, 3)).transition.flipped).toBe(false);
    expect(decide(flips)).toMatchObject({
      selected_output: { regime: 'CHOP_BALANCED' },
      effective_confidence: 0.6,
      transition: { flipped: true, candidate_regime: null, candidate_count: 0 },
    });
  });

  it('goes on counting while confidence is too low', () => {
    const { transition } = decide(
      every(['SQUEEZE_UP'], ...Array.from({ length: 5 }, () => ['CHOP_BALANCED', 0.599] as const)),
    );

    expect([transition.flipped, transition.candidate_count]).toEqual([false, 5]);
  });

  it('begins again with another candidate, and so does the decay', () => {
    const { transition, effective_confidence } = decide(
      every(['SQUEEZE_UP', 0.8], ['CHOP_BALANCED'], ['CHOP_BALANCED'], ['TREND_EXHAUSTION']),
    );

    expect([transition.candidate_regime, transition.candidate_count]).toEqual(['TREND_EXHAUSTION', 1]);
    expect(effective_confidence).toBeCloseTo(0.68, 12);
  });

  it('does not decay below the floor, which may lie above the stable confidence', () => {
    expect(decide(every(['SQUEEZE_UP', 0.1], ['CHOP_BALANCED'])).effective_confidence).toBe(0.2);
  });

  it('forgets what was stable after a gap longer than the interval, not after one as long', () => {
    const after = (gapMs: number) =>
      decide([output(1_000, 'SQUEEZE_UP'), output(1_000 + gapMs, 'CHOP_BALANCED')]).transition;

    expect(after(MINUTES_3)).toMatchObject({ stable_regime: 'SQUEEZE_UP', reset_due_to_gap: false });
    expect(after(MINUTES_3 + 1)).toMatchObject({ stable_regime: 'CHOP_BALANCED', reset_due_to_gap: true });
  });

  it.each([[1_000], [999]])('refuses an output at %i after one at 1000', (timestamp) => {
    const { state } = decide([output(1_000, 'SQUEEZE_UP')]);

    expect(decideRegime(output(timestamp, 'SQUEEZE_UP'), state, decisionDefaults)).toEqual({
      kind: 'refused',
      message: 'Non-increasing timestamp for hysteresis input.',
    });
  });
});
