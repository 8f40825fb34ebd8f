import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { BeliefHysteresisConfig } from '#contracts/market/hysteresis.ts';
import type { DecisionHysteresisConfig, HysteresisState } from '#contracts/market/hysteresis.ts';
import { regimes } from '#contracts/market/regime.ts';
import type { Regime, RegimeOutput } from '#contracts/market/regime.ts';
import { referenceEngine } from '#domain/market/engine/options.ts';
import { beliefFault } from '#domain/market/engine/regime-state.ts';
import { run, think } from '#domain/market/engine/run.ts';
import { buildSnapshot, encodeSnapshot } from '#domain/market/engine/snapshot.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';
import { advanceBelief } from '#domain/market/hysteresis/belief.ts';
import { decideRegime, initialDecisionState } from '#domain/market/hysteresis/decision.ts';

const share = fc.oneof(
  fc.constantFrom(0, 1, 0.5, 0.5, -0, 1.0000001, -0.1, NaN, Infinity, true, '0.5', null),
  fc.double({ min: 0, max: 1 }),
);
const opinion = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      regime: fc.oneof(fc.constantFrom(...regimes), fc.constantFrom('squeeze_up', 'MOON', 7, null)),
      strength: share,
      confidence: share,
      source: fc.oneof(fc.constantFrom('a', 'b', '', 'Z'), fc.constantFrom(3, null)),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom(null, 7, 'x', [], {}) },
);
const AT = 180_000;
const container = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      symbol: fc.constantFrom('AAA', 'AAA', 'AAA', 'BBB'),
      engine_timestamp_ms: fc.constantFrom<unknown>(AT, AT, AT, AT + 1, '180000', true),
      opinions: fc.oneof(fc.array(opinion, { maxLength: 6 }), fc.constantFrom(null, 7)),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom(undefined, null, 7, []) },
);
const leaf = fc.oneof(fc.double(), fc.constantFrom(null, undefined, 0));
const snapshot = fc
  .record({
    evidence: container,
    levels: fc.constantFrom('object', 'object', 'object', 'list', 'absent'),
    price: leaf,
    oi_slope_short: leaf,
    cvd: leaf,
  })
  .map(({ evidence, levels, price, oi_slope_short, cvd }): RegimeInputSnapshot => {
    const structure_levels = levels === 'list' ? [evidence] : { composer_evidence_snapshot_v1: evidence };
    const market = { price, ...(levels === 'absent' ? {} : { structure_levels }) };
    const inputs = { market, derivatives: { oi_slope_short }, flow: { cvd } };
    return buildSnapshot({ symbol: 'AAA', engineTimestampMs: AT }, inputs);
  });

