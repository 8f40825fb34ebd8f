import { describe, expect, it } from 'vitest';
import { regimes } from '#contracts/market/regime.ts';
import type { Regime } from '#contracts/market/regime.ts';
import { contributorsByRegime, driverLabel } from '#domain/market/engine/contributors.ts';
import { EVIDENCE_KEY } from '#domain/market/engine/evidence.ts';
import { clamp01, confidenceOf, pillarOverlap, resolve } from '#domain/market/engine/resolution.ts';
import { classicalAnswer } from '#domain/market/engine/classical.ts';
import { referenceEngine } from '#domain/market/engine/options.ts';
import { run } from '#domain/market/engine/run.ts';
import {
  alignmentFault,
  buildSnapshot,
  encodeSnapshot,
  isMissing,
  MISSING,
  missingPaths,
} from '#domain/market/engine/snapshot.ts';
import type { RegimeInputSnapshot } from '#domain/market/engine/snapshot.ts';
import { noVetoes } from '#domain/market/engine/vetoes.ts';
import type { VetoPredicates } from '#domain/market/engine/vetoes.ts';

const AT = { symbol: 'AAA', engineTimestampMs: 180_000 };
const full = {
  timestamp_ms: 180_000,
  market: { atr_z: 1, range_expansion: 1, acceptance_score: 1 },
  derivatives: { oi_slope_short: 1, oi_slope_med: 1 },
};
const snapshot = buildSnapshot(AT, full);
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
const yes = () => true;
const runWith = (of: RegimeInputSnapshot, predicates: VetoPredicates) =>
  run(of, { ...referenceEngine, predicates });

