import { describe, expect, it } from 'vitest';
import { FeatureSnapshot } from '#contracts/market/composer.ts';
import type { Features } from '#contracts/market/composer.ts';
import { EvidenceSnapshot } from '#contracts/market/evidence-matrix.ts';
import { addCandles, closedCandles, inOrder } from '#domain/market/composer/candles.ts';
import { compose, featureSnapshot } from '#domain/market/composer/compose.ts';
import { featuresOf } from '#domain/market/composer/features.ts';
import { volatilityOf } from '#domain/market/composer/indicators.ts';
import { neutralSnapshot } from '#domain/market/composer/neutral.ts';
import { observe, opinionsOn } from '#domain/market/composer/observers.ts';
import { EVIDENCE_KEY } from '#domain/market/engine/evidence.ts';
import { NEUTRAL_EVIDENCE_KEY } from '#domain/market/engine/neutral-evidence.ts';
import { MISSING } from '#domain/market/engine/snapshot.ts';
import type { SliceEvent } from '#domain/market/slice.ts';

const T = 19_980_000;
const AT = { symbol: 'AAA', engineTimestampMs: T };
const event = (event_type: string, normalized: object, exchange_ts_ms: number | null = T): SliceEvent => ({
  event_type,
  exchange_ts_ms,
  normalized: { ...normalized },
});
const trade = (price: unknown, quantity: unknown, side: unknown, atMs: number | null = T) =>
  event('TradeTick', { price, quantity, side }, atMs);
const interest = (open_interest: unknown, atMs: number | null = T) =>
  event('OpenInterest', { open_interest }, atMs);
const candle = (atMs: number | null, over: object = {}) =>
  event('Candle', { high: 10, low: 5, close: 7, interval_ms: 180_000, is_final: true, ...over }, atMs);
const nothing: Features = {
  aggressive_volume_ratio_3m: null,
  atr_14: null,
  atr_z_50: null,
  cvd_3m: null,
  open_interest_latest: null,
  price_last: null,
  vwap_3m: null,
};
const features = (...events: readonly SliceEvent[]) => featuresOf({ events }, T);

describe('features of trades', () => {
  it('are of the three minutes up to the engine timestamp, both ends included', () => {
    const edges = [T - 180_000, T].map((atMs) => trade(10, 1, 'buy', atMs));
    const outside = [trade(99, 5, 'buy', T - 180_001), trade(99, 5, 'buy', T + 1)];

    expect(features(...edges, ...outside)).toMatchObject({
      vwap_3m: 10,
      cvd_3m: 2,
      aggressive_volume_ratio_3m: 1,
    });
  });

  it('have the price that came last, however old, but not one from later or from no time', () => {
    expect(features(trade(11, 1, 'buy'), trade(12, 1, 'sell', 0)).price_last).toBe(12);
    expect(features(trade(11, 1, 'buy'), trade(12, 1, 'buy', T + 1)).price_last).toBe(11);
    expect(features(trade(11, 1, 'buy', null))).toEqual(nothing);
  });

  it.each([
    ['true', true],
    ['a text', '7'],
    ['null', null],
    ['infinite', Infinity],
  ])('do not see a price that is %s', (_name, price) => {
    expect(features(trade(price, 2, 'sell'))).toMatchObject({ price_last: null, vwap_3m: null, cvd_3m: -2 });
  });

  it.each([
    ['zero', 0],
    ['negative', -1],
    ['no number', '1'],
  ])('have no volume of a quantity that is %s', (_name, quantity) => {
    expect(features(trade(7, quantity, 'buy'))).toMatchObject({ price_last: 7, vwap_3m: null, cvd_3m: null });
  });

  it('weigh trades without a side in the average price only', () => {
    expect(features(trade(1, 1, null), trade(4, 2, 'sell'))).toMatchObject({
      vwap_3m: 3,
      cvd_3m: -2,
      aggressive_volume_ratio_3m: 0,
    });
  });

  it('have a net volume of zero when it cancels, and none without any', () => {
    expect(features(trade(1, 2, 'buy'), trade(1, 2, 'sell')).cvd_3m).toBe(0);
    expect(features(trade(1, 2, 'hold')).cvd_3m).toBeNull();
  });

  it('tell nothing when they overflow', () => {
    expect(features(trade(1e308, 10, 'buy')).vwap_3m).toBeNull();
  });
});