type Loose = Readonly<Record<string, unknown>>;
const isLoose = (value: unknown): value is Loose =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** The rules of section 5.6 once more, written from the reference and not from the engine. */
const oracle = (of: RegimeInputSnapshot): RegimeOutput => {
  const answer = (regime: Regime, drivers: readonly string[], invalidations: readonly string[]) => ({
    symbol: of.symbol,
    timestamp: of.timestamp,
    regime,
    confidence: 0.5,
    drivers: [...drivers],
    invalidations: [...invalidations],
    permissions: [regime],
  });
  const levels = of.market['structure_levels'];
  const found = isLoose(levels) ? levels['composer_evidence_snapshot_v1'] : undefined;
  if (!isLoose(found))
    return answer(
      'CHOP_BALANCED',
      [
        'Market ATR z-score',
        'Market range expansion',
        'Flow CVD efficiency',
        'Derivatives OI slope short',
        'Derivatives funding level',
      ],
      [],
    );
  const codes: string[] = [];
  if (found['symbol'] !== of.symbol) codes.push('INVALID_EVIDENCE_SYMBOL_MISMATCH');
  if (found['engine_timestamp_ms'] !== of.timestamp) codes.push('INVALID_EVIDENCE_TIMESTAMP_MISMATCH');
  const given =
    codes.length === 0 && Array.isArray(found['opinions']) ? (found['opinions'] as unknown[]) : [];
  const valid: { regime: Regime; strength: number; confidence: number; source: string }[] = [];
  const inUnit = (value: unknown): boolean =>
    typeof value === 'number' && Number.isFinite(value) && !(value < 0) && !(value > 1);
  for (const each of given) {
    const { regime, source, strength, confidence } = isLoose(each) ? each : {};
    if (typeof regime !== 'string' || typeof source !== 'string') codes.push('INVALID_EVIDENCE_FIELDS');
    else if (!regimes.some((known) => known === regime)) codes.push('INVALID_EVIDENCE_REGIME');
    else if (!inUnit(strength) || !inUnit(confidence)) codes.push('INVALID_EVIDENCE_BOUNDS');
    else valid.push(each as (typeof valid)[number]);
  }
  const distinctCodes = codes.filter((code, index) => codes.indexOf(code) === index);
  if (valid.length === 0) return answer('CHOP_BALANCED', ['DRIVER_NO_CANONICAL_EVIDENCE'], distinctCodes);
  const strongest = Math.max(...valid.map(({ strength }) => strength));
  const strong = valid.filter(({ strength }) => strength === strongest);
  const surest = Math.max(...strong.map(({ confidence }) => confidence));
  const best = strong.filter(({ confidence }) => confidence === surest).map(({ regime }) => regime);
  const winner = regimes.find((regime) => best.includes(regime)) ?? 'CHOP_BALANCED';
  const sources = [...new Set(valid.map(({ regime }) => regime))].sort().flatMap((regime) =>
    valid
      .filter((each) => each.regime === regime)
      .map(({ source }) => source)
      .sort(),
  );
  return answer(winner, [...new Set(sources)], distinctCodes);
};

it('answers any snapshot as the rules say', () => {
  fc.assert(
    fc.property(snapshot, (of) => {
      expect(run(of)).toEqual(oracle(of));
    }),
    { numRuns: 1_000 },
  );
});

it('answers the same for a snapshot that was written down and read back', () => {
  const finite = snapshot.map((of) => JSON.parse(JSON.stringify(of)) as RegimeInputSnapshot);
  fc.assert(
    fc.property(finite, (of) => {
      const copy = JSON.parse(encodeSnapshot(of)) as RegimeInputSnapshot;

      expect(copy).toEqual(of);
      expect(run(copy)).toEqual(run(of));
    }),
  );
});

it('believes within the invariants of belief, and answers what it believes most', () => {
  fc.assert(
    fc.property(snapshot, (of) => {
      const { output, state } = think(of, referenceEngine);

      expect(beliefFault(state.belief_by_regime, state.anchor_regime)).toBeUndefined();
      expect(state.belief_by_regime[output.regime]).toBe(Math.max(...Object.values(state.belief_by_regime)));
    }),
  );
});

const few = ['CHOP_BALANCED', 'SQUEEZE_UP', 'TREND_EXHAUSTION'] as const;
const decisionConfig = fc.record({
  min_persistence_updates: fc.integer({ min: 0, max: 4 }),
  min_confidence_for_flip: fc.constantFrom(0, 0.5, 0.6),
  decay_factor: fc.constantFrom(0.5, 0.85, 1),
  min_confidence_floor: fc.constantFrom(0, 0.2),
  update_interval_ms: fc.constantFrom(100, 1_000),
});
const outputs = fc.array(
  fc.record({
    step: fc.constantFrom(-5, 0, 1, 50, 100, 101, 1_001),
    regime: fc.constantFrom(...few),
    confidence: fc.constantFrom(0.1, 0.5, 0.6, 0.9),
  }),
  { maxLength: 30 },
);

/** Section 5.7 by looking back over what was accepted instead of carrying a state on. */
const stabilized = (
  accepted: readonly RegimeOutput[],
  config: DecisionHysteresisConfig,
): { readonly stable: RegimeOutput; readonly count: number } | undefined => {
  const [...before] = accepted;
  const latest = before.pop();
  if (!latest) return undefined;
  const past = stabilized(before, config);
  const previous = before.at(-1);
  const isGap = previous !== undefined && latest.timestamp - previous.timestamp > config.update_interval_ms;
  if (!past || isGap || past.stable.regime === latest.regime) return { stable: latest, count: 0 };
  const isSame = past.count > 0 && previous?.regime === latest.regime;
  const count = isSame ? past.count + 1 : 1;
  const isFlip =
    count >= config.min_persistence_updates && latest.confidence >= config.min_confidence_for_flip;
  return isFlip ? { stable: latest, count: 0 } : { stable: past.stable, count };
};

