import { describe, expect, it } from 'vitest';
import type { Regime } from '#contracts/market/regime.ts';
import { beliefFrom, projectRegime } from '#domain/market/engine/belief.ts';
import { EVIDENCE_KEY } from '#domain/market/engine/evidence.ts';
import { run } from '#domain/market/engine/run.ts';
import { buildSnapshot, MISSING } from '#domain/market/engine/snapshot.ts';
const AT = { symbol: 'AAA', engineTimestampMs: 180_000 };
const full = {
  timestamp_ms: 180_000,
  market: { atr_z: 1, range_expansion: 1, acceptance_score: 1 },
  derivatives: { oi_slope_short: 1, oi_slope_med: 1 },
};
const withEvidence = (evidence: unknown) =>
  buildSnapshot(AT, { ...full, market: { structure_levels: { [EVIDENCE_KEY]: evidence } } });
const container = (opinions: unknown, over: object = {}) => ({
  symbol: 'AAA',
  engine_timestamp_ms: 180_000,
  opinions,
  ...over,
});
const opinion = (over: object = {}) => ({
  regime: 'SQUEEZE_UP',
  strength: 0.5,
  confidence: 0.5,
  source: 's',
  ...over,
});
describe('embedded evidence', () => {
  it('takes the regime of the strongest opinion and the sources in order of regime name', () => {
    const output = run(
      withEvidence(
        container([
          opinion({ regime: 'TREND_BUILD_UP', source: 'z', strength: 0.9 }),
          opinion({ regime: 'CHOP_STOPHUNT', source: 'b', strength: 0.2 }),
          opinion({ regime: 'CHOP_STOPHUNT', source: 'a', strength: 0.1, confidence: 0.2 }),
          opinion({ regime: 'CHOP_STOPHUNT', source: 'a', strength: 0.3, confidence: 0.2 }),
          opinion({ regime: 'CHOP_STOPHUNT', source: 'a', strength: 0.1, confidence: 0.9 }),
        ]),
      ),
    );

    expect([output.regime, output.drivers, output.confidence]).toEqual([
      'TREND_BUILD_UP',
      ['a', 'b', 'z'],
      0.5,
    ]);
  });

  it.each([
    ['not an object', 7, 'INVALID_EVIDENCE_FIELDS'],
    ['a source that is no text', opinion({ source: 1 }), 'INVALID_EVIDENCE_FIELDS'],
    ['a regime that is no text', opinion({ regime: 1 }), 'INVALID_EVIDENCE_FIELDS'],
    ['an unknown regime', opinion({ regime: 'squeeze_up', strength: 9 }), 'INVALID_EVIDENCE_REGIME'],
    ['a strength above 1', opinion({ strength: 1.01 }), 'INVALID_EVIDENCE_BOUNDS'],
    ['a strength that is no number', opinion({ strength: true }), 'INVALID_EVIDENCE_BOUNDS'],
    ['a confidence below 0', opinion({ confidence: -0.01 }), 'INVALID_EVIDENCE_BOUNDS'],
  ])('drops an opinion that is or has %s', (_name, bad, code) => {
    const output = run(withEvidence(container([bad, bad, opinion({ source: '' })])));

    expect([output.regime, output.invalidations, output.drivers]).toEqual(['SQUEEZE_UP', [code], ['']]);
  });

  it.each([
    ['its symbol', { symbol: 'BBB' }, ['INVALID_EVIDENCE_SYMBOL_MISMATCH']],
    ['its timestamp', { engine_timestamp_ms: 1 }, ['INVALID_EVIDENCE_TIMESTAMP_MISMATCH']],
    [
      'both',
      { symbol: 1, engine_timestamp_ms: 1 },
      ['INVALID_EVIDENCE_SYMBOL_MISMATCH', 'INVALID_EVIDENCE_TIMESTAMP_MISMATCH'],
    ],
  ])("discards everything when %s is another run's", (_name, over, codes) => {
    const output = run(withEvidence(container([opinion(), 7], over)));

    expect([output.regime, output.drivers, output.invalidations]).toEqual([
      'CHOP_BALANCED',
      ['DRIVER_NO_CANONICAL_EVIDENCE'],
      codes,
    ]);
  });

  it.each([[null], [undefined], ['x'], [[]], [MISSING]])(
    'is not there when the container is %j',
    (evidence) => {
      expect(run(withEvidence(evidence)).drivers).toContain('Market ATR z-score');
    },
  );

  it('is not there when the structure levels are no object', () => {
    expect(run(buildSnapshot(AT, { market: { structure_levels: 7 } })).drivers).toContain(
      'Market ATR z-score',
    );
  });

  it('has no opinions when they are no list', () => {
    expect(run(withEvidence(container(null)))).toMatchObject({ regime: 'CHOP_BALANCED', invalidations: [] });
  });

  it('breaks ties of strength by confidence and then by regime order', () => {
    const opinions = (first: object, second: object) =>
      projectRegime(
        beliefFrom(
          [opinion(first), opinion(second)].map((each) => ({ ...each, regime: each.regime as Regime })),
        ),
      );

    expect(opinions({ regime: 'TREND_BUILD_UP' }, { regime: 'SQUEEZE_DOWN', confidence: 0.6 })).toBe(
      'SQUEEZE_DOWN',
    );
    expect(opinions({ regime: 'LIQUIDATION_DOWN' }, { regime: 'CHOP_STOPHUNT' })).toBe('CHOP_STOPHUNT');
  });

  it('believes uniformly without opinions', () => {
    const belief = beliefFrom([]);

    expect(Object.values(belief.massByRegime).reduce((sum, mass) => sum + mass, 0)).toBeCloseTo(1, 9);
    expect(belief.anchor).toBe('CHOP_BALANCED');
  });
});
