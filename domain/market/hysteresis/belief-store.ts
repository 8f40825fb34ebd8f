/** How states of belief hysteresis are stored, as lines that are only ever appended (market reference, section 2.4). */
import { HysteresisStoreRecord } from '#contracts/market/hysteresis.ts';
import type { BeliefHysteresisConfig, HysteresisState } from '#contracts/market/hysteresis.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';

/**
 * True when a state is worth storing after the one before it: something that counts has changed, or time has
 * passed, without which a restored state would seem older than it is.
 */
export const hasAdvanced = (state: HysteresisState, previous: HysteresisState | undefined): boolean =>
  previous === undefined ||
  hasMoved(state, previous) ||
  state.engine_timestamp_ms > previous.engine_timestamp_ms;

/** True when anchor, candidate or progress differ from the state before, or there was none. */
export const hasMoved = (state: HysteresisState, previous: HysteresisState | undefined): boolean =>
  previous === undefined ||
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

const parseRecord = (line: string): HysteresisStoreRecord | undefined => {
  try {
    return HysteresisStoreRecord.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
};

/**
 * The states stored lines stand for, by symbol: the latest of each, the later line of equals. Lines that are no
 * record are passed over. What was required is the configuration's, the reasons and the belief are not stored.
 */
export const restoreHysteresis = (
  lines: readonly string[],
  config: BeliefHysteresisConfig,
): ReadonlyMap<string, HysteresisState> => {
  const states = new Map<string, HysteresisState>();
  for (const line of lines) {
    const record = parseRecord(line);
    const known = record && states.get(record.symbol);
    if (!record || (known && known.engine_timestamp_ms > record.engine_timestamp_ms)) continue;
    states.set(record.symbol, {
      ...record,
      schema: 'hysteresis_state',
      progress_required: config.window_updates,
      reason_codes: [],
      debug: null,
    });
  }
  return states;
};