it('stabilizes as looking back over the accepted outputs would, and lets refused ones change nothing', () => {
  fc.assert(
    fc.property(outputs, decisionConfig, (steps, config) => {
      let state = initialDecisionState;
      let timestamp = 0;
      const accepted: RegimeOutput[] = [];
      for (const { step, regime, confidence } of steps) {
        const at = timestamp + step;
        const output = {
          symbol: 'AAA',
          timestamp: at,
          regime,
          confidence,
          drivers: [],
          invalidations: [],
          permissions: [],
        };
        const result = decideRegime(output, state, config);
        if (result.kind === 'refused') {
          expect(accepted.length > 0 && step <= 0).toBe(true);
          continue;
        }
        timestamp = at;
        ({ state } = result);
        accepted.push(output);
        const expected = stabilized(accepted, config);
        const { selected_output, transition, effective_confidence } = result.decision;
        expect([selected_output, transition.candidate_count]).toEqual([expected?.stable, expected?.count]);
        const decayed = Math.max(
          selected_output.confidence * config.decay_factor ** transition.candidate_count,
          config.min_confidence_floor,
        );
        expect(effective_confidence).toBeCloseTo(
          transition.transition_active ? decayed : output.confidence,
          12,
        );
      }
    }),
  );
});

const beliefConfig = fc
  .record({
    window_updates: fc.integer({ min: 1, max: 4 }),
    enter_threshold: fc.constantFrom(0.4, 0.6),
    commit_threshold: fc.constantFrom(0.4, 0.8),
    min_lead_over_anchor: fc.constantFrom(null, 0.3),
    decay_step: fc.integer({ min: 0, max: 3 }),
    reset_max_gap_ms: fc.constantFrom(null, 5),
  })
  .map((config) => BeliefHysteresisConfig.parse(config));
const beliefs = fc.array(
  fc.record({
    step: fc.integer({ min: 0, max: 7 }),
    belief: fc
      .tuple(...few.map(() => fc.integer({ min: 1, max: 9 })))
      .map((parts) => Object.fromEntries(few.map((regime, index) => [regime, parts[index] ?? 0])))
      .map((parts) => {
        const sum = Object.values(parts).reduce((total, part) => total + part, 0);
        return Object.fromEntries(Object.entries(parts).map(([regime, part]) => [regime, part / sum]));
      }),
  }),
  { maxLength: 30 },
);

it('moves its anchor by a commit only, and keeps its progress within the window', () => {
  fc.assert(
    fc.property(beliefs, beliefConfig, (steps, config) => {
      let previous: HysteresisState | undefined;
      let atMs = 0;
      for (const { step, belief } of steps) {
        atMs += step;
        const result = advanceBelief(
          {
            schema: 'regime_state',
            schema_version: '1',
            symbol: 'AAA',
            engine_timestamp_ms: atMs,
            belief_by_regime: belief,
            anchor_regime: 'CHOP_BALANCED',
          },
          previous,
          config,
        );
        if (result.kind === 'refused') throw new Error(result.message);
        const { state } = result;
        const isReset = previous !== undefined && config.reset_max_gap_ms !== null && step > 5;
        const anchor = isReset ? 'CHOP_BALANCED' : (previous?.anchor_regime ?? 'CHOP_BALANCED');
        const isSwitched = state.reason_codes.includes(`COMMIT_SWITCH:${anchor}->${state.anchor_regime}`);

        expect(state.anchor_regime !== anchor).toBe(isSwitched);
        expect(state.progress_current).toBeGreaterThanOrEqual(0);
        expect(state.progress_current).toBeLessThanOrEqual(config.window_updates);
        expect(state.candidate_regime === null).toBe(state.progress_current === 0);
        expect(state.candidate_regime).not.toBe(state.anchor_regime);
        if (isSwitched) expect(state.last_commit_timestamp_ms).toBe(atMs);
        previous = state;
      }
    }),
  );
});
