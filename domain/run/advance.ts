/** What follows from a change of a run: stops, skips, dispatches within the windows, and its end. */
import type { RunEvent, RunEventData } from '#contracts/runs/run-events.ts';
import { isFull } from '#domain/run/cascade.ts';
import { dispatch } from '#domain/run/dispatch.ts';
import { attemptRef, record } from '#domain/run/draft.ts';
import type { Draft } from '#domain/run/draft.ts';
import { roomOf } from '#domain/run/room.ts';
import {
  attemptOf,
  isEnded,
  originOf,
  plannedTask,
  policyOf,
  taskAt,
  triggerRuleOf,
} from '#domain/run/run.ts';
import type { PlannedRun } from '#domain/run/run.ts';
import { limitsOf, requestSlot } from '#domain/run/slots.ts';
import { passDeadline, stopTasks } from '#domain/run/stop.ts';
import { isFailure, mayRun, obstacleOf } from '#domain/run/trigger-rule.ts';
import { verdictOf } from '#domain/run/verdict.ts';

/**
 * Everything that follows from the draft's state, in order: its deadline, stops, skips, dispatches within the windows,
 * the end. What is too much for one commit is left to the next decision, which comes first.
 */
export const advance = (draft: Draft): readonly RunEvent[] => {
  passDeadline(draft);
  if (stopTasks(draft) && skipDoomed(draft)) {
    dispatchReady(draft);
    completeRun(draft);
  }
  return draft.events;
};

/**
 * In plan order every task stands behind its upstreams, so one pass carries a failure to the last descendant. False when
 * some are left.
 */
const skipDoomed = (draft: Draft): boolean => {
  const { plan, header } = originOf(draft.run);
  for (const [taskIndex, { key, dependsOn = [] }] of plan.tasks.entries()) {
    if (taskAt(draft.run, taskIndex).status !== 'BLOCKED') continue;
    const cause = causeOf(draft.run, taskIndex, dependsOn);
    if (!cause) continue;
    if (isFull(draft)) return false;
    const data = { taskIndex, taskKey: key, ...cause };
    record(
      draft,
      cause.upstreamResolution === 'CANCELLED'
        ? { type: 'TaskCancelled', idempotencyKey: `cancelled:${header.runId}:${key}`, data }
        : { type: 'TaskSkipped', idempotencyKey: `skipped:${header.runId}:${key}`, data },
    );
  }
  return true;
};

type Cause = Pick<RunEventData<'TaskSkipped'>, 'upstreamTaskKey' | 'upstreamResolution'>;

/** The first upstream that keeps a task from ever running; undefined while it still may. */
const causeOf = (run: PlannedRun, taskIndex: number, dependsOn: readonly number[]): Cause | undefined => {
  const { plan } = originOf(run);
  const statuses = dependsOn.map((upstream) => taskAt(run, upstream).status);
  const place = obstacleOf(triggerRuleOf(plan, taskIndex), statuses);
  const [upstream, resolution] = [dependsOn[place ?? -1], statuses[place ?? -1]];
  return upstream === undefined || !isFailure(resolution)
    ? undefined
    : { upstreamTaskKey: plannedTask(plan, upstream).key, upstreamResolution: resolution };
};

const dispatchReady = (draft: Draft): void => {
  const { plan } = originOf(draft.run);
  const room = roomOf(draft.run);
  const waiting = plan.tasks
    .map((_, index) => index)
    .filter((index) => isReady(draft.run, index))
    .sort((left, right) => policyOf(plan, left).priority - policyOf(plan, right).priority || left - right);
  for (const index of waiting) {
    // Those that a full commit leaves ask with the next change of the run, which hundreds of requests lead to soon.
    const hasPlace = room.isFree(index) || (!isFull(draft) && room.isSpare(index));
    if (hasPlace) {
      handOut(draft, index);
      room.take(index);
    } else if (taskAt(draft.run, index).status === 'BLOCKED' && !isFull(draft)) markReady(draft, index);
  }
};

/** Hands out the next attempt of a task whose retry is due, or lets it wait for its turn. */
export const release = (draft: Draft, taskIndex: number): void => {
  const room = roomOf(draft.run);
  if (room.isFree(taskIndex) || room.isSpare(taskIndex)) handOut(draft, taskIndex);
  else markReady(draft, taskIndex);
};

const isReady = (run: PlannedRun, index: number): boolean => {
  const task = taskAt(run, index);
  if (task.status === 'READY') return true;
  if (task.status !== 'BLOCKED') return false;
  const { plan } = originOf(run);
  const { dependsOn = [] } = plannedTask(plan, index);
  return mayRun(
    triggerRuleOf(plan, index),
    dependsOn.map((upstream) => taskAt(run, upstream).status),
  );
};

/** Hands a task out, or asks its limits first. */
const handOut = (draft: Draft, taskIndex: number): void => {
  if (limitsOf(originOf(draft.run).plan, taskIndex).length === 0) dispatch(draft, taskIndex);
  else requestSlot(draft, taskIndex);
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
    data: { runId, ...verdictOf(draft.run) },
  });
};