describe('open interest', () => {
  it.each([
    ['the latest at its source', [interest(1, 5), interest(2, 9), interest(3, 7)], 2],
    ['the later event of equals', [interest(1, 5), interest(2, 5)], 2],
    ['one from after the engine timestamp', [interest(1, T), interest(2, T + 9)], 2],
    ['the last without a time', [interest(1, null), interest(2, null)], 2],
    ['any with a time before one without', [interest(1, 5), interest(2, null)], 1],
    ['no value that is no number', [interest(1, 5), interest('2', 6)], 1],
    ['none where there is none', [event('MarkPrice', { open_interest: 1 })], null],
  ])('is %s', (_name, events, expected) => {
    expect(features(...events).open_interest_latest).toBe(expected);
  });
});

describe('candles', () => {
  const many = (count: number, over: (index: number) => object = () => ({})) =>
    Array.from({ length: count }, (_, index) => candle(T - (count - 1 - index) * 180_000, over(index)));

  it('need fourteen for a range', () => {
    expect(features(...many(13)).atr_14).toBeNull();
    expect(features(...many(14)).atr_14).toBe(5);
  });

  it('need sixty-three that vary for a z-score', () => {
    const lively = (index: number) => ({ high: 10 + (index % 3) });

    expect(features(...many(62, lively)).atr_z_50).toBeNull();
    expect(features(...many(63, lively)).atr_z_50).toBeTypeOf('number');
    expect(features(...many(63)).atr_z_50).toBeNull();
  });

  it.each([
    ['another interval', { interval_ms: 60_000 }],
    ['an interval that is text', { interval_ms: '180000' }],
    ['no end', { is_final: false }],
    ['an end that is text', { is_final: 'true' }],
    ['a high that is no number', { high: '10' }],
    ['a low that is no number', { low: null }],
    ['a close that is no number', { close: true }],
  ])('do not count with %s', (_name, over) => {
    expect(features(...many(13), candle(T, over)).atr_14).toBeNull();
  });

  it('do not count without a time or from later, and count twice when they come twice', () => {
    expect(features(...many(13), candle(null)).atr_14).toBeNull();
    expect(features(...many(13), candle(T + 1)).atr_14).toBeNull();
    expect(features(...many(13), candle(T)).atr_14).toBe(5);
  });

  it('measure ranges from the close before, in the order of their times', () => {
    const closes = [100, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7];
    const ordered = many(14, (index) => ({ close: closes[index] }));

    expect(features(...ordered).atr_14).toBe((5 * 13 + 95) / 14);
    expect(features(...ordered.toReversed()).atr_14).toBe((5 * 13 + 95) / 14);
  });

  it('have a z-score over the last fifty averages', () => {
    const candles = Array.from({ length: 63 }, (_, index) => ({
      atMs: index,
      high: index === 62 ? 16 : 2,
      low: 1,
      close: 1,
    }));

    // Forty-nine averages of 1 and one of 2: mean 1.02, deviation 0.14.
    expect(volatilityOf(candles).atr).toBe(2);
    expect(volatilityOf(candles).atrZ).toBeCloseTo(7, 9);
  });

  it('stay in a window of the last ones, whatever slices they came in', () => {
    const closed = many(9);
    const whole = addCandles([], closedCandles(closed), 5);
    const sliced = closed.reduce<typeof whole>(
      (window, each) => addCandles(window, closedCandles([each]), 5),
      [],
    );

    expect(whole.map(({ atMs }) => atMs)).toEqual([4, 3, 2, 1, 0].map((back) => T - back * 180_000));
    expect(sliced).toEqual(whole);
    expect(addCandles(whole, closedCandles([trade(1, 1, 'buy')]), 5)).toBe(whole);
  });

  it('are put in order when a late one comes, the earlier of equals first', () => {
    const at = (atMs: number, close: number) => ({ atMs, high: 0, low: 0, close });

    expect(inOrder([at(2, 1), at(1, 2), at(2, 3)]).map(({ close }) => close)).toEqual([2, 1, 3]);
  });

  it('of a window take the place of those of the slice', () => {
    const window = many(14).map((each) => ({ atMs: each.exchange_ts_ms ?? 0, high: 3, low: 1, close: 2 }));

    expect(featuresOf({ events: many(20), window }, T).atr_14).toBe(2);
  });
});

