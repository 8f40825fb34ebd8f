/** States of belief hysteresis in a file, which a later run of the command goes on from (market reference, 2.4). */
import type { BeliefHysteresisConfig, HysteresisState } from '#contracts/market/hysteresis.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import {
  hasAdvanced,
  hysteresisStoreLine,
  restoreHysteresis,
} from '#domain/market/hysteresis/belief-store.ts';
import { openRecordFile } from '#cli/files/record-file.ts';

/** What is known of each symbol, and kept. */
export interface BeliefStore {
  readonly get: (symbol: string) => HysteresisState | undefined;
  /** Keeps a state; it counts as known only once it is on the disk. */
  readonly keep: (state: HysteresisState) => void;
}

/** States that are forgotten with the process. */
export const beliefMemory = (): BeliefStore => {
  const states = new Map<string, HysteresisState>();
  return {
    get: (symbol) => states.get(symbol),
    keep: (state) => {
      states.set(state.symbol, state);
    },
  };
};

/** Appends after which a file is written anew with one line per symbol, as the reference does. */
const COMPACTED_AFTER = 5_000;

/**
 * States that a file keeps; lines that are no record are passed over, as the reference does. Refuses a file in which none
 * is one (`invalid_store`), and writes nothing into it: it is another file, or a broken one.
 */
export const beliefFile = (
  file: string,
  config: BeliefHysteresisConfig,
  compactedAfter = COMPACTED_AFTER,
): BeliefStore => {
  const states = restoreHysteresis(config);
  const records = openRecordFile(file, {
    name: 'hysteresis_store_record',
    head: '{"anchor_regime":',
    hear: states.hear,
    otherLines: 'passed_over',
  });
  let appended = 0;
  return {
    get: (symbol) => states.known.get(symbol),
    keep: (state) => {
      if (!hasAdvanced(state, states.known.get(state.symbol))) return;
      records.append([hysteresisStoreLine(state)]);
      states.known.set(state.symbol, state);
      appended += 1;
      if (appended % compactedAfter === 0) records.replace(compacted(states.known));
    },
  };
};

const compacted = (states: ReadonlyMap<string, HysteresisState>): readonly string[] =>
  [...states]
    .sort(([left], [right]) => compareText(left, right))
    .map(([, state]) => hysteresisStoreLine(state));
