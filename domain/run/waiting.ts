/** What a run waits for, and until when it may stay silent. Every open status has a reason and a deadline. */
import { runTiming } from '#contracts/runs/limits.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { WaitingReason } from '#contracts/runs/states.ts';
import type { RunWhy } from '#contracts/runs/read.ts';
import type { Waiting } from '#domain/kernel/aggregate.ts';
import { isCascadeOwed } from '#domain/run/cascade.ts';
import { attemptDeadlineMs, heartbeatDeadlineMs } from '#domain/run/heartbeat.ts';
import { inlineRunnerOf, isBeingStopped, isEnded, originOf, plannedTask } from '#domain/run/run.ts';
import { stateOf } from '#domain/run/run-state.ts';
import type { OpenTask, PlannedRun, Run, RunningRun } from '#domain/run/run.ts';
import { askAgainAtMs } from '#domain/run/slot-refusal.ts';
import { returnDeadlineMs, returnsOf } from '#domain/run/slots.ts';
import { runDeadlineMs, stopDeadlineMs } from '#domain/run/stop.ts';
import { pendingOutputs, visibilityDeadlineMs } from '#domain/run/visibility.ts';

type RunWaiting = Waiting & { readonly reason: WaitingReason; readonly subject: string };

/** The reason of each open status of a task of HTTP workers. */
export const waitingReason = {
  BLOCKED: 'upstream',
  READY: 'dispatch_window',
  SLOT_WAIT: 'concurrency_limit',
  DISPATCHED: 'worker',
  RUNNING: 'heartbeat',
  RETRY_WAIT: 'retry',
} as const satisfies Record<OpenTask['status'], WaitingReason>;

/** The same for tasks of in-process runners, which wait for the tasks before them and for the message of their run. */
export const inlineWaitingReason = {
  ...waitingReason,
  READY: 'inline_runner',
  DISPATCHED: 'inline_runner',
} as const satisfies Record<OpenTask['status'], WaitingReason>;

const reasonOf = (run: RunningRun, index: number, { status }: OpenTask): WaitingReason => {
  if (status === 'RUNNING' && isBeingStopped(run, index)) return 'cancel';
  const isInline = inlineRunnerOf(originOf(run).plan, index) !== undefined;
  return (isInline ? inlineWaitingReason : waitingReason)[status];
};

/** When a lost offer or message is made again; the wait doubles with each send. */
export const resendAtMs = ({
  sentAtMs,
  sendNo,
}: Extract<OpenTask, { readonly status: 'DISPATCHED' }>): number =>
  sentAtMs + runTiming.resendIntervalMs * 2 ** (sendNo - 1);

/** The instant after which silence is a fault; undefined for statuses that only follow others. */
const ownDeadlineMs = (run: RunningRun, taskIndex: number, task: OpenTask): number | undefined => {
  const deadlines = [naturalDeadlineMs(originOf(run).plan, taskIndex, task), stopDeadlineMs(run, taskIndex)];
  const least = Math.min(...deadlines.map((deadlineMs) => deadlineMs ?? Infinity));
  return least === Infinity ? undefined : least;
};

const naturalDeadlineMs = (plan: Plan, taskIndex: number, task: OpenTask): number | undefined => {
  switch (task.status) {
    case 'BLOCKED':
    case 'READY':
      return undefined;
    case 'SLOT_WAIT':
      return askAgainAtMs(task) + (task.againAtMs === undefined ? 0 : runTiming.retryGraceMs);
    case 'DISPATCHED':
      return resendAtMs(task);
    case 'RUNNING':
      return Math.min(
        heartbeatDeadlineMs(plan, taskIndex, task) ?? Infinity,
        attemptDeadlineMs(plan, taskIndex, task) ?? Infinity,
      );
    case 'RETRY_WAIT':
      return task.retryAtMs + runTiming.retryGraceMs;
  }
};

/** Everything the run waits for; empty exactly when it has ended and given everything back, or does not exist. */
export const waiting = (run: Run): readonly RunWaiting[] => {
  switch (run.status) {
    case 'TRIGGERED':
      return [
        {
          reason: 'plan',
          deadlineMs: run.changedAtMs + runTiming.silenceMs,
          subject: run.header.header.runId,
        },
      ];
    case 'RUNNING':
      return [...runningWaiting(run), ...returnWaiting(run)];
    case 'SUCCEEDED':
      return [
        ...pendingOutputs(run).map((index) => ({
          reason: 'visibility' as const,
          deadlineMs: visibilityDeadlineMs(run),
          subject: plannedTask(originOf(run).plan, index).key,
        })),
        ...returnWaiting(run),
      ];
    case 'FAILED':
    case 'CANCELLED':
    case 'TIMED_OUT':
      return returnWaiting(run);
    case 'none':
      return [];
  }
};

/** Limits that have not heard of the end of an attempt; nobody but them waits for that. */
const returnWaiting = (run: PlannedRun): readonly RunWaiting[] =>
  returnsOf(run).map(({ taskIndex }) => ({
    reason: 'slot_return',
    deadlineMs: returnDeadlineMs(run),
    subject: plannedTask(originOf(run).plan, taskIndex).key,
  }));

const runningWaiting = (run: RunningRun): readonly RunWaiting[] => {
  const origin = originOf(run);
  const { plan, header } = origin;
  const open = run.tasks.flatMap((task, index) =>
    isEnded(task) ? [] : [{ task, index, deadlineMs: ownDeadlineMs(run, index, task) }],
  );
  // Tasks that follow others, and the run itself, are due when the first of those others is.
  const nextMs = open.reduce<number | undefined>(
    (least, { deadlineMs }) => (deadlineMs === undefined ? least : Math.min(least ?? deadlineMs, deadlineMs)),
    undefined,
  );
  const sharedMs = isCascadeOwed(run) ? run.changedAtMs : (nextMs ?? run.changedAtMs + runTiming.silenceMs);
  const deadlineMs = run.stop?.timedOutAtMs === undefined ? runDeadlineMs(origin) : undefined;
  return [
    { reason: 'tasks', deadlineMs: sharedMs, subject: header.runId },
    ...(deadlineMs === undefined ? [] : [{ reason: 'deadline' as const, deadlineMs, subject: header.runId }]),
    ...open.map(({ task, index, deadlineMs }) => ({
      reason: reasonOf(run, index, task),
      deadlineMs: deadlineMs ?? sharedMs,
      subject: plannedTask(plan, index).key,
    })),
  ];
};

/** Why the run has not ended, for people: the most urgent first; undefined for a run that does not exist. */
export const why = (run: Run): RunWhy | undefined => {
  if (run.status === 'none') return undefined;
  const { header } = run.status === 'TRIGGERED' ? run.header : originOf(run);
  return {
    runId: header.runId,
    state: stateOf(run),
    waiting: [...waiting(run)]
      .sort((left, right) => left.deadlineMs - right.deadlineMs)
      .map(({ reason, subject, deadlineMs }) => ({
        reason,
        subject,
        deadlineAt: new Date(deadlineMs).toISOString(),
      })),
  };
};