describe('observers', () => {
  const view = (flowRatio: number | null, volatility: number | null, trend = 0): Features => ({
    ...nothing,
    cvd_3m: flowRatio,
    open_interest_latest: flowRatio === null ? null : 1,
    atr_z_50: volatility,
    price_last: 1 + trend,
    vwap_3m: 1,
  });
  const saying = (source: string, of: Features) =>
    observe(of).find((opinion) => opinion.source === `composer:${source}`);

  it('have one opinion on nothing: balanced chop, at full strength and with no confidence', () => {
    expect(observe(nothing)).toEqual([
      { regime: 'CHOP_BALANCED', strength: 1, confidence: 0, source: 'composer:classical_regime_v1' },
    ]);
  });

  it.each([
    ['weak flow', view(0.00199, null), undefined],
    ['flow in a calm market', view(0.002, null), 'TREND_BUILD_UP'],
    ['flow in a market just below lively', view(-0.002, 0.99), 'TREND_BUILD_DOWN'],
    ['flow in a lively market', view(0.002, 1), 'SQUEEZE_UP'],
    ['strong flow in a lively market', view(-0.02, 1.49), 'SQUEEZE_DOWN'],
    ['strong flow in a wild market', view(0.02, 1.5), 'LIQUIDATION_UP'],
    ['flow just below strong in a wild market', view(-0.0199, 1.5), 'SQUEEZE_DOWN'],
    ['strong selling in a wild market', view(-0.02, 1.5), 'LIQUIDATION_DOWN'],
  ])('take %s for what it is', (_name, of, regime) => {
    expect(saying('flow_pressure_v1', of)?.regime).toBe(regime);
  });

  it('have the strength of flow, at most 1', () => {
    expect(saying('flow_pressure_v1', view(0.01, null))?.strength).toBe(0.5);
    expect(saying('flow_pressure_v1', view(9, null))?.strength).toBe(1);
  });

  it.each([
    [0.2, 0, 'CHOP_BALANCED'],
    [0.21, 0, 'CHOP_STOPHUNT'],
    [0.8, 0, 'CHOP_STOPHUNT'],
    [0.81, 0, undefined],
    [0.81, 1, 'SQUEEZE_UP'],
    [1.79, -1, 'SQUEEZE_DOWN'],
    [1.8, -1, 'TREND_EXHAUSTION'],
  ])('take a volatility of %f with a trend of %i for %s', (volatility, trend, regime) => {
    expect(saying('volatility_context_v1', view(null, volatility, trend))?.regime).toBe(regime);
  });

  it('know no trend without an average price', () => {
    const of = { ...view(null, 1, 1), vwap_3m: null };

    expect(saying('volatility_context_v1', of)).toBeUndefined();
  });

  it.each([
    [view(0, 2, 0), 'CHOP_STOPHUNT', 1],
    [view(0.05, 3, 0), 'LIQUIDATION_UP', 1],
    [view(-0.05, 3, 0), 'LIQUIDATION_DOWN', 1],
    [view(0.02, 3, 1), 'SQUEEZE_UP', 1],
    [view(-0.02, 3, -1), 'SQUEEZE_DOWN', 1],
    [view(0.02, 2, 1), 'TREND_BUILD_UP', 1],
    [view(-0.02, 2, -1), 'TREND_BUILD_DOWN', 1],
    [view(0.002, -1, 0), 'CHOP_BALANCED', 0.8],
  ])('find the best of the classical scores', (of, regime, strength) => {
    expect(saying('classical_regime_v1', of)).toMatchObject({ regime, strength });
  });

  it('are as confident as they know their inputs', () => {
    expect(saying('classical_regime_v1', view(1, null))?.confidence).toBe(0.8);
    expect(saying('flow_pressure_v1', view(1, null))?.confidence).toBe(1);
  });

  it('know no flow without open interest above zero', () => {
    const of = { ...view(1, null), open_interest_latest: 0 };

    expect(saying('flow_pressure_v1', of)).toBeUndefined();
    expect(saying('classical_regime_v1', of)?.confidence).toBe(0.8);
  });

  it('are told in the order of evidence', () => {
    expect(opinionsOn(view(0.02, 1.6, 1)).map(({ regime }) => regime)).toEqual([
      'LIQUIDATION_UP',
      'SQUEEZE_UP',
      'TREND_BUILD_UP',
    ]);
  });
});

