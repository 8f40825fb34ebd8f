/** `run-task` over a local stage, with functions of the test's own. */
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { FunctionLocation } from '#contracts/runs/locations.ts';
import { taskTokens } from '#adapters/tokens/task-token.ts';
import type { Invoked } from '#domain/ports/functions.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runTask } from '#functions/run-task/run-task.ts';
import { loadStream } from '#functions/shared/load.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { adaptersOf, commandPorts, requestOf } from '#test/support/ledger.ts';
import type { RememberingPorts } from '#test/support/ledger.ts';
import type { LocalStage } from '#test/support/ports.ts';
import { planOf, stream, triggerOf } from '#test/support/run-fixtures.ts';
import type { Edges, PlanOptions } from '#test/support/run-fixtures.ts';

/** The location of every task of these runs. */
export const location: FunctionLocation = {
  executionLocationId: 'runner',
  kind: 'lambda',
  workerQueue: 'default-queue',
  functionName: 'sluice-dev-worker-fn',
  callbackBaseUrl: 'https://sluice.example.com/dev',
};

export interface FunctionRig {
  readonly ports: RememberingPorts;
  /** Envelopes the function was invoked with, in order. */
  readonly invoked: readonly DispatchEnvelope[];
  /** Takes a message about a task. */
  readonly take: (
    taskKey: string,
    over?: { readonly attempt?: number; readonly sendNo?: number },
  ) => Promise<void>;
}

export interface FunctionRigOptions {
  readonly invoke?: (event: DispatchEnvelope, signal: AbortSignal) => Promise<Invoked>;
  readonly functionStepsMax?: number;
  readonly isOpen?: () => Promise<boolean>;
  readonly remainingMs?: () => number;
  /** Lets time pass; default never, so that functions end first. */
  readonly sleep?: (waitMs: number) => Promise<void>;
}

const never = (): Promise<void> => new Promise(() => undefined);

/** An environment of `run-task` that shares the stage with others. */
export const functionRig = (stage: LocalStage, options: FunctionRigOptions = {}): FunctionRig => {
  const { invoke = () => Promise.resolve({ kind: 'answered', answer: null }), sleep = never } = options;
  const ports = commandPorts(stage);
  const invoked: DispatchEnvelope[] = [];
  const tasks = {
    ...ports,
    loadRun: async (place: string) => {
      const loaded = await loadStream(ports.ledger, runAggregate, place);
      if (!runAggregate.isTerminal(loaded.state)) ports.cache.put(place, loaded);
      return loaded.state;
    },
    mailbox: mailbox(ports),
    queues: adaptersOf(stage).queues,
    tokens: taskTokens({
      secret: () => Promise.resolve('a secret of tests that is long enough for HS256'),
      nowMs: stage.clock.nowMs,
      ttlMs: 60_000,
    }),
    invoke: (_name: string, event: DispatchEnvelope, signal: AbortSignal) => {
      invoked.push(event);
      return invoke(event, signal);
    },
    isOpen: options.isOpen ?? (() => Promise.resolve(true)),
    sleep,
    remainingMs: options.remainingMs ?? (() => Number.POSITIVE_INFINITY),
    functionStepsMax: options.functionStepsMax ?? 100,
  };
  return {
    ports,
    invoked,
    take: (taskKey, { attempt = 1, sendNo = 1 } = {}) =>
      runTask(tasks, JSON.stringify({ stream, taskKey, attempt, sendNo })),
  };
};

/** Starts a run of tasks of the location, and leaves its effects to the test. */
export const startFunctionRun = async (
  stage: LocalStage,
  edges: Edges,
  options: PlanOptions = {},
): Promise<void> => {
  const plan = { ...planOf(edges, options), locations: [location] };
  await mailbox(commandPorts(stage)).send(runAggregate, requestOf(stream, triggerOf(plan)));
};
