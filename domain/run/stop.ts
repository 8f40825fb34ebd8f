/**
 * A run is stopped when somebody asks for it or its deadline passes. What no worker has started is stopped at once;
 * running attempts are told by their heartbeats and given up after a grace. Tasks of the rule `always` go on as if
 * nothing had happened, for a bounded time: a run that is being stopped always ends.
 */
import { runTiming, taskDefaults } from '#contracts/runs/limits.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import { isCapable } from '#domain/run/capabilities.ts';
import { isFull } from '#domain/run/cascade.ts';
import { completeByFailure } from '#domain/run/completion.ts';
import { record } from '#domain/run/draft.ts';
import type { Draft } from '#domain/run/draft.ts';
import { isBeingStopped, isEnded, originOf, plannedTask, policyOf, taskAt } from '#domain/run/run.ts';
import type { PlannedRun, RunOrigin, Stop } from '#domain/run/run.ts';

/** Since when the run is being stopped. */
const stoppedSinceMs = ({ cancelledAtMs = Infinity, timedOutAtMs = Infinity }: Stop): number =>
  Math.min(cancelledAtMs, timedOutAtMs);

/** When an attempt of a run that is being stopped is given up, or a task of the rule `always` at all. */
export const stopDeadlineMs = (run: PlannedRun, taskIndex: number): number | undefined =>
  run.stop && endOfGraceMs(run, run.stop, taskIndex);

const endOfGraceMs = (run: PlannedRun, stop: Stop, taskIndex: number): number => {
  const { plan } = originOf(run);
  const graceMs = isBeingStopped(run, taskIndex)
    ? graceMsOf(plan, taskIndex)
    : // What they clean up behind may take its whole grace to stop.
      longestGraceMs(plan) + runTiming.cleanupGraceMs;
  return stoppedSinceMs(stop) + graceMs;
};

/** Whoever cannot hear of the stop is not waited for. */
const graceMsOf = (plan: Plan, taskIndex: number): number =>
  isCapable(plan, taskIndex, 'cancel')
    ? (policyOf(plan, taskIndex).cancelGraceSec ?? taskDefaults.cancelGraceSec) * 1_000
    : 0;

const longestGraces = new WeakMap<Plan, number>();

const longestGraceMs = (plan: Plan): number => {
  const known = longestGraces.get(plan);
  if (known !== undefined) return known;
  const longest = plan.tasks.reduce((most, _, index) => Math.max(most, graceMsOf(plan, index)), 0);
  longestGraces.set(plan, longest);
  return longest;
};

/** The run's own deadline; undefined when it has none. */
export const runDeadlineMs = ({ header, triggeredAtMs }: RunOrigin): number | undefined =>
  header.timeoutSec === undefined ? undefined : triggeredAtMs + header.timeoutSec * 1_000;

/** Notes that the run's deadline has passed, once. */
export const passDeadline = (draft: Draft): void => {
  const origin = originOf(draft.run);
  const deadlineMs = runDeadlineMs(origin);
  if (deadlineMs === undefined || deadlineMs > draft.nowMs || draft.run.stop?.timedOutAtMs !== undefined)
    return;
  const { runId } = origin.header;
  record(draft, {
    type: 'RunDeadlinePassed',
    idempotencyKey: `deadline:${runId}`,
    data: { runId, deadlineMs },
  });
};

/**
 * Ends whatever a run that is being stopped does not let go on; nothing for any other run. False when it left some for
 * the next decision.
 */
export const stopTasks = (draft: Draft): boolean => {
  const { stop } = draft.run;
  if (stop === undefined) return true;
  for (const taskIndex of draft.run.tasks.keys()) {
    if (!isToStop(draft, stop, taskIndex)) continue;
    if (isFull(draft)) return false;
    stopTask(draft, taskIndex);
  }
  return true;
};

const isToStop = (draft: Draft, stop: Stop, taskIndex: number): boolean => {
  const task = taskAt(draft.run, taskIndex);
  if (isEnded(task)) return false;
  if (task.status !== 'RUNNING' && isBeingStopped(draft.run, taskIndex)) return true;
  return endOfGraceMs(draft.run, stop, taskIndex) <= draft.nowMs;
};

const stopTask = (draft: Draft, taskIndex: number): void => {
  const task = taskAt(draft.run, taskIndex);
  if (task.status === 'RUNNING') {
    giveUp(draft, taskIndex, task.attempt);
    return;
  }
  const { plan, header } = originOf(draft.run);
  const { key } = plannedTask(plan, taskIndex);
  record(draft, {
    type: 'TaskStopped',
    idempotencyKey: `stopped:${header.runId}:${key}`,
    data: { taskIndex, taskKey: key },
  });
};

const giveUp = (draft: Draft, taskIndex: number, attempt: number): void => {
  const why = isCapable(originOf(draft.run).plan, taskIndex, 'cancel')
    ? 'its worker did not stop in time'
    : 'who makes the attempt cannot be told';
  completeByFailure(draft, taskIndex, {
    attempt,
    outcome: 'CANCELLED',
    failure: 'cancel_grace',
    error: {
      category: 'CANCELLED',
      message: `the run is being stopped, and ${why}`,
      retryable: false,
    },
  });
};

/** What a worker is told with its heartbeat: whether to stop, and why. */
export const cancellationOf = (
  run: PlannedRun,
  taskIndex: number,
): 'user_requested' | 'run_timed_out' | undefined => {
  if (!isBeingStopped(run, taskIndex)) return undefined;
  return run.stop?.timedOutAtMs === undefined ? 'user_requested' : 'run_timed_out';
};
