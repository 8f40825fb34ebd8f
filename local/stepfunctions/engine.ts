/**
 * AWS Step Functions of the local cloud: STANDARD machines in JSONata. Executions are durable: `restore` rebuilds
 * them from the journal and `resume` walks on from where each strand was. A call whose answer was not journaled is
 * made again; a wait keeps its instant; a token keeps its task.
 *
 * Not imitated: EXPRESS machines, distributed maps, `.sync` integrations, activities, versions and aliases,
 * redrive, log delivery, request throttling.
 */
import type { Engine } from '#local/kernel/engine.ts';
import type { Execution } from './execution.ts';
import { executionOperations } from './execution-operations.ts';
import type { Conductor } from './execution-operations.ts';
import { createEvaluate } from './expression.ts';
import { conduct } from './interpreter.ts';
import { machineOperations } from './machine-operations.ts';
import { close, endOfStrands } from './run.ts';
import type { Machinery, StatesSetting } from './run.ts';
import { createStore } from './store.ts';
import { tokenOperations } from './token-operations.ts';

export interface StepFunctions {
  readonly engine: Engine;
  /** Walks on every restored execution that is still running; to be called once, after the last `restore`. */
  readonly resume: () => void;
}

/** Builds the engine; `setting.runTask` makes the calls that tasks ask for. */
export const createStepFunctions = (setting: StatesSetting): StepFunctions => {
  const store = createStore(setting);
  const machinery: Machinery = { setting, store, evaluate: createEvaluate(setting), wakers: new Map() };
  const conductor = createConductor(machinery);
  const running = (): readonly Execution[] =>
    [...store.executions.values()].filter(({ status }) => status === 'RUNNING');
  const abandon = (machineArn: string): void => {
    for (const execution of running()) if (execution.machineArn === machineArn) conductor.stop(execution, {});
  };
  return {
    engine: {
      operations: {
        ...machineOperations(machinery, abandon),
        ...executionOperations(machinery, conductor),
        ...tokenOperations(machinery),
      },
      restore: store.restore,
      snapshot: store.snapshot,
    },
    resume: () => {
      for (const execution of running()) conductor.start(execution);
    },
  };
};

const createConductor = (machinery: Machinery): Conductor => {
  const walking = new Map<string, AbortController>();
  return {
    start: (execution) => {
      if (walking.has(execution.arn)) return;
      const controller = endOfStrands();
      walking.set(execution.arn, controller);
      void conduct({ machinery, execution }, controller).finally(() => {
        if (walking.get(execution.arn) === controller) walking.delete(execution.arn);
      });
    },
    stop: (execution, { error, cause }) => {
      const named = { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
      const atMs = machinery.setting.clock.nowMs();
      const event = { type: 'ExecutionAborted', details: named };
      close({ machinery, execution }, { status: 'ABORTED', atMs, ...named }, event, 0);
      walking.get(execution.arn)?.abort();
      walking.delete(execution.arn);
    },
  };
};
