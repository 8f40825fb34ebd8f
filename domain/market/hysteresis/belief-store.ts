/** How states of belief hysteresis are stored, as lines that are only ever appended (market reference, section 2.4). */
import { HysteresisStoreRecord } from '#contracts/market/hysteresis.ts';
import type { BeliefHysteresisConfig, HysteresisState } from '#contracts/market/hysteresis.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { valueOfLine } from '#domain/kernel/json-line.ts';

/**
 * True when a state is worth storing after the one before it: something that counts has changed, or time has
 * passed, without which a restored state would seem older than it is.
 */
export const hasAdvanced = (state: HysteresisState, previous: HysteresisState | undefined): boolean =>
  previous === undefined ||
  hasMoved(state, previous) ||
  state.engine_timestamp_ms > previous.engine_timestamp_ms;

const hasMoved = (state: HysteresisState, previous: HysteresisState): boolean =>
  state.anchor_regime !== previous.anchor_regime ||
  state.candidate_regime !== previous.candidate_regime ||
  state.progress_current !== previous.progress_current;

/** The line in which a state is stored, without its line end. */
export const hysteresisStoreLine = (state: HysteresisState): string => {
  const record: HysteresisStoreRecord = {
    schema: 'hysteresis_store_record',
    schema_version: '1',
    symbol: state.symbol,
    engine_timestamp_ms: state.engine_timestamp_ms,
    anchor_regime: state.anchor_regime,
    candidate_regime: state.candidate_regime,
    progress_current: state.progress_current,
    last_commit_timestamp_ms: state.last_commit_timestamp_ms,
  };
  return canonicalJson(record);
};

/** The states that stored lines stand for, line by line. */
export interface RestoredStates {
  /** By symbol the latest state, the later line of equals. */
  readonly known: Map<string, HysteresisState>;
  /** Hears a line; false for what is no record, which changes nothing. */
  readonly hear: (line: string) => boolean;
}

/** Nothing yet. What was required is the configuration's; reasons and beliefs are not stored. */
export const restoreHysteresis = (config: BeliefHysteresisConfig): RestoredStates => {
  const known = new Map<string, HysteresisState>();
  return {
    known,
    hear: (line) => {
      const record = valueOfLine(HysteresisStoreRecord, line);
      if (!record) return false;
      const before = known.get(record.symbol);
      if (before && before.engine_timestamp_ms > record.engine_timestamp_ms) return true;
      known.set(record.symbol, {
        ...record,
        schema: 'hysteresis_state',
        progress_required: config.window_updates,
        reason_codes: [],
        debug: null,
      });
      return true;
    },
  };
};
