/** The effects a run owes: an offer for every dispatched task, a timer for every task that waits for its retry. */
import type { RetryTaskInput } from '#contracts/runs/read.ts';
import type { Effect } from '#domain/kernel/effect.ts';
import { attemptId, dispatchId, effectName, retryTimerId } from '#domain/kernel/ids.ts';
import { attemptRef } from '#domain/run/draft.ts';
import { originOf, policyOf } from '#domain/run/run.ts';
import type { OpenTask, Run, RunOrigin } from '#domain/run/run.ts';

type Dispatched = Extract<OpenTask, { readonly status: 'DISPATCHED' }>;
type Waiting = Extract<OpenTask, { readonly status: 'RETRY_WAIT' }>;

/** One timer per retry: an execution that is lost is made good by the sweeper, which retries by itself. */
const RETRY_GENERATION = 1;

/**
 * Effects of tasks are computed once per task state, which never changes: a busy run asks for them with every
 * commit, and each name costs a hash.
 */
const remembered = new WeakMap<OpenTask, Effect>();

const once = (task: OpenTask, make: () => Effect): Effect => {
  const known = remembered.get(task);
  if (known) return known;
  const effect = make();
  remembered.set(task, effect);
  return effect;
};

/** Every effect still owed, each under a name made of ids and the send number alone. */
export const outstanding = (run: Run): readonly Effect[] => {
  if (run.status !== 'RUNNING') return [];
  const origin = originOf(run);
  return run.tasks.flatMap((task, index) => {
    if (task.status === 'DISPATCHED') return [once(task, () => offer(origin, index, task))];
    if (task.status === 'RETRY_WAIT') return [once(task, () => retryTimer(origin, index, task))];
    return [];
  });
};

const offer = (origin: RunOrigin, index: number, task: Dispatched): Effect => {
  const ref = attemptRef(origin, index, task.attempt);
  const { queue, priority } = policyOf(origin.plan, index);
  return {
    kind: 'offer-task',
    name: effectName('offer', dispatchId(ref), task.sendNo),
    tenantId: origin.header.tenantId,
    workspaceId: origin.header.workspaceId,
    queue,
    priority,
    ...ref,
    attemptId: attemptId(ref),
    readyAtMs: task.readyAtMs,
  };
};

const retryTimer = (origin: RunOrigin, index: number, task: Waiting): Effect => {
  const ref = attemptRef(origin, index, task.attempt);
  const input: RetryTaskInput = {
    runId: origin.header.runId,
    tenantId: origin.header.tenantId,
    workspaceId: origin.header.workspaceId,
    taskKey: ref.taskKey,
    attempt: task.attempt,
    retryAt: new Date(task.retryAtMs).toISOString(),
  };
  return {
    kind: 'start-execution',
    name: effectName('retry', retryTimerId(ref, task.retryAtMs), RETRY_GENERATION),
    machine: 'retry-task',
    input,
  };
};
