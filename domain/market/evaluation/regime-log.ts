/** Writes and reads the regime log, one JSON line per decision, in one file per UTC day (section 5.11). */
import type { HysteresisDecision } from '#contracts/market/hysteresis.ts';
import { RegimeLogRecord } from '#contracts/market/regime-log.ts';
import type { RegimeOutput } from '#contracts/market/regime.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { groupBy } from '#domain/kernel/group-by.ts';
import { valueOfLine } from '#domain/kernel/json-line.ts';

/** The record of a truth output and the decision on it; undefined when they are of different symbols. */
export const regimeLogRecord = (
  truth: RegimeOutput,
  { selected_output: selected, effective_confidence, transition }: HysteresisDecision,
): RegimeLogRecord | undefined =>
  truth.symbol === selected.symbol
    ? {
        schema_version: 1,
        record_id: `${truth.symbol}:${truth.timestamp}`,
        symbol: truth.symbol,
        timestamp: truth.timestamp,
        truth_regime: truth.regime,
        truth_confidence: truth.confidence,
        drivers: truth.drivers,
        invalidations: truth.invalidations,
        permissions: truth.permissions,
        selected_regime: selected.regime,
        effective_confidence,
        transition,
      }
    : undefined;

/** The line of a record, without its line end. */
export const regimeLogLine = (record: RegimeLogRecord): string => canonicalJson(record);

/** The file of a timestamp below a folder: its UTC day. */
export const regimeLogPath = (folder: string, timestamp: number): string =>
  `${folder}/${new Date(timestamp).toISOString().slice(0, 10)}.jsonl`;

const inTime = (records: readonly RegimeLogRecord[]): readonly RegimeLogRecord[] =>
  [...records]
    .sort((left, right) => left.timestamp - right.timestamp)
    .filter((record, index, sorted) => record.timestamp !== sorted[index - 1]?.timestamp);

/**
 * The records of some lines by symbol, in time. Lines that are no record are passed over; of records at one instant
 * the first line counts.
 */
export const readRegimeLog = (lines: Iterable<string>): ReadonlyMap<string, readonly RegimeLogRecord[]> => {
  const records = [...lines]
    .map((line) => valueOfLine(RegimeLogRecord, line))
    .filter((record) => record !== undefined);
  return new Map(
    [...groupBy(records, ({ symbol }) => symbol)].map(([symbol, group]) => [symbol, inTime(group)]),
  );
};
