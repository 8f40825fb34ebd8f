/** The Amazon States Language as this engine runs it: JSONata only, every field it does not know refused. */
import { checkMachine } from './definition-check.ts';
import type { Problem } from './template-check.ts';

export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
  readonly BackoffRate?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: 'FULL' | 'NONE';
}

export interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly Next: string;
  readonly Assign?: Readonly<Record<string, unknown>>;
  readonly Output?: unknown;
}

interface Leaving {
  readonly Next?: string;
  readonly End?: boolean;
  readonly Assign?: Readonly<Record<string, unknown>>;
  readonly Output?: unknown;
}

interface Failing {
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly Catcher[];
}

export interface PassState extends Leaving {
  readonly Type: 'Pass';
}

export interface SucceedState {
  readonly Type: 'Succeed';
  readonly Output?: unknown;
}

export interface FailState {
  readonly Type: 'Fail';
  readonly Error?: string;
  readonly Cause?: string;
}

export interface WaitState extends Leaving {
  readonly Type: 'Wait';
  readonly Seconds?: number | string;
  readonly Timestamp?: string;
}

export interface ChoiceRule {
  readonly Condition: string;
  readonly Next: string;
  readonly Assign?: Readonly<Record<string, unknown>>;
  readonly Output?: unknown;
}

export interface ChoiceState {
  readonly Type: 'Choice';
  readonly Choices: readonly ChoiceRule[];
  readonly Default?: string;
  readonly Assign?: Readonly<Record<string, unknown>>;
  readonly Output?: unknown;
}

export interface TaskState extends Leaving, Failing {
  readonly Type: 'Task';
  readonly Resource: string;
  readonly Arguments?: unknown;
  readonly TimeoutSeconds?: number | string;
  readonly HeartbeatSeconds?: number | string;
}

export interface ParallelState extends Leaving, Failing {
  readonly Type: 'Parallel';
  readonly Branches: readonly StateGraph[];
  readonly Arguments?: unknown;
}

export interface MapState extends Leaving, Failing {
  readonly Type: 'Map';
  readonly ItemProcessor: StateGraph;
  readonly Items?: unknown;
  readonly ItemSelector?: unknown;
  readonly MaxConcurrency?: number | string;
  readonly ToleratedFailureCount?: number | string;
  readonly ToleratedFailurePercentage?: number | string;
}

export type State =
  PassState | SucceedState | FailState | WaitState | ChoiceState | TaskState | ParallelState | MapState;

/** States and where they start: a machine, a branch of a Parallel or the processor of a Map. */
export interface StateGraph {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}

export interface MachineDefinition extends StateGraph {
  readonly TimeoutSeconds?: number;
}

/**
 * Every fault of a definition with its place as a JSON pointer, for example `/States/Wait/SecondsPath`; an empty
 * list means the engine runs it exactly as written.
 */
export const checkDefinition = (text: string): readonly Problem[] => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    return [
      { path: '', problem: `not valid JSON: ${thrown instanceof Error ? thrown.message : 'unreadable'}` },
    ];
  }
  return checkMachine(value);
};

/** Reads a definition that `checkDefinition` found without fault. */
export const parseDefinition = (text: string): MachineDefinition => JSON.parse(text) as MachineDefinition;
