/**
 * What a run remembers to decide: per task its status and little more, in plan order. The plan itself is the run's
 * origin, fixed by the first commit; embedded states leave it out and the loader puts it back.
 */
import type { AttemptId, RunId } from '#contracts/ids.ts';
import type { WorkerId } from '#contracts/runs/callbacks.ts';
import type { Plan, PlanTask, TaskPolicy, TriggerRule } from '#contracts/runs/plan.ts';
import type { OutputVisibilityState } from '#contracts/runs/task-output.ts';
import type { RunEventData } from '#contracts/runs/run-events.ts';
import type { InlineRunnerName } from '#contracts/runs/runner.ts';
import type { RunOutcome } from '#contracts/runs/states.ts';
import { attemptId } from '#domain/kernel/ids.ts';

/** The progress a worker has reported, as far as a later report must be compared with it. */
export interface Progress {
  readonly pct?: number;
  /** Short hash of the last message, empty when there was none. */
  readonly messageHash: string;
}

/** A task that has not ended. `attempt` is the last one made, 0 before the first. */
export type OpenTask =
  | { readonly status: 'BLOCKED' }
  | {
      readonly status: 'READY';
      readonly attempt: number;
      readonly readyAtMs: number;
      readonly reportHash: string;
    }
  | {
      readonly status: 'SLOT_WAIT';
      readonly attempt: number;
      readonly readyAtMs: number;
      readonly reportHash: string;
      /** Which of its limits the next attempt waits for; those before it have granted theirs. */
      readonly place: number;
      readonly askedAtMs: number;
      /** 1 for the first request. */
      readonly sendNo: number;
      /** How often the limit had no place for a request. */
      readonly refusals: number;
      /** When it asks again; absent while it awaits the answer to its last request. */
      readonly againAtMs?: number;
    }
  | {
      readonly status: 'DISPATCHED';
      readonly attempt: number;
      readonly readyAtMs: number;
      readonly sentAtMs: number;
      /** 1 for the first offer of the attempt. */
      readonly sendNo: number;
      /** How many slots it holds; absent, none. */
      readonly slots?: number;
    }
  | {
      readonly status: 'RUNNING';
      readonly attempt: number;
      readonly workerId: WorkerId;
      readonly startedAtMs: number;
      /** The last recorded sign of life. */
      readonly lastSeenMs: number;
      /** What the recorded heartbeats have said; absent before the first of the attempt. */
      readonly progress?: Progress;
      readonly slots?: number;
    }
  | {
      readonly status: 'RETRY_WAIT';
      readonly attempt: number;
      readonly retryAtMs: number;
      readonly reportHash: string;
    };

/** A task that waits for a slot. */
export type SlotWait = Extract<OpenTask, { readonly status: 'SLOT_WAIT' }>;

/** A task that has ended for good. `reportHash` is empty when no attempt reported. */
export type EndedTask =
  | { readonly status: 'SKIPPED' }
  | {
      readonly status: 'SUCCEEDED';
      readonly attempt: number;
      readonly reportHash: string;
      /** Whether others can read its output; absent when nobody said. */
      readonly visibility?: OutputVisibilityState;
    }
  | {
      readonly status: 'FAILED' | 'CANCELLED' | 'TIMED_OUT';
      readonly attempt: number;
      readonly reportHash: string;
    };

export type Task = OpenTask | EndedTask;

/** What the first commit fixed for good. */
export interface RunOrigin {
  readonly header: RunEventData<'RunTriggered'>;
  readonly triggeredAtMs: number;
  readonly plan: Plan;
  /** The plan index of each task. */
  readonly indexByKey: ReadonlyMap<string, number>;
}

/** The header alone, between `RunTriggered` and `PlanCreated`. */
export type RunHeader = Pick<RunOrigin, 'header' | 'triggeredAtMs'>;

/** Since when a run is being stopped, and by what; both may happen to one run. */
export interface Stop {
  readonly cancelledAtMs?: number;
  readonly timedOutAtMs?: number;
}

/** An attempt that is over, and the places of its limits that have not heard of it. */
export interface SlotReturn {
  readonly taskIndex: number;
  readonly attempt: number;
  readonly places: readonly number[];
}

export type RunningRun = {
  readonly status: 'RUNNING';
  readonly tasks: Task[];
  readonly changedAtMs: number;
  readonly origin: RunOrigin | undefined;
  readonly stop?: Stop;
  /** Absent when nothing has to be given back. */
  readonly returns?: readonly SlotReturn[];
};

