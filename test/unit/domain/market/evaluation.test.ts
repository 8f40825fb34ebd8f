import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RegimeLogRecord } from '#contracts/market/regime-log.ts';
import { regimes } from '#contracts/market/regime.ts';
import type { Regime, RegimeOutput } from '#contracts/market/regime.ts';
import {
  expectancy,
  flipFrequency,
  forwardValues,
  persistence,
  regimeRuns,
  timeInRegime,
} from '#domain/market/evaluation/metrics.ts';
import {
  readRegimeLog,
  regimeLogLine,
  regimeLogPath,
  regimeLogRecord,
} from '#domain/market/evaluation/regime-log.ts';
import { decideRegime, decisionDefaults, initialDecisionState } from '#domain/market/hysteresis/decision.ts';

const output = (timestamp: number, regime: Regime = 'SQUEEZE_UP', symbol = 'AAA'): RegimeOutput => ({
  symbol,
  timestamp,
  regime,
  confidence: 0.5,
  drivers: ['d'],
  invalidations: ['i'],
  permissions: [regime],
});
const decisionOn = (of: RegimeOutput) => {
  const result = decideRegime(of, initialDecisionState, decisionDefaults);
  if (result.kind === 'refused') throw new Error(result.message);
  return result.decision;
};
const recordOf = (timestamp: number, truth: Regime, selected: Regime = truth): RegimeLogRecord => {
  const record = regimeLogRecord(output(timestamp, truth), decisionOn(output(timestamp, selected)));
  if (!record) throw new Error('no record');
  return record;
};

describe('the regime log', () => {
  it('keeps the truth, the decision on it, and both by name', () => {
    const record = regimeLogRecord(output(1_000), decisionOn(output(1_000, 'CHOP_BALANCED')));

    expect(record).toMatchObject({
      record_id: 'AAA:1000',
      truth_regime: 'SQUEEZE_UP',
      truth_confidence: 0.5,
      selected_regime: 'CHOP_BALANCED',
      transition: { stable_regime: 'CHOP_BALANCED' },
    });
  });

  it('keeps nothing of a decision on another symbol', () => {
    expect(regimeLogRecord(output(1), decisionOn(output(1, 'SQUEEZE_UP', 'BBB')))).toBeUndefined();
  });

  it.each([
    [0, 'log/1970-01-01.jsonl'],
    [1_767_225_599_999, 'log/2025-12-31.jsonl'],
    [1_767_225_600_000, 'log/2026-01-01.jsonl'],
  ])('has a file for the UTC day of %i', (timestamp, path) => {
    expect(regimeLogPath('log', timestamp)).toBe(path);
  });

  it('is read by symbol in time, the first of one instant, without what is no record', () => {
    const late = recordOf(2_000, 'SQUEEZE_UP');
    const other = { ...recordOf(1_000, 'SQUEEZE_UP'), symbol: 'BBB' };
    const lines = [
      late,
      recordOf(1_000, 'CHOP_BALANCED'),
      recordOf(1_000, 'SQUEEZE_DOWN'),
      other,
      { ...late, schema_version: 2 },
      { ...late, extra: 1 },
    ].map((record) => regimeLogLine(record as RegimeLogRecord));

    const log = readRegimeLog([...lines, 'no json', '']);

    expect(log.get('AAA')?.map(({ timestamp, truth_regime }) => [timestamp, truth_regime])).toEqual([
      [1_000, 'CHOP_BALANCED'],
      [2_000, 'SQUEEZE_UP'],
    ]);
    expect(log.get('BBB')).toHaveLength(1);
  });
});

describe('evaluation', () => {
  const records = [
    recordOf(0, 'SQUEEZE_UP'),
    recordOf(1_800_000, 'SQUEEZE_UP', 'CHOP_BALANCED'),
    recordOf(3_600_000, 'CHOP_BALANCED'),
    recordOf(7_200_000, 'SQUEEZE_UP', 'CHOP_BALANCED'),
  ];

  it('tells runs, each ending where the next begins and the last with its own last record', () => {
    expect(regimeRuns(records, 'truth')).toEqual([
      {
        regime: 'SQUEEZE_UP',
        count: 2,
        start_timestamp: 0,
        end_timestamp: 3_600_000,
        duration_ms: 3_600_000,
      },
      {
        regime: 'CHOP_BALANCED',
        count: 1,
        start_timestamp: 3_600_000,
        end_timestamp: 7_200_000,
        duration_ms: 3_600_000,
      },
      {
        regime: 'SQUEEZE_UP',
        count: 1,
        start_timestamp: 7_200_000,
        end_timestamp: 7_200_000,
        duration_ms: 0,
      },
    ]);
    expect(persistence(records, 'truth')).toEqual({ SQUEEZE_UP: [2, 1], CHOP_BALANCED: [1] });
    expect(persistence(records, 'stabilized')).toEqual({ SQUEEZE_UP: [1], CHOP_BALANCED: [3] });
  });

  it('counts flips per update that could flip and per hour', () => {
    expect(flipFrequency(records, 'truth')).toEqual({
      flips: 2,
      updates: 4,
      flip_rate_per_update: 2 / 3,
      flip_rate_per_hour: 1,
    });
    expect(flipFrequency(records.slice(0, 1), 'truth')).toEqual({
      flips: 0,
      updates: 1,
      flip_rate_per_update: 0,
      flip_rate_per_hour: null,
    });
    expect(flipFrequency([], 'truth')).toMatchObject({ updates: 0, flip_rate_per_hour: null });
  });

  it('counts time for the regime that was there when it began', () => {
    expect(timeInRegime(records, 'truth')).toEqual({ SQUEEZE_UP: 3_600_000, CHOP_BALANCED: 3_600_000 });
    expect(timeInRegime([], 'truth')).toEqual({});
  });

  it('spreads values over the regimes they came after, and knows their means', () => {
    const values = new Map([
      ['AAA:0', 1],
      ['AAA:1800000', 4],
      ['AAA:3600000', -1],
    ]);

    expect(forwardValues(records, 'truth', values)).toEqual({ SQUEEZE_UP: [1, 4], CHOP_BALANCED: [-1] });
    expect(expectancy(records, 'truth', values)).toEqual({ SQUEEZE_UP: 2.5, CHOP_BALANCED: -1 });
  });

  it('loses no record and no millisecond', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.constantFrom(...regimes)), {
      minLength: 1,
    });
    fc.assert(
      fc.property(steps, (of) => {
        let at = 0;
        const log = of.map(([step, regime]) => recordOf((at += step), regime));
        const passed = at - (of[0]?.[0] ?? 0);
        const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

        expect(sum(Object.values(persistence(log, 'truth')).flat())).toBe(log.length);
        expect(sum(Object.values(timeInRegime(log, 'truth')))).toBe(passed);
        expect(sum(regimeRuns(log, 'truth').map(({ duration_ms }) => duration_ms))).toBe(passed);
      }),
    );
  });
});
