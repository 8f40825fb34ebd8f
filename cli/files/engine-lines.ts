/** `engine run`, `decide`, `believe` and `snapshot` line by line. State is kept per symbol; a refused line leaves it as it was. */
import { DecisionHysteresisConfig, BeliefHysteresisConfig } from '#contracts/market/hysteresis.ts';
import type { DecisionState } from '#contracts/market/hysteresis.ts';
import { EngineSetting } from '#contracts/market/engine-setting.ts';
import { RegimeOutput, RegimeState } from '#contracts/market/regime.ts';
import { RegimeInputSnapshot } from '#contracts/market/regime-snapshot.ts';
import { referenceEngine } from '#domain/market/engine/options.ts';
import type { EngineOptions } from '#domain/market/engine/options.ts';
import { beliefFault } from '#domain/market/engine/regime-state.ts';
import { think } from '#domain/market/engine/run.ts';
import type { Thought } from '#domain/market/engine/run.ts';
import { buildSnapshot, encodeSnapshot, missingPaths } from '#domain/market/engine/snapshot.ts';
import { engineOptions } from '#domain/market/engine/veto-thresholds.ts';
import { advanceBelief } from '#domain/market/hysteresis/belief.ts';
import { decideRegime, initialDecisionState } from '#domain/market/hysteresis/decision.ts';
import { lineReader, refusedLine } from '#cli/files/answer-lines.ts';
import type { Answers, LineAnswers, ReadLine } from '#cli/files/answer-lines.ts';
import { beliefFile, beliefMemory } from '#cli/files/belief-file.ts';
import { configOf } from '#cli/files/config-file.ts';
import type { KeepDecision } from '#cli/files/regime-log-files.ts';
import type { TapeLine } from '#cli/tape/open-tape.ts';

const readSnapshot = lineReader(RegimeInputSnapshot, 'invalid_snapshot');
// Additive members of an output are tolerated, as they are everywhere.
const readOutput = lineReader(RegimeOutput.strip(), 'invalid_regime_output');
const readState = lineReader(
  RegimeState.superRefine(({ belief_by_regime: belief, anchor_regime: anchor }, context) => {
    const fault = beliefFault(belief, anchor);
    if (fault !== undefined) context.addIssue(fault);
  }),
  'invalid_regime_state',
);

/** What the engine thinks of a line, or the refusal of it. */
const thoughtOf = (line: TapeLine, options: EngineOptions): ReadLine<Thought> => {
  const read = readSnapshot(line);
  if (read.kind === 'refused') return read;
  const { symbol, timestamp, ...parts } = read.value;
  try {
    const snapshot = buildSnapshot({ symbol, engineTimestampMs: timestamp }, parts);
    return { kind: 'read', value: think(snapshot, options) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'refused', refusal: refusedLine('engine_failure', message) };
  }
};

/** A RegimeInputSnapshot a line → its RegimeOutput. */
export const runLines = (setting: unknown): LineAnswers => {
  const options = engineOptions(configOf(EngineSetting, setting));
  return {
    answer: (line) => {
      const thought = thoughtOf(line, options);
      return [thought.kind === 'refused' ? thought.refusal : thought.value.output];
    },
  };
};

/** RegimeOutputs in order → a HysteresisDecision for each, which may be kept as well. */
export const decideLines = (setting: unknown, keep?: KeepDecision): LineAnswers => {
  const config = configOf(DecisionHysteresisConfig, setting);
  const states = new Map<string, DecisionState>();
  const answer = (line: TapeLine): Answers => {
    const read = readOutput(line);
    if (read.kind === 'refused') return [read.refusal];
    const { symbol } = read.value;
    const result = decideRegime(read.value, states.get(symbol) ?? initialDecisionState, config);
    if (result.kind === 'refused') return [refusedLine('non_increasing_timestamp', result.message)];
    states.set(symbol, result.state);
    keep?.(read.value, result.decision);
    return [result.decision];
  };
  return { answer };
};

const isState = ({ text }: TapeLine): boolean => {
  // A cheap look: a snapshot may hold the word somewhere, a state has it as its schema.
  if (!text.includes('regime_state')) return false;
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null && 'schema' in json && json.schema === 'regime_state';
  } catch {
    return false;
  }
};

const stateOf = (line: TapeLine): ReadLine<RegimeState> => {
  if (isState(line)) return readState(line);
  const thought = thoughtOf(line, referenceEngine);
  return thought.kind === 'refused' ? thought : { kind: 'read', value: thought.value.state };
};

/** Snapshots or beliefs in order → a HysteresisState for each; with a file, which keeps them, from where it left off. */
export const believeLines = (setting: unknown, file?: string): LineAnswers => {
  const config = configOf(BeliefHysteresisConfig, setting);
  const store = file === undefined ? beliefMemory() : beliefFile(file, config);
  const answer = (line: TapeLine): Answers => {
    const read = stateOf(line);
    if (read.kind === 'refused') return [read.refusal];
    const result = advanceBelief(read.value, store.get(read.value.symbol), config);
    if (result.kind === 'refused') return [refusedLine('hysteresis_monotonicity_violation', result.message)];
    store.keep(result.state);
    return [result.state];
  };
  return { answer };
};

/** A RegimeInputSnapshot a line → the line it is kept as, to the byte, and what is missing in it. */
export const snapshotLines = (): LineAnswers => ({
  answer: (line) => {
    const read = readSnapshot(line);
    if (read.kind === 'refused') return [read.refusal];
    const { symbol, timestamp, ...parts } = read.value;
    const snapshot = buildSnapshot({ symbol, engineTimestampMs: timestamp }, parts);
    return [{ snapshot_line: encodeSnapshot(snapshot), missing_paths: missingPaths(snapshot) }];
  },
});
