import { describe, expect, it } from 'vitest';
import { MatrixDefinition, MatrixRouting } from '#contracts/market/evidence-matrix.ts';
import { EVIDENCE_KEY } from '#domain/market/engine/evidence.ts';
import { influences, rolloutShare, routeOpinions } from '#domain/market/engine/matrix.ts';
import { NEUTRAL_EVIDENCE_KEY, neutralEvidence } from '#domain/market/engine/neutral-evidence.ts';
import { referenceEngine } from '#domain/market/engine/options.ts';
import { run } from '#domain/market/engine/run.ts';
import { buildSnapshot } from '#domain/market/engine/snapshot.ts';

const flow = (over: object = {}) => ({
  type: 'FLOW_PRESSURE_OPINION',
  direction: 'NEUTRAL',
  strength: 0.5,
  confidence: 0.5,
  source: 'composer.flow',
  ...over,
});
const neutral = (opinions: unknown, over: object = {}) => ({
  schema: 'evidence_snapshot',
  schema_version: '1',
  symbol: 'BTCUSDT',
  engine_timestamp_ms: 180_000,
  opinions,
  ...over,
});
const legacy = {
  symbol: 'BTCUSDT',
  engine_timestamp_ms: 180_000,
  opinions: [{ regime: 'SQUEEZE_UP', strength: 0.9, confidence: 0.9, source: 'legacy' }],
};
const snapshotOf = (levels: object, symbol = 'BTCUSDT') =>
  buildSnapshot({ symbol, engineTimestampMs: 180_000 }, { market: { structure_levels: levels } });
const both = snapshotOf({ [EVIDENCE_KEY]: legacy, [NEUTRAL_EVIDENCE_KEY]: neutral([flow()]) });
const routing = (over: object = {}) => MatrixRouting.parse(over);
const regimeOf = (snapshot: ReturnType<typeof snapshotOf>, over: object = {}) =>
  run(snapshot, { ...referenceEngine, matrix: routing(over) }).regime;

describe('neutral evidence', () => {
  it.each([
    ['another schema', neutral([], { schema: 'x' }), 'INVALID_NEUTRAL_SCHEMA'],
    ['another version', neutral([], { schema_version: 1 }), 'INVALID_NEUTRAL_SCHEMA'],
    ['another symbol', neutral([], { symbol: 'X' }), 'INVALID_NEUTRAL_SYMBOL_MISMATCH'],
    ['another timestamp', neutral([], { engine_timestamp_ms: 1 }), 'INVALID_NEUTRAL_TIMESTAMP_MISMATCH'],
    ['an opinion that is no object', neutral([7]), 'INVALID_NEUTRAL_FIELDS'],
    ['a type that is no text', neutral([flow({ type: 1 })]), 'INVALID_NEUTRAL_FIELDS'],
    ['a source that is no text', neutral([flow({ source: 1 })]), 'INVALID_NEUTRAL_FIELDS'],
    ['an unknown direction', neutral([flow({ direction: 'SIDEWAYS' })]), 'INVALID_NEUTRAL_FIELDS'],
    ['a strength out of bounds', neutral([flow({ strength: 2 })]), 'INVALID_NEUTRAL_BOUNDS'],
    ['a confidence that is no number', neutral([flow({ confidence: true })]), 'INVALID_NEUTRAL_BOUNDS'],
  ])('with %s is invalid', (_name, value, code) => {
    expect(neutralEvidence(snapshotOf({ [NEUTRAL_EVIDENCE_KEY]: value }))?.invalidations).toEqual([code]);
  });

  it('has its opinions by type, source, direction, strength and confidence', () => {
    const opinions = [
      flow({ confidence: 0.1 }),
      flow({ strength: 0.1 }),
      flow({ direction: 'UP' }),
      flow({ source: 'a' }),
      flow({ type: 'A' }),
      flow(),
    ];

    const ordered = neutralEvidence(snapshotOf({ [NEUTRAL_EVIDENCE_KEY]: neutral(opinions) }))?.opinions;

    expect(ordered).toEqual([
      flow({ type: 'A' }),
      flow({ source: 'a' }),
      flow(),
      flow({ confidence: 0.1 }),
      flow({ strength: 0.1 }),
      flow({ direction: 'UP' }),
    ]);
  });
});

