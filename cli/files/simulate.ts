/** `feed simulate` line by line: a recorded buffer in, what a live feed would publish of it out. */
import { RawInputBufferRecord } from '#contracts/market/buffer-record.ts';
import { SimulationConfig } from '#contracts/market/simulation-config.ts';
import { runSetting } from '#domain/market/run-setting.ts';
import {
  endSimulation,
  eventsOfRun,
  openSimulation,
  recordOfRun,
  takeRecord,
} from '#domain/market/simulation.ts';
import type { SimulatedRun } from '#domain/market/simulation.ts';
import { lineReader, refusedLine } from '#cli/files/answer-lines.ts';
import type { Answers, LineAnswers } from '#cli/files/answer-lines.ts';
import { configOf } from '#cli/files/config-file.ts';

const readRecord = lineReader(RawInputBufferRecord, 'invalid_buffer_record');

/** RawInputBufferRecords in order → OrchestratorEvents, or the records of the planned runs. */
export const simulateLines = (given: unknown, printsRecords: boolean): LineAnswers => {
  const config = configOf(SimulationConfig, given);
  const simulation = openSimulation({
    scheduler: config.scheduler,
    startMs: config.scheduler_start_now_ms,
    engineMode: config.engine_mode,
    run: runSetting(config.engine_mode, config),
    ...(config.symbols ? { symbols: new Set(config.symbols) } : {}),
  });
  const told = (run: SimulatedRun): Answers =>
    printsRecords ? [recordOfRun(simulation, run)] : eventsOfRun(simulation, run);
  return {
    answer: (line) => {
      const read = readRecord(line);
      if (read.kind === 'refused') return [read.refusal];
      const taken = takeRecord(simulation, read.value);
      return taken.kind === 'refused'
        ? [refusedLine('invalid_buffer_record', `line ${line.line}: ${taken.message}`)]
        : taken.runs.flatMap(told);
    },
    end: () => endSimulation(simulation).flatMap(told),
  };
};

/** The members of a configuration that mean nothing to a simulation. */
export const unknownMembers = (given: unknown): readonly string[] =>
  typeof given === 'object' && given !== null
    ? Object.keys(given).filter((name) => !Object.hasOwn(SimulationConfig.shape, name))
    : [];
