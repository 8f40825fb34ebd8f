/**
 * A decision in the making: events are folded into a private copy as they are proposed, so that what follows from
 * one (skips, dispatches, the end of the run) is decided on the state it leaves.
 */
import { DISPATCH_WINDOW, INLINE_WINDOW } from '#contracts/runs/limits.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { RunEvent, RunEventData } from '#contracts/runs/run-events.ts';
import type { RunOutcome } from '#contracts/runs/states.ts';
import { attemptId, dispatchId } from '#domain/kernel/ids.ts';
import type { AttemptRef } from '#domain/kernel/ids.ts';
import { evolvePlanned } from '#domain/run/evolve.ts';
import type { ProgressEvent } from '#domain/run/evolve.ts';
import {
  attemptOf,
  inlineRunnerOf,
  isEnded,
  originOf,
  plannedTask,
  policyOf,
  taskAt,
} from '#domain/run/run.ts';
import type { PlannedRun, RunOrigin, Task } from '#domain/run/run.ts';

export interface Draft {
  run: PlannedRun;
  readonly events: RunEvent[];
  readonly nowMs: number;
}

/** A draft on a copy of the run; the run itself stays as it is. */
export const draftOf = (run: PlannedRun, nowMs: number): Draft => ({
  run: { ...run, tasks: [...run.tasks] },
  events: [],
  nowMs,
});

/** Proposes an event and folds it into the draft. */
export const record = (draft: Draft, event: ProgressEvent): void => {
  draft.events.push(event);
  draft.run = evolvePlanned(draft.run, event, draft.nowMs);
};

/** Names an attempt of a task by index. */
export const attemptRef = ({ header, plan }: RunOrigin, index: number, attempt: number): AttemptRef => ({
  runId: header.runId,
  taskKey: plannedTask(plan, index).key,
  attempt,
});

/** Everything that follows from the draft's state: skips, dispatches within the windows, the end of the run. */
export const advance = (draft: Draft): readonly RunEvent[] => {
  skipDoomed(draft);
  dispatchReady(draft);
  completeRun(draft);
  return draft.events;
};

/** In plan order every task stands behind its upstreams, so one pass carries a failure to the last descendant. */
const skipDoomed = (draft: Draft): void => {
  const { plan, header } = originOf(draft.run);
  for (const [taskIndex, { key, dependsOn = [] }] of plan.tasks.entries()) {
    if (taskAt(draft.run, taskIndex).status !== 'BLOCKED') continue;
    const [cause] = dependsOn.flatMap((upstream) => failureOf(draft.run, upstream));
    if (!cause) continue;
    const data = { taskIndex, taskKey: key, ...cause };
    record(
      draft,
      cause.upstreamResolution === 'CANCELLED'
        ? { type: 'TaskCancelled', idempotencyKey: `cancelled:${header.runId}:${key}`, data }
        : { type: 'TaskSkipped', idempotencyKey: `skipped:${header.runId}:${key}`, data },
    );
  }
};

const failureOf = (
  run: PlannedRun,
  index: number,
): readonly Pick<RunEventData<'TaskSkipped'>, 'upstreamTaskKey' | 'upstreamResolution'>[] => {
  const task = taskAt(run, index);
  if (!isEnded(task) || task.status === 'SUCCEEDED') return [];
  return [{ upstreamTaskKey: plannedTask(originOf(run).plan, index).key, upstreamResolution: task.status }];
};

const dispatchReady = (draft: Draft): void => {
  const { plan } = originOf(draft.run);
  const room = roomOf(draft.run);
  const waiting = plan.tasks
    .map((_, index) => index)
    .filter((index) => isReady(draft.run, index))
    .sort((left, right) => policyOf(plan, left).priority - policyOf(plan, right).priority || left - right);
  for (const index of waiting) {
    const taker = takerOf(plan, index);
    if (room[taker] > 0) dispatch(draft, index);
    else if (taskAt(draft.run, index).status === 'BLOCKED') markReady(draft, index);
    room[taker] -= 1;
  }
};