describe('the snapshot', () => {
  it('marks everything missing that the inputs do not give', () => {
    expect(missingPaths(buildSnapshot(AT, {}))).toHaveLength(25);
    expect(missingPaths(buildSnapshot(AT, { market: null, flow: [1], context: 'x' }))).toHaveLength(25);
  });

  it('keeps null apart from missing and drops unknown members', () => {
    const built = buildSnapshot(AT, { context: { btc_regime: null, extra: 1 } });

    expect(built.context).toEqual({
      rs_vs_btc: MISSING,
      beta_to_btc: MISSING,
      alt_breadth: MISSING,
      btc_regime: null,
      eth_regime: MISSING,
    });
  });

  it('finds missing leaves inside lists and objects', () => {
    const levels = { b: [1, MISSING], a: { x: MISSING } };

    expect(missingPaths(buildSnapshot(AT, { market: { structure_levels: levels } }))).toEqual(
      expect.arrayContaining(['market.structure_levels.a.x', 'market.structure_levels.b[1]']),
    );
  });

  it('is written with sorted keys and read back exactly', () => {
    expect(JSON.parse(encodeSnapshot(snapshot))).toEqual(snapshot);
    expect(encodeSnapshot(snapshot).startsWith('{"context":{"alt_breadth":{"__xray_missing__":true}')).toBe(
      true,
    );
  });

  it.each([
    [0, undefined],
    [-180_000, undefined],
    [1_767_225_600_000, undefined],
    [179_999, 'timestamp_ms must be 3m-aligned (ms): got 179999'],
    [180_001, 'timestamp_ms must be 3m-aligned (ms): got 180001'],
  ])('is aligned at %i: %s', (timestamp, fault) => {
    expect(alignmentFault(timestamp)).toBe(fault);
  });

  it('takes only a lone marker key for missing', () => {
    expect([MISSING, {}, { __xray_missing__: true, a: 1 }, { a: 1 }, null, [], 0].map(isMissing)).toEqual([
      true,
      false,
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('the classical pipeline', () => {
  it('answers balanced chop at one half when nothing is vetoed', () => {
    expect(run(snapshot)).toEqual({
      symbol: 'AAA',
      timestamp: 180_000,
      regime: 'CHOP_BALANCED',
      confidence: 0.5,
      drivers: [
        'Market ATR z-score',
        'Market range expansion',
        'Flow CVD efficiency',
        'Derivatives OI slope short',
        'Derivatives funding level',
      ],
      invalidations: [],
      permissions: ['CHOP_BALANCED'],
    });
  });

  const cases: readonly (readonly [string, Partial<VetoPredicates>, Regime, number, readonly string[]])[] = [
    [
      'high acceptance',
      { isAcceptanceHigh: yes },
      'SQUEEZE_UP',
      0.5,
      ['acceptance high veto: liquidation', 'acceptance high veto: chop'],
    ],
    ['contracting interest alone', { isOpenInterestContracting: yes }, 'CHOP_BALANCED', 0.5, []],
    [
      'contracting interest and expanding range',
      { isOpenInterestContracting: yes, isAtrExpanding: yes },
      'CHOP_BALANCED',
      0.5,
      ['oi contracting + atr expanding veto: trend build'],
    ],
    ['flat interest alone', { isOpenInterestFlat: yes }, 'CHOP_BALANCED', 0.5, []],
    [
      'flat interest and compressed range',
      { isOpenInterestFlat: yes, isAtrCompressed: yes },
      'CHOP_BALANCED',
      0,
      ['oi flat + atr compressed force: chop balanced'],
    ],
  ];
  it.each(cases)('resolves %s', (_name, predicates, ...expected) => {
    const output = runWith(snapshot, { ...noVetoes, ...predicates });

    expect([output.regime, output.confidence, output.invalidations]).toEqual(expected);
  });

  it('asks no predicate about a missing value', () => {
    const always: VetoPredicates = {
      isAcceptanceHigh: yes,
      isOpenInterestContracting: yes,
      isOpenInterestFlat: yes,
      isAtrExpanding: yes,
      isAtrCompressed: yes,
    };

    expect(classicalAnswer(buildSnapshot(AT, {}), always).vetoes).toEqual([]);
  });

  const nobody: VetoPredicates = {
    ...noVetoes,
    isAcceptanceHigh: yes,
    isOpenInterestFlat: yes,
    isAtrCompressed: yes,
  };
  it('refuses to answer when vetoes leave nobody', () => {
    expect(() => runWith(snapshot, nobody)).toThrow(
      'Explainability validation failed: winner, drivers, permissions',
    );
  });

  it('answers from evidence with no confidence when vetoes leave nobody', () => {
    const market = { ...full.market, structure_levels: { [EVIDENCE_KEY]: container([opinion()]) } };

    const output = runWith(buildSnapshot(AT, { ...full, market }), nobody);

    expect([output.regime, output.confidence]).toEqual(['SQUEEZE_UP', 0]);
  });

  it('labels every contributor of every regime', () => {
    const names = regimes.flatMap((regime) => contributorsByRegime[regime]);

    expect(names.filter((name) => driverLabel(name) === name)).toEqual([]);
    expect(driverLabel('moon.phase')).toBe('moon.phase');
  });
});

describe('resolution', () => {
  const scored = (regime: Regime, score: number, contributors: readonly string[] = []) => ({
    regime,
    score,
    contributors,
  });

  it('weighs, ranks by score and then by regime order', () => {
    const candidates = [
      scored('TREND_EXHAUSTION', 1),
      scored('SQUEEZE_UP', 1),
      scored('CHOP_STOPHUNT', 3),
      scored('CHOP_BALANCED', 9),
    ];

    const { ranked } = resolve(
      candidates,
      new Set<Regime>(['CHOP_BALANCED']),
      new Map<Regime, number>([['CHOP_STOPHUNT', 0.1]]),
    );

    expect(ranked.map(({ regime }) => regime)).toEqual(['SQUEEZE_UP', 'TREND_EXHAUSTION', 'CHOP_STOPHUNT']);
  });

  it('is half overlap of pillars and half spread of scores', () => {
    const winner = scored('CHOP_BALANCED', 1.1, ['market.a', 'flow.b', '.lead']);
    const rival = scored('CHOP_STOPHUNT', 0.5, ['market.c']);

    expect(pillarOverlap(winner, rival)).toBe(0.5);
    expect(confidenceOf(resolve([winner, rival], new Set()))).toBeCloseTo(0.55, 12);
  });

  it('has no overlap without pillars, no confidence without a winner, none without a rival', () => {
    expect(pillarOverlap(scored('CHOP_BALANCED', 0), scored('CHOP_STOPHUNT', 0))).toBe(0);
    expect(confidenceOf(resolve([], new Set()))).toBeUndefined();
    expect(confidenceOf(resolve([scored('CHOP_BALANCED', 0)], new Set()))).toBe(0);
  });

  it('clamps to the unit interval, ends included', () => {
    expect([-1, -0, 0, 0.4, 1, 2].map(clamp01)).toEqual([0, 0, 0, 0.4, 1, 1]);
  });
});
