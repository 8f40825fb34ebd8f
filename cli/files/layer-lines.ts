/**
 * `layers analyse` and `show` line by line: what listens to a gate, without a stack (market reference, sections 11.2 and
 * 11.3). Events come in order; additive members of a newer writer are dropped.
 */
import * as z from 'zod';
import { HeardEvent, HeardGateEvent, ResumeGateLine } from '#contracts/market/heard-events.ts';
import { AnalysisEngineStep } from '#contracts/market/layer-steps.ts';
import { analyse, resumeAnalysis } from '#domain/market/analysis/analyse.ts';
import type { AnalysisState } from '#domain/market/analysis/analyse.ts';
import { analysisModules } from '#domain/market/analysis/modules/registry.ts';
import { analysisSetting } from '#domain/market/analysis/setting.ts';
import { analysedStep, analysisAfterStep, resumedStep } from '#domain/market/analysis/steps.ts';
import { initialDashboard, noteIngestFailure, observe } from '#domain/market/dashboard/observation.ts';
import { dashboardViewModel } from '#domain/market/dashboard/view-model.ts';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { lineReader } from '#cli/files/answer-lines.ts';
import type { Answers, LineAnswers } from '#cli/files/answer-lines.ts';
import { configOf } from '#cli/files/config-file.ts';
import { LayersFile } from '#cli/files/layers-file.ts';
import { openRecordFile } from '#cli/files/record-file.ts';
import { noStore, stepStore } from '#cli/files/step-store.ts';

const readGateEvent = lineReader(z.union([ResumeGateLine, HeardGateEvent]), 'invalid_state_gate_event');
const readEvent = lineReader(HeardEvent, 'invalid_layer_event');

/**
 * State gate events, and lines that resume a symbol → analysis engine events. With a file, which keeps what came of each,
 * from where it left off. Throws what the file system throws when that cannot be kept; nothing is told of it then.
 */
export const analyseLines = (given: unknown, file?: string): LineAnswers => {
  const result = analysisSetting(configOf(LayersFile, given).analysis_engine, analysisModules);
  if (result.kind === 'invalid')
    throw new CliError('invalid_config', `the configuration is refused: ${result.message}`, {
      exitCode: exitCodes.usage,
    });
  let state: AnalysisState = new Map();
  const hear = (step: AnalysisEngineStep): void => {
    state = analysisAfterStep(state, step);
  };
  const name = 'analysis_engine_step';
  const store =
    file === undefined
      ? noStore<AnalysisEngineStep>()
      : stepStore(file, { schema: AnalysisEngineStep, name, hear, open: openRecordFile });
  const resume = (symbol: string): Answers => {
    const resumed = resumeAnalysis(state, symbol);
    if (resumed !== state) store.keep(resumedStep(symbol));
    state = resumed;
    return [];
  };
  const answer = (line: Parameters<typeof readGateEvent>[0]): Answers => {
    const read = readGateEvent(line);
    if (read.kind === 'refused') return [read.refusal];
    if ('resume' in read.value) return resume(read.value.resume);
    const step = analyse(state, read.value, result.setting);
    if (step.state === state) return store.toldBefore(read.value);
    store.keep(analysedStep(read.value, step));
    ({ state } = step);
    return step.events;
  };
  return { answer };
};

/** How a dashboard is shown. */
export interface ShowOptions {
  /** The instant of the model in milliseconds; the latest engine timestamp it has seen when left out. */
  readonly asOfMs?: number | undefined;
  /** Events older than this are stale, beliefs further apart are not compared; 0, the default, asks for neither. */
  readonly windowMs?: number | undefined;
}

/** Events of the three streams, in any order → one dashboard view model at the end. */
export const showLines = ({ asOfMs, windowMs = 0 }: ShowOptions): LineAnswers => {
  let state = initialDashboard;
  return {
    answer: (line) => {
      const read = readEvent(line);
      state = read.kind === 'read' ? observe(state, read.value) : noteIngestFailure(state);
      return read.kind === 'read' ? [] : [read.refusal];
    },
    end: () => [
      dashboardViewModel(state, asOfMs ?? Math.max(0, ...Object.values(state.lastMs)), { windowMs }),
    ],
  };
};