type Taker = 'workers' | 'inline';

const takerOf = (plan: Plan, index: number): Taker =>
  inlineRunnerOf(plan, index) === undefined ? 'workers' : 'inline';

/** How many more tasks may be handed out now. */
const roomOf = (run: PlannedRun): Record<Taker, number> => {
  const { plan } = originOf(run);
  const room = { workers: DISPATCH_WINDOW, inline: INLINE_WINDOW };
  for (const [index, { status }] of run.tasks.entries())
    if (status === 'DISPATCHED') room[takerOf(plan, index)] -= 1;
  return room;
};

/** Hands out the next attempt of a task whose retry is due, or lets it wait for its turn. */
export const release = (draft: Draft, taskIndex: number): void => {
  const taker = takerOf(originOf(draft.run).plan, taskIndex);
  if (roomOf(draft.run)[taker] > 0) dispatch(draft, taskIndex);
  else markReady(draft, taskIndex);
};

const isReady = (run: PlannedRun, index: number): boolean => {
  const task = taskAt(run, index);
  if (task.status === 'READY') return true;
  const { dependsOn = [] } = plannedTask(originOf(run).plan, index);
  return (
    task.status === 'BLOCKED' && dependsOn.every((upstream) => taskAt(run, upstream).status === 'SUCCEEDED')
  );
};

const dispatch = (draft: Draft, taskIndex: number): void => {
  const origin = originOf(draft.run);
  const ref = attemptRef(origin, taskIndex, attemptOf(taskAt(draft.run, taskIndex)) + 1);
  const { queue, priority } = policyOf(origin.plan, taskIndex);
  const runner = inlineRunnerOf(origin.plan, taskIndex);
  record(draft, {
    type: 'TaskDispatched',
    idempotencyKey: `dispatch_req:${dispatchId(ref)}`,
    data: {
      taskIndex,
      taskKey: plannedTask(origin.plan, taskIndex).key,
      attempt: ref.attempt,
      attemptId: attemptId(ref),
      dispatchId: dispatchId(ref),
      queue,
      priority,
      ...(runner === undefined ? {} : { runner }),
    },
  });
};

/** Says that the task may go, so that history and readers know it waits for its turn alone. */
const markReady = (draft: Draft, taskIndex: number): void => {
  const origin = originOf(draft.run);
  const ref = attemptRef(origin, taskIndex, attemptOf(taskAt(draft.run, taskIndex)) + 1);
  record(draft, {
    type: 'TaskReadied',
    idempotencyKey: `ready:${ref.runId}:${ref.taskKey}:${ref.attempt}`,
    data: { taskIndex, taskKey: plannedTask(origin.plan, taskIndex).key, attempt: ref.attempt },
  });
};

const completeRun = (draft: Draft): void => {
  if (!draft.run.tasks.every(isEnded)) return;
  const { runId } = originOf(draft.run).header;
  record(draft, {
    type: 'RunCompleted',
    idempotencyKey: `completed:${runId}`,
    data: { runId, ...verdict(draft.run) },
  });
};

/** FAILED when any task failed, else CANCELLED when any was cancelled, else SUCCEEDED; whatever the order. */
const verdict = (run: PlannedRun): { readonly outcome: RunOutcome; readonly outcomeReason: string } => {
  const { plan } = originOf(run);
  const first = (status: Task['status']): number => run.tasks.findIndex((task) => task.status === status);
  for (const [status, words] of [
    ['FAILED', 'failed'],
    ['CANCELLED', 'was cancelled'],
  ] as const) {
    const index = first(status);
    if (index >= 0)
      return { outcome: status, outcomeReason: `task ${plannedTask(plan, index).key} ${words}` };
  }
  return { outcome: 'SUCCEEDED', outcomeReason: 'every task succeeded' };
};