describe('a composed snapshot', () => {
  const reference = { noData: 'opinion', embedsNeutral: false } as const;
  const evidenceOn = (levels: unknown) => (levels as Record<string, { opinions: unknown[] }>)[EVIDENCE_KEY];

  it('has what the features know, nothing from what they do not, and no regimes of others', () => {
    const events = [trade(10, 2, 'buy'), interest(100)];

    const snapshot = compose(AT, { events, inputs: undefined }, reference);

    expect(snapshot.market).toMatchObject({ price: 10, vwap: 10, atr: MISSING, sweep_score: MISSING });
    expect(snapshot.derivatives).toMatchObject({ open_interest: 100, funding_rate: MISSING });
    expect(snapshot.flow).toMatchObject({ cvd: 2, aggressive_volume_ratio: MISSING });
    expect(snapshot.context).toEqual({
      rs_vs_btc: MISSING,
      beta_to_btc: MISSING,
      alt_breadth: MISSING,
      btc_regime: null,
      eth_regime: null,
    });
    expect(evidenceOn(snapshot.market['structure_levels'])).toMatchObject({
      symbol: 'AAA',
      engine_timestamp_ms: T,
    });
  });

  it('is built around snapshot inputs when there are any, whose own evidence gives way', () => {
    const inputs = {
      timestamp_ms: T,
      market: {
        price: 3,
        structure_levels: { [EVIDENCE_KEY]: 'old', [NEUTRAL_EVIDENCE_KEY]: 'old', kept: 1 },
      },
    };

    const { market, context } = compose(AT, { events: [trade(10, 2, 'buy')], inputs }, reference);

    expect([market['price'], market['vwap'], context['btc_regime']]).toEqual([3, MISSING, MISSING]);
    expect(market['structure_levels']).toEqual({
      [EVIDENCE_KEY]: expect.objectContaining({ symbol: 'AAA' }),
      [NEUTRAL_EVIDENCE_KEY]: 'old',
      kept: 1,
    });
  });

  it.each([
    ['missing', {}],
    ['no object', { structure_levels: 7 }],
    ['a list', { structure_levels: [1] }],
  ])('begins with no levels when they are %s', (_name, market) => {
    const snapshot = compose(AT, { events: [], inputs: { market } }, reference);

    expect(Object.keys(snapshot.market['structure_levels'] as object)).toEqual([EVIDENCE_KEY]);
  });

  it('has no opinion of those who know nothing, when a reason is wanted', () => {
    const options = { ...reference, noData: 'reason' } as const;

    const empty = compose(AT, { events: [], inputs: undefined }, options);
    const some = compose(AT, { events: [interest(1)], inputs: undefined }, options);

    expect(empty.market['structure_levels']).toEqual({});
    expect(evidenceOn(some.market['structure_levels'])?.opinions).toHaveLength(1);
  });

  it('has neutral evidence beside the opinions when it is wanted', () => {
    const { market } = compose(
      AT,
      { events: [interest(1)], inputs: { market: { structure_levels: { [NEUTRAL_EVIDENCE_KEY]: 'old' } } } },
      { ...reference, embedsNeutral: true },
    );
    const levels = market['structure_levels'] as Record<string, unknown>;

    expect(EvidenceSnapshot.parse(levels[NEUTRAL_EVIDENCE_KEY]).opinions).toHaveLength(3);
  });
});

describe('other programs', () => {
  it('read features as v1', () => {
    expect(FeatureSnapshot.parse(featureSnapshot(AT, { events: [] })).features).toEqual(nothing);
  });

  it('read neutral evidence as v1, without opinions when nothing is known', () => {
    const known = EvidenceSnapshot.parse(neutralSnapshot(AT, { ...nothing, price_last: 1 }));

    expect(known.opinions.map(({ type, confidence }) => [type, confidence])).toEqual([
      ['FLOW_PRESSURE_OPINION', 1 / 7],
      ['REGIME_OPINION', 1 / 7],
      ['VOLATILITY_REGIME_OPINION', 1 / 7],
    ]);
    expect(neutralSnapshot(AT, nothing).opinions).toEqual([]);
  });
});