export type EndedRun = {
  readonly status: RunOutcome;
  readonly tasks: Task[];
  readonly changedAtMs: number;
  readonly origin: RunOrigin | undefined;
  readonly stop?: Stop;
  /** Absent when nothing has to be given back. */
  readonly returns?: readonly SlotReturn[];
};

export type Run =
  | { readonly status: 'none' }
  | { readonly status: 'TRIGGERED'; readonly changedAtMs: number; readonly header: RunHeader }
  | RunningRun
  | EndedRun;

/** A run that has its plan. */
export type PlannedRun = RunningRun | EndedRun;

/** The origin, which every loader attaches before anything is decided. */
export const originOf = (run: PlannedRun): RunOrigin => {
  if (!run.origin) throw new Error('the origin of the run is not attached; load the first commit');
  return run.origin;
};

/** How a run was asked for, and when, whether it has its plan yet or not. */
export const headerOf = (run: Exclude<Run, { readonly status: 'none' }>): RunHeader =>
  run.status === 'TRIGGERED' ? run.header : originOf(run);

/** True for tasks that never change again. */
export const isEnded = (task: Task): task is EndedTask => {
  switch (task.status) {
    case 'SKIPPED':
    case 'SUCCEEDED':
    case 'FAILED':
    case 'CANCELLED':
    case 'TIMED_OUT':
      return true;
    case 'BLOCKED':
    case 'READY':
    case 'SLOT_WAIT':
    case 'DISPATCHED':
    case 'RUNNING':
    case 'RETRY_WAIT':
      return false;
  }
};

/** True for tasks whose next attempt may be prepared. */
export const awaitsAttempt = (
  task: Task,
): task is Extract<Task, { status: 'BLOCKED' | 'READY' | 'RETRY_WAIT' }> =>
  task.status === 'BLOCKED' || task.status === 'READY' || task.status === 'RETRY_WAIT';

/** The last attempt made, 0 when there was none. */
export const attemptOf = (task: Task): number => ('attempt' in task ? task.attempt : 0);

/** How many slots the task holds, or asks for; 0 when none. */
export const slotsOf = (task: Task): number => {
  if (task.status === 'SLOT_WAIT') return task.place + 1;
  return task.status === 'DISPATCHED' || task.status === 'RUNNING' ? (task.slots ?? 0) : 0;
};

/** A planned task by index; plans and runs have the same length by construction. */
export const plannedTask = (plan: Plan, index: number): PlanTask => {
  const task = plan.tasks[index];
  if (!task) throw new Error(`task ${index} is not in a plan of ${plan.tasks.length}`);
  return task;
};

/** The task of that index; see `plannedTask`. */
export const taskAt = (run: PlannedRun, index: number): Task => {
  const task = run.tasks[index];
  if (!task) throw new Error(`task ${index} is not in a run of ${run.tasks.length}`);
  return task;
};

/** The in-process runner of a task, undefined for tasks of HTTP workers. */
export const inlineRunnerOf = (plan: Plan, index: number): InlineRunnerName | undefined =>
  plannedTask(plan, index).runner;

/** A task's policy: the plan's defaults with what the task changes. */
export const policyOf = (plan: Plan, index: number): TaskPolicy => {
  const { queue, priority, heartbeatTimeoutSec, retry, ...own } = plannedTask(plan, index).policy ?? {};
  return {
    ...plan.defaults,
    ...own,
    queue: queue ?? plan.defaults.queue,
    priority: priority ?? plan.defaults.priority,
    heartbeatTimeoutSec: heartbeatTimeoutSec ?? plan.defaults.heartbeatTimeoutSec,
    retry: retry ?? plan.defaults.retry,
  };
};

/** The rule by which a task follows its upstreams. */
export const triggerRuleOf = (plan: Plan, index: number): TriggerRule =>
  plannedTask(plan, index).triggerRule ?? 'all_success';

/** Whether the run is being stopped and the task with it: tasks of the rule `always` go on. */
export const isBeingStopped = (run: PlannedRun, index: number): boolean =>
  run.stop !== undefined && triggerRuleOf(originOf(run).plan, index) !== 'always';

/** The id of an attempt; derived, so that no state needs to hold it. */
export const attemptIdOf = (runId: RunId, taskKey: string, attempt: number): AttemptId =>
  attemptId({ runId, taskKey, attempt });
