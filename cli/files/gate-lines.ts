/**
 * `layers gate` line by line: the state gate over events that a feed said, without a stack (market reference, section
 * 11.1). Events come in order; additive members of a newer writer are dropped.
 */
import * as z from 'zod';
import { HeardOrchestratorEvent, ResumeGateLine } from '#contracts/market/heard-events.ts';
import { StateGateStep } from '#contracts/market/layer-steps.ts';
import { gateSetting } from '#domain/market/layers/config.ts';
import { isGateInput } from '#domain/market/state-gate/assembly.ts';
import type { GateInputEvent } from '#domain/market/state-gate/assembly.ts';
import { gateHealth, haltGate, initialGateState, passGate } from '#domain/market/state-gate/gate.ts';
import type { GateHealth, GatePassage, GateSetting, GateState } from '#domain/market/state-gate/gate.ts';
import { failureStep, gateAfterStep, passageStep, resumptionStep } from '#domain/market/state-gate/steps.ts';
import { lineReader, refusedLine } from '#cli/files/answer-lines.ts';
import type { Answers, LineAnswers } from '#cli/files/answer-lines.ts';
import { configOf } from '#cli/files/config-file.ts';
import { LayersFile } from '#cli/files/layers-file.ts';
import { openRecordFile } from '#cli/files/record-file.ts';
import { noStore, stepStore } from '#cli/files/step-store.ts';
import type { StepStore } from '#cli/files/step-store.ts';

const readGateLine = lineReader(
  z.union([ResumeGateLine, HeardOrchestratorEvent]),
  'invalid_orchestrator_event',
);

/** How a gate is run over lines. */
export interface GateLinesOptions {
  /** Judges a run as soon as hysteresis has spoken, as the reference does, whose denylist is then blind. */
  readonly isFirstHysteresis?: boolean;
  /** Keeps its steps, and goes on from those that are there. */
  readonly store?: string | undefined;
  /** How its steps are opened. */
  readonly open?: typeof openRecordFile;
}

/** A gate over lines, how it is doing, and which symbols it halted and could not keep as halted. */
export type GateLines = LineAnswers & {
  readonly health: () => GateHealth;
  readonly unkeptSymbols: () => readonly string[];
};

/** A gate under way. */
interface Gate {
  state: GateState;
  readonly setting: GateSetting;
  readonly store: StepStore<StateGateStep>;
}

/** Orchestrator events, and lines that resume a symbol → state gate events. */
export const gateLines = (
  given: unknown,
  { isFirstHysteresis = false, store, open = openRecordFile }: GateLinesOptions = {},
): GateLines => {
  const setting: GateSetting = {
    ...gateSetting(configOf(LayersFile, given)),
    rule: isFirstHysteresis ? 'first_hysteresis' : 'whole_run',
  };
  let known = initialGateState;
  const hear = (step: StateGateStep): void => {
    known = gateAfterStep(known, step);
  };
  const steps =
    store === undefined
      ? noStore<StateGateStep>()
      : stepStore(store, { schema: StateGateStep, name: 'state_gate_step', hear, open });
  const gate: Gate = { state: known, setting, store: steps };
  const answer: LineAnswers['answer'] = (line) => {
    const read = readGateLine(line);
    if (read.kind === 'refused') return [read.refusal];
    if ('resume' in read.value) return resume(gate, read.value.resume, line.line);
    return isGateInput(read.value) ? pass(gate, read.value, line.line) : [];
  };
  const end = (): Answers => {
    steps.settle();
    return [];
  };
  const unkeptSymbols = (): readonly string[] =>
    [...new Set(steps.owed().flatMap((step) => ('input' in step ? [step.input.symbol] : [])))].sort();
  return { answer, end, health: () => gateHealth(gate.state), unkeptSymbols };
};

/** A symbol whose resumption cannot be kept would be halted again after a restart: it is not resumed. */
const resume = (gate: Gate, symbol: string, line: number): Answers => {
  if (!gate.state.halted.has(symbol)) return [];
  const step = resumptionStep(symbol);
  try {
    gate.store.keep(step);
  } catch (error) {
    const message = `line ${line}: ${symbol} stays halted, as its resumption cannot be kept: ${String(error)}`;
    return [refusedLine('persistence_failure', message)];
  }
  gate.state = gateAfterStep(gate.state, step);
  return [];
};

const pass = (gate: Gate, event: GateInputEvent, line: number): Answers => {
  const step = passGate(gate.state, event, gate.setting);
  if (step.kind === 'refused') return [refusedLine('inconsistent_run', `line ${line}: ${step.message}`)];
  if (step.state === gate.state) return gate.store.toldBefore(event);
  const kept = keep(gate, event, step);
  gate.state = kept.state;
  return kept.events;
};

/** A judgement is told once it is kept; when it cannot be, the gate has failed on the symbol. */
const keep = ({ state, store }: Gate, event: GateInputEvent, passage: GatePassage): GatePassage => {
  try {
    store.keep(passageStep(event, passage));
    return passage;
  } catch (error) {
    const failure = { error_kind: 'persistence_failure', error_detail: String(error) } as const;
    const halted = haltGate(state, event, failure);
    store.keepSoon(failureStep(event, halted, failure.error_kind));
    return halted;
  }
};
