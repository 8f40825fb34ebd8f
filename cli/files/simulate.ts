/**
 * `feed simulate` line by line: a recorded buffer in, what a live feed would publish of it out. A captured feed begins
 * with a header that holds its configuration and says how many records follow.
 */
import { RawInputBufferRecord } from '#contracts/market/buffer-record.ts';
import { FeedCaptureHeader } from '#contracts/market/feed-replay.ts';
import { SimulationConfig } from '#contracts/market/simulation-config.ts';
import { addOutput, openOutputHash, outputDigest } from '#domain/market/output-hash.ts';
import { runSetting } from '#domain/market/run-setting.ts';
import {
  endSimulation,
  eventsOfRun,
  openSimulation,
  recordOfRun,
  takeRecord,
} from '#domain/market/simulation.ts';
import type { SimulatedRun, Simulation } from '#domain/market/simulation.ts';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { issueText, lineReader, refusedLine } from '#cli/files/answer-lines.ts';
import type { Answers, LineAnswers } from '#cli/files/answer-lines.ts';
import { configOf } from '#cli/files/config-file.ts';
import type { TapeLine } from '#cli/tape/open-tape.ts';

const readRecord = lineReader(RawInputBufferRecord, 'invalid_buffer_record');

/** The answers to a log, and what they come to. */
export interface SimulatedLines extends LineAnswers {
  /** The hash of the events; undefined before the end, when records were printed instead, and when a line was refused. */
  readonly outputHash: () => string | undefined;
}

/**
 * RawInputBufferRecords in order → OrchestratorEvents, or the records of the planned runs. Without a configuration the
 * log has to be a captured feed; with one the header of a captured feed is skipped.
 */
export const simulateLines = (given: unknown, printsRecords: boolean): SimulatedLines => {
  const hash = openOutputHash('once');
  let simulation = given === undefined ? undefined : simulationOf(configOf(SimulationConfig, given));
  let captured: FeedCaptureHeader | undefined;
  let isFirst = true;
  let takenCount = 0;
  let isRefused = false;
  let isEnded = false;

  const begin = (line: TapeLine): boolean => {
    isFirst = false;
    const header = headerOf(line);
    if (simulation) return header !== undefined;
    if (!header) throw notCaptured();
    captured = header;
    simulation = simulationOf(SimulationConfig.parse(header.config));
    return true;
  };
  const refuse = (...refusals: Answers): Answers => {
    isRefused = true;
    return refusals;
  };
  const told = (current: Simulation, run: SimulatedRun): Answers => {
    if (printsRecords) return [recordOfRun(current, run)];
    const events = eventsOfRun(current, run);
    for (const event of events) addOutput(hash, event);
    return events;
  };
  const take = (line: TapeLine, current: Simulation): Answers => {
    const read = readRecord(line);
    if (read.kind === 'refused') return refuse(read.refusal);
    const taken = takeRecord(current, read.value);
    if (taken.kind === 'refused')
      return refuse(refusedLine('invalid_buffer_record', `line ${line.line}: ${taken.message}`));
    takenCount += 1;
    return taken.runs.flatMap((run) => told(current, run));
  };
  return {
    answer: (line) => {
      if (isFirst && begin(line)) return [];
      return simulation ? take(line, simulation) : [];
    },
    end: () => {
      if (!simulation) throw notCaptured();
      const current = simulation;
      const missing = captured && missingText(captured, { takenCount, lastSeq: current.lastSeq });
      if (missing !== undefined) return refuse(refusedLine('invalid_buffer_record', missing));
      const events = endSimulation(current).flatMap((run) => told(current, run));
      isEnded = true;
      return events;
    },
    outputHash: () => (isEnded && !isRefused && !printsRecords ? outputDigest(hash) : undefined),
  };
};

const notCaptured = (): CliError =>
  new CliError('invalid_config', 'the log is no captured feed; give --config', {
    exitCode: exitCodes.usage,
  });

const simulationOf = (config: SimulationConfig): Simulation =>
  openSimulation({
    scheduler: config.scheduler,
    startMs: config.scheduler_start_now_ms,
    engineMode: config.engine_mode,
    run: runSetting(config.engine_mode, config),
    ...(config.symbols ? { symbols: new Set(config.symbols) } : {}),
  });

/** The header a line is, if it means to be one. */
const headerOf = ({ line, text }: TapeLine): FeedCaptureHeader | undefined => {
  if (!text.includes('"feed_capture"')) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof json !== 'object' || json === null || !('schema' in json) || json.schema !== 'feed_capture')
    return undefined;
  const parsed = FeedCaptureHeader.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new CliError('invalid_capture', `line ${line}: ${issueText(parsed.error)}`, {
    exitCode: exitCodes.usage,
  });
};

/** What is wrong with the number of records; sequences that rise to their count have no gap. */
const missingText = (
  { record_count: count }: FeedCaptureHeader,
  { takenCount, lastSeq }: { readonly takenCount: number; readonly lastSeq: number },
): string | undefined =>
  takenCount === count && lastSeq === count
    ? undefined
    : `the capture holds ${takenCount} records up to ${lastSeq}, its header says ${count}`;

/** The members of a configuration that mean nothing to a simulation. */
export const unknownMembers = (given: unknown): readonly string[] =>
  typeof given === 'object' && given !== null
    ? Object.keys(given).filter((name) => !Object.hasOwn(SimulationConfig.shape, name))
    : [];
