import { describe, expect, it } from 'vitest';
import { EngineSetting } from '#contracts/market/engine-setting.ts';
import { regimes } from '#contracts/market/regime.ts';
import { contributorsByRegime } from '#domain/market/engine/contributors.ts';
import { EVIDENCE_KEY } from '#domain/market/engine/evidence.ts';
import { featureMembers } from '#domain/market/engine/features.ts';
import { referenceEngine } from '#domain/market/engine/options.ts';
import { beliefFault } from '#domain/market/engine/regime-state.ts';
import { run, think } from '#domain/market/engine/run.ts';
import { buildSnapshot, snapshotFields } from '#domain/market/engine/snapshot.ts';
import { engineOptions, thresholdVetoes } from '#domain/market/engine/veto-thresholds.ts';

const AT = { symbol: 'AAA', engineTimestampMs: 180_000 };
const evidence = {
  symbol: 'AAA',
  engine_timestamp_ms: 180_000,
  opinions: [{ regime: 'SQUEEZE_UP', strength: 1, confidence: 1, source: 's' }],
};
const market = { structure_levels: { [EVIDENCE_KEY]: evidence } };

describe('the classical engine', () => {
  it('does not look at embedded evidence', () => {
    const { output, state } = think(buildSnapshot(AT, { market }), { ...referenceEngine, kind: 'classical' });

    expect([output.regime, output.drivers[0], state.anchor_regime]).toEqual([
      'CHOP_BALANCED',
      'Market ATR z-score',
      'CHOP_BALANCED',
    ]);
    expect(state.belief_by_regime.CHOP_BALANCED).toBe(1);
  });
});

describe('no data', () => {
  const reason = { ...referenceEngine, noData: 'reason' } as const;

  it('is the strongest opinion of all unless a reason is wanted', () => {
    expect(think(buildSnapshot(AT, {}), referenceEngine).state.belief_by_regime.CHOP_BALANCED).toBe(1);
  });

  it('is told as a reason, with no confidence and uniform belief', () => {
    const { output, state } = think(buildSnapshot(AT, {}), reason);

    expect(output).toEqual({
      symbol: 'AAA',
      timestamp: 180_000,
      regime: 'CHOP_BALANCED',
      confidence: 0,
      drivers: ['DRIVER_NO_DATA'],
      invalidations: ['NO_DATA'],
      permissions: ['CHOP_BALANCED'],
    });
    expect(new Set(Object.values(state.belief_by_regime))).toEqual(new Set([1 / 9]));
  });

  it('is not told when there is evidence, or one feature that some regime looks at', () => {
    expect(run(buildSnapshot(AT, { market }), reason).regime).toBe('SQUEEZE_UP');
    expect(run(buildSnapshot(AT, { context: { alt_breadth: 0 } }), reason).invalidations).toEqual([]);
  });

  it('is what null, and a value no regime looks at, amount to', () => {
    const inputs = { market: { price: 1, atr_z: null }, context: { btc_regime: 'SQUEEZE_UP' } };

    expect(run(buildSnapshot(AT, inputs), reason).invalidations).toEqual(['NO_DATA']);
  });

  it('knows where every contributor comes from', () => {
    const contributors = new Set(regimes.flatMap((regime) => contributorsByRegime[regime]));
    const members = Object.entries(featureMembers).filter(
      ([, [part, member]]) => !(snapshotFields[part] as readonly string[]).includes(member),
    );

    expect(new Set(Object.keys(featureMembers))).toEqual(contributors);
    expect(members).toEqual([]);
  });
});

describe('threshold vetoes', () => {
  const thresholds = {
    acceptance_high_min: 0.8,
    oi_contracting_max: -0.1,
    oi_flat_max: 0.01,
    atr_expanding_min: { atr_z: 1, range_expansion: 1.5 },
    atr_compressed_max: { atr_z: -1, range_expansion: 0.5 },
  };
  const vetoes = thresholdVetoes(thresholds);

  it.each([
    ['acceptance is high at its threshold', vetoes.isAcceptanceHigh(0.8), true],
    ['acceptance is not high below it', vetoes.isAcceptanceHigh(0.79), false],
    ['interest contracts when both slopes do', vetoes.isOpenInterestContracting(-0.1, -0.2), true],
    [
      'interest does not contract when one slope does not',
      vetoes.isOpenInterestContracting(-0.2, -0.09),
      false,
    ],
    ['interest is flat within its threshold, both sides', vetoes.isOpenInterestFlat(0.01, -0.01), true],
    ['interest is not flat outside of it', vetoes.isOpenInterestFlat(0.011, 0), false],
    ['the range expands at both thresholds', vetoes.isAtrExpanding(1, 1.5), true],
    ['the range does not expand below the first', vetoes.isAtrExpanding(0.9, 1.5), false],
    ['the range does not expand below the second', vetoes.isAtrExpanding(1, 1.4), false],
    ['the range is compressed at both thresholds', vetoes.isAtrCompressed(-1, 0.5), true],
    ['the range is not compressed above the first', vetoes.isAtrCompressed(-0.9, 0.5), false],
    ['the range is not compressed above the second', vetoes.isAtrCompressed(-1, 0.6), false],
    ['what is no number satisfies nothing', vetoes.isAcceptanceHigh(true), false],
    ['what is not finite satisfies nothing', vetoes.isAcceptanceHigh(Infinity), false],
  ])('say that %s', (_name, answer, expected) => {
    expect(answer).toBe(expected);
  });

  it('veto nothing where no threshold is given', () => {
    const none = thresholdVetoes({});

    expect([
      none.isAcceptanceHigh(1e308),
      none.isOpenInterestContracting(-1e308, -1e308),
      none.isOpenInterestFlat(0, 0),
      none.isAtrExpanding(1e308, 1e308),
      none.isAtrCompressed(-1e308, -1e308),
    ]).toEqual([false, false, false, false, false]);
  });
});

describe('an engine setting', () => {
  it('is the engine of the reference when it says nothing', () => {
    expect(engineOptions(EngineSetting.parse({}))).toEqual(referenceEngine);
  });

  it('brings its vetoes and its matrix', () => {
    const options = engineOptions(
      EngineSetting.parse({ engine: 'classical', vetoes: { acceptance_high_min: 0.5 }, matrix: {} }),
    );

    expect(options.predicates.isAcceptanceHigh(0.5)).toBe(true);
    expect(options.matrix).toMatchObject({ mode: 'matrix_enabled', symbol_allowlist: ['BTCUSDT'] });
  });
});

describe('a belief', () => {
  it.each([
    ['nothing', {}, 'belief_by_regime must not be empty'],
    ['no anchor', { SQUEEZE_UP: 1 }, 'belief_by_regime must have the anchor_regime'],
    ['a negative mass', { CHOP_BALANCED: 1.1, SQUEEZE_UP: -0.1 }, 'belief_by_regime must lie in [0, 1]'],
    ['a mass above 1', { CHOP_BALANCED: 1.1 }, 'belief_by_regime must lie in [0, 1]'],
    ['too little mass', { CHOP_BALANCED: 1 - 2e-9 }, 'belief_by_regime must sum to 1'],
    ['mass enough', { CHOP_BALANCED: 1 - 9e-10 }, undefined],
  ])('with %s is judged', (_name, belief, fault) => {
    expect(beliefFault(belief, 'CHOP_BALANCED')).toBe(fault);
  });
});
