import { describe, expect, it } from 'vitest';
import { beliefDefaults } from '#domain/market/hysteresis/belief.ts';
import { decisionDefaults } from '#domain/market/hysteresis/decision.ts';
import { referenceEngine } from '#domain/market/engine/options.ts';
import { noVetoes } from '#domain/market/engine/vetoes.ts';
import { executeRun, REGIME_OUTPUT_MAX, truthSetting } from '#domain/market/execute-run.ts';
import type { RunMemory, RunSetting } from '#domain/market/execute-run.ts';
import { sliceOfEvents, sliceOfTexts } from '#domain/market/slice.ts';
import type { SliceEvent } from '#domain/market/slice.ts';
import { marketEvent } from '#test/support/market-harness.ts';
import { throwAnything } from '#test/support/thrown.ts';

const AT = { symbol: 'AAA', engineTimestampMs: 1_000 };
const record = (ingestSeq: number, event: object) => ({
  ingestSeq,
  ingestTsMs: 0,
  symbol: 'AAA',
  text: JSON.stringify(event),
});
const inputs = (timestamp: number, market: object) =>
  marketEvent({ event_type: 'SnapshotInputs', normalized: { timestamp_ms: timestamp, market } });
const event = (event_type: string, normalized: object, over: object = {}): SliceEvent => ({
  event_type,
  exchange_ts_ms: 1_000,
  normalized: { ...normalized },
  ...over,
});
const evidence = (regime: string, timestamp: number, source = 's') => ({
  structure_levels: {
    composer_evidence_snapshot_v1: {
      symbol: 'AAA',
      engine_timestamp_ms: timestamp,
      opinions: [{ regime, strength: 1, confidence: 1, source }],
    },
  },
});
const said = (regime: string, timestamp: number, source?: string) =>
  sliceOfEvents([
    event('SnapshotInputs', { timestamp_ms: timestamp, market: evidence(regime, timestamp, source) }),
  ]);
const at = (engineTimestampMs: number) => ({ symbol: 'AAA', engineTimestampMs });

describe('a truth run', () => {
  it('completes with what the engine says and remembers nothing', () => {
    expect(executeRun(AT, sliceOfTexts([record(1, inputs(1_000, { price: 1 }))]))).toMatchObject({
      outcome: {
        kind: 'completed',
        regimeOutput: { symbol: 'AAA', timestamp: 1_000, regime: 'CHOP_BALANCED' },
      },
      memory: {},
    });
  });

  it.each([[[]], [[record(1, inputs(999, {}))]]])(
    'fails without snapshot inputs for its timestamp',
    (records) => {
      expect(executeRun(AT, sliceOfTexts(records)).outcome).toEqual({
        kind: 'failed',
        errorKind: 'missing_snapshot_inputs',
        errorDetail: 'missing SnapshotInputs',
      });
    },
  );

  it.each([
    [new Error('boom'), 'boom'],
    ['plain', 'plain'],
  ])('fails with the text of what a predicate throws', (thrown, errorDetail) => {
    const isAcceptanceHigh = () => throwAnything(thrown);
    const engine = { ...referenceEngine, predicates: { ...noVetoes, isAcceptanceHigh } };
    const slice = sliceOfTexts([record(1, inputs(1_000, { acceptance_score: 1 }))]);

    expect(executeRun(AT, slice, { setting: { ...truthSetting, engine } }).outcome).toEqual({
      kind: 'failed',
      errorKind: 'engine_failure',
      errorDetail,
    });
  });

  it('fails rather than record an output that is too large', () => {
    const { outcome } = executeRun(AT, said('SQUEEZE_UP', 1_000, 'x'.repeat(REGIME_OUTPUT_MAX)));

    expect(outcome).toMatchObject({ kind: 'failed', errorKind: 'engine_failure' });
  });

  it('fails when its records cannot be read', () => {
    const broken = sliceOfTexts([{ ...record(1, {}), text: '{"SnapshotInputs' }]);

    expect(executeRun(AT, broken).outcome).toMatchObject({
      kind: 'failed',
      errorKind: 'snapshot_build_failure',
    });
  });
});

describe('a run with decision hysteresis', () => {
  const setting: RunSetting = {
    ...truthSetting,
    hysteresis: { kind: 'decision', config: { ...decisionDefaults, min_persistence_updates: 2 } },
  };

  it('completes with the selected output and hands its state on', () => {
    const first = executeRun(at(1_000), said('SQUEEZE_UP', 1_000), { setting });
    const second = executeRun(at(2_000), said('TREND_EXHAUSTION', 2_000), { setting, memory: first.memory });

    expect(second.outcome).toMatchObject({
      regimeOutput: { regime: 'SQUEEZE_UP', timestamp: 1_000 },
      hysteresisDecision: { transition: { candidate_regime: 'TREND_EXHAUSTION', candidate_count: 1 } },
    });
    expect(second.memory.decision?.last_timestamp).toBe(2_000);
  });

  it('fails and keeps its state when time does not go on', () => {
    const { memory } = executeRun(at(1_000), said('SQUEEZE_UP', 1_000), { setting });

    const again = executeRun(at(1_000), said('SQUEEZE_UP', 1_000), { setting, memory });

    expect(again).toEqual({
      outcome: {
        kind: 'failed',
        errorKind: 'engine_failure',
        errorDetail: 'Non-increasing timestamp for hysteresis input.',
      },
      memory,
      isEvidenceEmbedded: true,
    });
  });

  it('keeps its state over a run that fails', () => {
    const { memory } = executeRun(at(1_000), said('SQUEEZE_UP', 1_000), { setting });

    expect(executeRun(at(2_000), sliceOfEvents([]), { setting, memory }).memory).toEqual(memory);
  });
});

