/**
 * `layers gate`, `analyse` and `show` line by line: the later layers over events that a feed said, without a stack
 * (market reference, section 11). Events come in order; additive members of a newer writer are dropped.
 */
import * as z from 'zod';
import { AnalysisConfig, AnalysisModuleStateRecord, analysisDefault } from '#contracts/market/analysis.ts';
import {
  HeardEvent,
  HeardGateEvent,
  HeardOrchestratorEvent,
  ResumeGateLine,
} from '#contracts/market/heard-events.ts';
import { LayersConfig } from '#contracts/market/layers-config.ts';
import { StateGateRecord } from '#contracts/market/state-gate.ts';
import { valueOfLine } from '#domain/kernel/json-line.ts';
import { afterRecord, analyse } from '#domain/market/analysis/analyse.ts';
import type { AnalysisState } from '#domain/market/analysis/analyse.ts';
import { analysisModules } from '#domain/market/analysis/modules/registry.ts';
import { analysisSetting } from '#domain/market/analysis/setting.ts';
import { initialDashboard, noteIngestFailure, observe } from '#domain/market/dashboard/observation.ts';
import { dashboardViewModel } from '#domain/market/dashboard/view-model.ts';
import { gateSetting } from '#domain/market/layers/config.ts';
import { isGateInput } from '#domain/market/state-gate/assembly.ts';
import {
  gateAfterRecord,
  gateHealth,
  haltGate,
  initialGateState,
  passGate,
  resumeGate,
} from '#domain/market/state-gate/gate.ts';
import type { GateHealth, GatePassage, GateSetting, GateState } from '#domain/market/state-gate/gate.ts';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { lineReader, refusedLine } from '#cli/files/answer-lines.ts';
import type { Answers, LineAnswers } from '#cli/files/answer-lines.ts';
import { configOf } from '#cli/files/config-file.ts';
import { openRecordFile } from '#cli/files/record-file.ts';

/** The members of a feed's configuration that its layers go by. */
const LayersFile = LayersConfig.extend({ analysis_engine: AnalysisConfig.default(analysisDefault) });

const readGateLine = lineReader(
  z.union([ResumeGateLine, HeardOrchestratorEvent]),
  'invalid_orchestrator_event',
);
const readGateEvent = lineReader(HeardGateEvent, 'invalid_state_gate_event');
const readEvent = lineReader(HeardEvent, 'invalid_layer_event');

/** How a gate is run over lines. */
export interface GateLinesOptions {
  /** Judges a run as soon as hysteresis has spoken, as the reference does, whose denylist is then blind. */
  readonly isFirstHysteresis?: boolean;
  /** Keeps its records, and goes on from those that are there. */
  readonly store?: string | undefined;
  /** How its records are opened. */
  readonly open?: typeof openRecordFile;
}

/** Orchestrator events, and lines that resume a symbol → state gate events. */
export const gateLines = (
  given: unknown,
  { isFirstHysteresis = false, store, open = openRecordFile }: GateLinesOptions = {},
): LineAnswers & { readonly health: () => GateHealth } => {
  const setting: GateSetting = {
    ...gateSetting(configOf(LayersFile, given)),
    rule: isFirstHysteresis ? 'first_hysteresis' : 'whole_run',
  };
  let state: GateState = initialGateState;
  const hear = (record: StateGateRecord): void => {
    state = gateAfterRecord(state, record);
  };
  const append = recordsOf(store, { schema: StateGateRecord, hear, open });
  const answer: LineAnswers['answer'] = (line) => {
    const read = readGateLine(line);
    if (read.kind === 'refused') return [read.refusal];
    if ('resume' in read.value) {
      state = resumeGate(state, read.value.resume);
      return [];
    }
    const step = passGate(state, read.value, setting);
    if (step.kind === 'refused')
      return [refusedLine('inconsistent_run', `line ${line.line}: ${step.message}`)];
    const kept = keep(step, read.value, { append, before: state });
    ({ state } = kept);
    return kept.events;
  };
  return { answer, health: () => gateHealth(state) };
};

/** A judgement is told once its records are kept; when they cannot be, the gate has failed on the symbol. */
const keep = (
  step: GatePassage,
  event: z.infer<typeof HeardOrchestratorEvent>,
  { append, before }: { readonly append: Append<StateGateRecord>; readonly before: GateState },
): GatePassage => {
  try {
    append(step.records);
    return step;
  } catch (error) {
    // Only an input of the gate leads to records.
    if (!isGateInput(event)) throw error;
    return haltGate(before, event, { error_kind: 'persistence_failure', error_detail: String(error) });
  }
};

type Append<Kept> = (records: readonly Kept[]) => void;

/** Keeps records in a file and hears those it has; keeps nothing without a file. */
const recordsOf = <Kept>(
  store: string | undefined,
  {
    schema,
    hear,
    open,
  }: {
    readonly schema: z.ZodType<Kept>;
    readonly hear: (record: Kept) => void;
    readonly open: typeof openRecordFile;
  },
): Append<Kept> => {
  if (store === undefined) return () => undefined;
  const file = open(store, (line) => {
    const record = valueOfLine(schema, line);
    if (record !== undefined) hear(record);
  });
  return (records) => {
    if (records.length > 0) file.append(records.map((record) => JSON.stringify(record)));
  };
};

/** State gate events → analysis engine events. */
export const analyseLines = (given: unknown, store?: string): LineAnswers => {
  const result = analysisSetting(configOf(LayersFile, given).analysis_engine, analysisModules);
  if (result.kind === 'invalid')
    throw new CliError('invalid_config', `the configuration is refused: ${result.message}`, {
      exitCode: exitCodes.usage,
    });
  let state: AnalysisState = new Map();
  const hear = (record: AnalysisModuleStateRecord): void => {
    state = afterRecord(state, record);
  };
  const append = recordsOf(store, { schema: AnalysisModuleStateRecord, hear, open: openRecordFile });
  const answer = (line: Parameters<typeof readGateEvent>[0]): Answers => {
    const read = readGateEvent(line);
    if (read.kind === 'refused') return [read.refusal];
    const step = analyse(state, read.value, result.setting);
    append(step.records);
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
