/** How regimes behaved over the records of one symbol in time (market reference, section 5.11). */
import type { RegimeEvaluation, RegimeKey } from '#contracts/market/regime-evaluation.ts';
import type { RegimeLogRecord } from '#contracts/market/regime-log.ts';
import type { Regime } from '#contracts/market/regime.ts';
import { groupBy } from '#domain/kernel/group-by.ts';

/** Records in a row that name the same regime. */
export interface RegimeRun {
  readonly regime: Regime;
  readonly count: number;
  readonly start_timestamp: number;
  /** When the next run begins; the last run ends with its own last record. */
  readonly end_timestamp: number;
  readonly duration_ms: number;
}

/** What of a record the metrics go by. */
export type RegimePoint = Pick<RegimeLogRecord, 'timestamp' | 'truth_regime' | 'selected_regime'>;

type ByRegime<Value> = Readonly<Partial<Record<Regime, Value>>>;

const regimeOf = (record: RegimePoint, key: RegimeKey): Regime =>
  key === 'truth' ? record.truth_regime : record.selected_regime;

/** The runs of a symbol's records, which are in time. */
export const regimeRuns = (records: readonly RegimePoint[], key: RegimeKey): readonly RegimeRun[] => {
  const runs: { regime: Regime; count: number; start: number; end: number }[] = [];
  for (const record of records) {
    const last = runs.at(-1);
    if (last) last.end = record.timestamp;
    if (last?.regime === regimeOf(record, key)) last.count += 1;
    else
      runs.push({
        regime: regimeOf(record, key),
        count: 1,
        start: record.timestamp,
        end: record.timestamp,
      });
  }
  return runs.map(({ regime, count, start, end }) => ({
    regime,
    count,
    start_timestamp: start,
    end_timestamp: end,
    duration_ms: end - start,
  }));
};

const mapRegimes = <Item, Value>(
  items: readonly Item[],
  keyOf: (item: Item) => Regime,
  valueOf: (items: readonly Item[]) => Value,
): ByRegime<Value> =>
  Object.fromEntries([...groupBy(items, keyOf)].map(([regime, group]) => [regime, valueOf(group)]));

/** The lengths of the runs of each regime, in records. */
export const persistence = (records: readonly RegimePoint[], key: RegimeKey): ByRegime<readonly number[]> =>
  mapRegimes(
    regimeRuns(records, key),
    ({ regime }) => regime,
    (runs) => runs.map(({ count }) => count),
  );

/** How often the regime changed. */
export interface FlipFrequency {
  readonly flips: number;
  readonly updates: number;
  readonly flip_rate_per_update: number;
  /** Null when no time has passed. */
  readonly flip_rate_per_hour: number | null;
}

const HOUR_MS = 3_600_000;

/** The changes of regime per update that could bring one, and per hour between the first record and the last. */
export const flipFrequency = (records: readonly RegimePoint[], key: RegimeKey): FlipFrequency => {
  const flips = Math.max(0, regimeRuns(records, key).length - 1);
  const passedMs = (records.at(-1)?.timestamp ?? 0) - (records[0]?.timestamp ?? 0);
  return {
    flips,
    updates: records.length,
    flip_rate_per_update: records.length > 1 ? flips / (records.length - 1) : 0,
    flip_rate_per_hour: passedMs > 0 ? flips / (passedMs / HOUR_MS) : null,
  };
};

/** The time between records, each counted for the regime of the earlier one. */
export const timeInRegime = (records: readonly RegimePoint[], key: RegimeKey): ByRegime<number> => {
  const spans: { readonly regime: Regime; readonly passedMs: number }[] = [];
  let before: RegimePoint | undefined;
  for (const record of records) {
    if (before) spans.push({ regime: regimeOf(before, key), passedMs: record.timestamp - before.timestamp });
    before = record;
  }
  return mapRegimes(
    spans,
    ({ regime }) => regime,
    (group) => group.reduce((total, { passedMs }) => total + passedMs, 0),
  );
};

/** All of it, as answers tell it. */
export const regimeBehaviour = (
  records: readonly RegimePoint[],
  key: RegimeKey,
): Omit<RegimeEvaluation, 'symbol' | 'key' | 'forward_values' | 'expectancy'> => ({
  persistence: copied(persistence(records, key)),
  runs: [...regimeRuns(records, key)],
  flip_frequency: flipFrequency(records, key),
  time_in_regime: timeInRegime(records, key),
});

const copied = (lists: ByRegime<readonly number[]>): Partial<Record<Regime, number[]>> =>
  Object.fromEntries(Object.entries(lists).map(([regime, values]) => [regime, [...values]]));

/** How the regimes of a symbol's records behaved, with the values that came after them. */
export const evaluateRegimes = (
  symbol: string,
  records: readonly RegimeLogRecord[],
  { key, values }: { readonly key: RegimeKey; readonly values: ReadonlyMap<string, number> },
): RegimeEvaluation => ({
  symbol,
  key,
  ...regimeBehaviour(records, key),
  forward_values: copied(forwardValues(records, key, values)),
  expectancy: expectancy(records, key, values),
});

/** Values that came after records, by the regime of the record; records without a value are left out. */
export const forwardValues = (
  records: readonly RegimeLogRecord[],
  key: RegimeKey,
  valueByRecordId: ReadonlyMap<string, number>,
): ByRegime<readonly number[]> => {
  const valued = records.flatMap((record) => {
    const value = valueByRecordId.get(record.record_id);
    return value === undefined ? [] : [{ regime: regimeOf(record, key), value }];
  });
  return mapRegimes(
    valued,
    ({ regime }) => regime,
    (group) => group.map(({ value }) => value),
  );
};

/** The mean of the values that came after records of each regime. */
export const expectancy = (
  records: readonly RegimeLogRecord[],
  key: RegimeKey,
  valueByRecordId: ReadonlyMap<string, number>,
): ByRegime<number> =>
  Object.fromEntries(
    Object.entries(forwardValues(records, key, valueByRecordId)).map(([regime, values]) => [
      regime,
      values.reduce((total, value) => total + value, 0) / values.length,
    ]),
  );