describe('a run with belief hysteresis', () => {
  const setting: RunSetting = {
    ...truthSetting,
    hysteresis: { kind: 'belief', config: beliefDefaults },
  };

  it('completes with the truth output and the state beside it', () => {
    const first = executeRun(at(1_000), said('SQUEEZE_UP', 1_000), { setting });
    const second = executeRun(at(2_000), said('TREND_EXHAUSTION', 2_000), { setting, memory: first.memory });

    expect(second.outcome).toMatchObject({
      regimeOutput: { regime: 'TREND_EXHAUSTION', timestamp: 2_000 },
      hysteresisState: { anchor_regime: 'SQUEEZE_UP', candidate_regime: 'TREND_EXHAUSTION' },
    });
  });

  it('fails and keeps its state when time goes back', () => {
    const { memory } = executeRun(at(2_000), said('SQUEEZE_UP', 2_000), { setting });

    const back = executeRun(at(1_999), said('SQUEEZE_UP', 1_999), { setting, memory });

    expect(back.outcome).toMatchObject({ errorKind: 'hysteresis_monotonicity_violation' });
    expect(back.memory).toEqual(memory);
  });
});

describe('a run of the composer', () => {
  const composer: RunSetting = { ...truthSetting, source: 'composer' };
  const candle = (atMs: number, high: number) =>
    event(
      'Candle',
      { high, low: 1, close: 1, interval_ms: 180_000, is_final: true },
      { exchange_ts_ms: atMs, source_event_id: `candle-${atMs}`, raw_payload: '' },
    );
  const hour = Array.from({ length: 64 }, (_, index) =>
    candle(index * 180_000, index === 63 ? 9 : 2 + (index % 2)),
  );
  const regimeOf = (setting: RunSetting, slices: readonly (readonly SliceEvent[])[]) => {
    let memory: RunMemory = {};
    const outcomes = slices.map((events) => {
      const executed = executeRun(at(64 * 180_000), sliceOfEvents(events), { setting, memory });
      ({ memory } = executed);
      return executed.outcome;
    });
    const last = outcomes.at(-1);
    return last?.kind === 'completed' ? last.regimeOutput.regime : last?.errorKind;
  };

  it('needs no snapshot inputs', () => {
    expect(executeRun(AT, sliceOfEvents([]), { setting: composer }).outcome).toMatchObject({
      kind: 'completed',
      regimeOutput: { regime: 'CHOP_BALANCED', drivers: ['composer:classical_regime_v1'] },
    });
  });

  it('sees the candles of earlier slices when it keeps a window of them', () => {
    const slices = hour.map((each) => [each]);

    expect(regimeOf(composer, [hour])).toBe('TREND_EXHAUSTION');
    expect(regimeOf(composer, slices)).toBe('CHOP_BALANCED');
    expect(regimeOf({ ...composer, candleWindow: 64 }, slices)).toBe('TREND_EXHAUSTION');
    expect(regimeOf({ ...composer, candleWindow: 62 }, slices)).toBe('CHOP_BALANCED');
  });

  it('keeps no window for snapshot inputs', () => {
    const setting = { ...truthSetting, candleWindow: 64 };

    expect(executeRun(AT, sliceOfEvents(hour), { setting }).memory).toEqual({});
  });

  it('counts a redelivery once when it is told to', () => {
    const trade = (side: string, id: string) =>
      event('TradeTick', { price: 1, quantity: 1, side }, { source_event_id: id, raw_payload: id });
    const interest = event('OpenInterest', { open_interest: 100 });
    const slice = sliceOfEvents([trade('buy', '1'), trade('sell', '2'), trade('buy', '1'), interest]);
    const driversOf = (isDeduplicated: boolean) => {
      const { outcome } = executeRun(AT, slice, { setting: { ...composer, isDeduplicated } });
      return outcome.kind === 'completed' ? outcome.regimeOutput.drivers : [];
    };

    expect(driversOf(false)).toContain('composer:flow_pressure_v1');
    expect(driversOf(true)).not.toContain('composer:flow_pressure_v1');
  });

  it('embeds neutral evidence for the matrix', () => {
    const matrix = {
      mode: 'matrix_enabled',
      interpreter: 'v1',
      symbol_allowlist: ['AAA'],
      rollout_percent: 0,
      fail_closed: true,
      strict_mismatch_fallback: false,
      definition: {
        cells: [
          {
            source: 'composer.flow',
            evidence_type: 'FLOW_PRESSURE_OPINION',
            direction: 'NEUTRAL',
            regime: 'SQUEEZE_DOWN',
          },
        ],
      },
    } as const;
    const setting = { ...composer, engine: { ...referenceEngine, matrix } } as unknown as RunSetting;
    const trade = event('TradeTick', { price: 1, quantity: 1, side: 'buy' });

    expect(executeRun(AT, sliceOfEvents([trade]), { setting }).outcome).toMatchObject({
      regimeOutput: { regime: 'SQUEEZE_DOWN', drivers: ['composer:classical_regime_v1'] },
    });
  });
});