describe('a matrix', () => {
  const cell = (over: object = {}) => ({
    source: 'composer.flow',
    evidence_type: 'FLOW_PRESSURE_OPINION',
    direction: 'NEUTRAL',
    regime: 'SQUEEZE_UP',
    ...over,
  });
  const strengths = (definition: object, opinion: object = {}) =>
    influences([flow(opinion) as never], MatrixDefinition.parse(definition)).map(
      ({ regime, strength, confidence }) => [regime, strength, confidence],
    );

  it('weighs, clamps and caps, by the cell before its source before itself', () => {
    const cells = [cell({ weights: { strength_weight: 0.5, confidence_cap: 0.2 } })];

    expect(strengths({ cells: [cell()] })).toEqual([['SQUEEZE_UP', 0.5, 0.5]]);
    expect(strengths({ cells })).toEqual([['SQUEEZE_UP', 0.25, 0.2]]);
    expect(
      strengths({
        cells,
        source_defaults: { 'composer.flow': { strength_weight: 1, strength_cap: 0.1 } },
        defaults: { strength_cap: 0.9, confidence_weight: 0.1 },
      }),
    ).toEqual([['SQUEEZE_UP', 0.1, 0.05]]);
  });

  it('takes a cap of null for none', () => {
    const cells = [cell({ weights: { strength_cap: null } })];

    expect(strengths({ cells, defaults: { strength_cap: 0.1 } })).toEqual([['SQUEEZE_UP', 0.5, 0.5]]);
  });

  it('speaks for several regimes at once, and for none where it has no cell', () => {
    const cells = [cell(), cell({ regime: 'CHOP_BALANCED' })];

    expect(strengths({ cells }).map(([regime]) => regime)).toEqual(['CHOP_BALANCED', 'SQUEEZE_UP']);
    expect(strengths({ cells }, { direction: 'UP' })).toEqual([]);
    expect(strengths({ cells }, { source: 'x' })).toEqual([]);
    expect(strengths({ cells }, { type: 'x' })).toEqual([]);
  });

  it('refuses a cell that comes twice, unknown members and weights out of bounds', () => {
    const accepts = (definition: object) => MatrixDefinition.safeParse(definition).success;

    expect(accepts({ cells: [cell(), cell({ weights: {} })] })).toBe(false);
    expect(accepts({ cells: [cell({ extra: 1 })] })).toBe(false);
    expect(accepts({ cells: [cell({ weights: { strength_weight: 1.1 } })] })).toBe(false);
    expect(accepts({ cells: [cell({ weights: { strength_weight: 1 } })] })).toBe(true);
  });
});

describe('routing', () => {
  it('lets the matrix decide for listed symbols and explains by the legacy evidence', () => {
    expect(run(both, { ...referenceEngine, matrix: routing() })).toMatchObject({
      regime: 'TREND_BUILD_UP',
      drivers: ['legacy'],
      permissions: ['TREND_BUILD_UP'],
    });
  });

  it.each([
    ['the symbol is not listed', { symbol_allowlist: ['X'], rollout_percent: 100 }, 'SQUEEZE_UP'],
    ['nothing is listed and nobody is rolled out', { symbol_allowlist: [] }, 'SQUEEZE_UP'],
    [
      'the rollout ends at the share of the symbol',
      { symbol_allowlist: [], rollout_percent: 26 },
      'SQUEEZE_UP',
    ],
    ['the rollout goes beyond it', { symbol_allowlist: [], rollout_percent: 27 }, 'TREND_BUILD_UP'],
    ['both run', { mode: 'dual_run' }, 'SQUEEZE_UP'],
    ['only the legacy one runs', { mode: 'legacy_only' }, 'SQUEEZE_UP'],
    ['the interpreter is a shadow', { interpreter: 'shadow' }, 'CHOP_BALANCED'],
    ['they differ and must not', { strict_mismatch_fallback: true }, 'SQUEEZE_UP'],
  ])('decides when %s', (_name, over, expected) => {
    expect(regimeOf(both, over)).toBe(expected);
  });

  it('has the share of a symbol from its hash', () => {
    expect([rolloutShare('BTCUSDT'), rolloutShare('ETHUSDT')]).toEqual([26, 86]);
  });

  it('falls back to the legacy evidence without usable neutral evidence, or to none when told to', () => {
    const missing = snapshotOf({ [EVIDENCE_KEY]: legacy });
    const invalid = snapshotOf({ [EVIDENCE_KEY]: legacy, [NEUTRAL_EVIDENCE_KEY]: neutral([7]) });
    const fallback = (snapshot: ReturnType<typeof snapshotOf>, over: object = {}) =>
      routeOpinions(snapshot, [], routing(over)).fallback;

    expect([regimeOf(missing), regimeOf(invalid)]).toEqual(['SQUEEZE_UP', 'SQUEEZE_UP']);
    expect(regimeOf(missing, { fail_closed: false })).toBe('CHOP_BALANCED');
    expect([fallback(missing), fallback(invalid)]).toEqual([
      'neutral_evidence_missing',
      'neutral_evidence_invalid',
    ]);
    expect(fallback(both, { strict_mismatch_fallback: true })).toBe('matrix_selection_mismatch');
    expect(fallback(both)).toBeUndefined();
  });

  it('takes the matrix when both select the same regime', () => {
    const same = [{ regime: 'TREND_BUILD_UP', strength: 1, confidence: 1, source: 'legacy' }] as const;

    expect(routeOpinions(both, same, routing({ strict_mismatch_fallback: true }))).toMatchObject({
      opinions: [{ source: 'matrix_v1:composer.flow:FLOW_PRESSURE_OPINION:NEUTRAL' }],
    });
  });

  it('means nothing to the classical engine', () => {
    const options = { ...referenceEngine, kind: 'classical', matrix: routing() } as const;

    expect(run(both, options).regime).toBe('CHOP_BALANCED');
  });

  it('projects from neutral evidence alone with the classical explanation', () => {
    expect(
      run(snapshotOf({ [NEUTRAL_EVIDENCE_KEY]: neutral([flow()]) }), {
        ...referenceEngine,
        matrix: routing(),
      }),
    ).toMatchObject({ regime: 'TREND_BUILD_UP', drivers: expect.arrayContaining(['Market ATR z-score']) });
  });
});
