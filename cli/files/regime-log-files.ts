/** The regime log as files: one folder, one file per UTC day, one record a line; and what is made of it. */
import { appendFileSync, mkdirSync } from 'node:fs';
import { ForwardValues } from '#contracts/market/regime-evaluation.ts';
import type { RegimeKey } from '#contracts/market/regime-evaluation.ts';
import type { HysteresisDecision } from '#contracts/market/hysteresis.ts';
import type { RegimeOutput } from '#contracts/market/regime.ts';
import { evaluateRegimes } from '#domain/market/evaluation/metrics.ts';
import {
  readRegimeLog,
  regimeLogLine,
  regimeLogPath,
  regimeLogRecord,
} from '#domain/market/evaluation/regime-log.ts';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import type { LineAnswers } from '#cli/files/answer-lines.ts';
import { configOf } from '#cli/files/config-file.ts';

/** Keeps a decision on an output of the engine. */
export type KeepDecision = (truth: RegimeOutput, decision: HysteresisDecision) => void;

/** Appends to the files of a folder, which is made when it is not there. */
export const regimeLogFolder = (folder: string): KeepDecision => {
  mkdirSync(folder, { recursive: true });
  return (truth, decision) => {
    const record = regimeLogRecord(truth, decision);
    if (record) appendFileSync(regimeLogPath(folder, record.timestamp), `${regimeLogLine(record)}\n`);
  };
};

/** Most lines of a log that are evaluated: they are in memory at once. */
const LINES_MAX = 1_000_000;

/** Lines of a regime log → one evaluation per symbol at the end. Lines that are no record are passed over. */
export const evaluateLines = (key: RegimeKey, given: unknown, linesMax = LINES_MAX): LineAnswers => {
  const values = new Map(Object.entries(configOf(ForwardValues, given)));
  const lines: string[] = [];
  return {
    answer: ({ text }) => {
      if (lines.length >= linesMax)
        throw new CliError('too_many_lines', `at most ${linesMax} lines are evaluated at once`, {
          exitCode: exitCodes.usage,
        });
      lines.push(text);
      return [];
    },
    end: () =>
      [...readRegimeLog(lines)].map(([symbol, records]) => evaluateRegimes(symbol, records, { key, values })),
  };
};
