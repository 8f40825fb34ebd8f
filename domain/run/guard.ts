/**
 * Whether a worker's report fits the run as it stands, in the order of precedence callbacks promise: unknown task,
 * superseded attempt, ended task, ended attempt, other worker.
 */
import type { ErrorCode } from '#contracts/errors.ts';
import type { CompletedRequest, HeartbeatRequest, StartedRequest } from '#contracts/runs/callbacks.ts';
import { publicTaskState } from '#contracts/runs/states.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { sha256Base32 } from '#domain/kernel/hash.ts';
import { attemptIdOf, attemptOf, isEnded, originOf, taskAt } from '#domain/run/run.ts';
import type { EndedTask, PlannedRun, Run, Task } from '#domain/run/run.ts';
import { REPORT_HASH_LENGTH } from '#domain/run/state-codec.ts';

/** A worker's report by kind. */
export type Report =
  | { readonly kind: 'started'; readonly body: StartedRequest }
  | { readonly kind: 'heartbeat'; readonly body: HeartbeatRequest }
  | { readonly kind: 'completed'; readonly body: CompletedRequest };

export type Refused = { readonly kind: 'refused'; readonly rejection: Rejection };

/** A report about an attempt that is under way. */
export interface Fitting {
  readonly kind: 'fits';
  readonly run: PlannedRun;
  readonly taskIndex: number;
  readonly task: ActiveTask;
}

export type Guarded =
  | Fitting
  /** The report was taken before: the same answer, and nothing to append. */
  | { readonly kind: 'duplicate' }
  | Refused;

/** A task with an attempt under way. */
export type ActiveTask = Extract<Task, { readonly status: 'DISPATCHED' | 'RUNNING' }>;

/** A refusal with its code and what its answer needs. */
export const refuse = (
  code: ErrorCode,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): Refused => ({ kind: 'refused', rejection: { code, message, ...(details ? { details } : {}) } });

/** A short hash of what a completion says, without the members a repeat may change. */
export const reportHashOf = ({ completedAt: _at, traceparent: _trace, ...body }: CompletedRequest): string =>
  sha256Base32(canonicalJson(body), REPORT_HASH_LENGTH);

/** The report's place in the run, or why it has none. */
export const guardReport = (run: Run, taskKey: string, report: Report): Guarded => {
  const place = placeOf(run, taskKey);
  if (!place) return refuse('task_not_found', `there is no task ${taskKey} in this run`);
  const { run: planned, taskIndex } = place;
  const task = taskAt(planned, taskIndex);
  const mismatch = attemptMismatch(originOf(planned).header.runId, taskKey, { task, report });
  if (mismatch) return mismatch;
  if (isEnded(task)) return ended(task, report);
  if (task.status !== 'DISPATCHED' && task.status !== 'RUNNING') return attemptEnded(task, report);
  if (report.kind === 'started' && task.status === 'RUNNING')
    return task.workerId === report.body.workerId
      ? { kind: 'duplicate' }
      : refuse('attempt_already_started', `attempt ${task.attempt} was started by another worker`, {
          owner: task.workerId,
        });
  return { kind: 'fits', run: planned, taskIndex, task };
};

/** The run and index behind a task key, when the run has its plan and the plan the task. */
export const placeOf = (run: Run, taskKey: string) => {
  if (run.status === 'none' || run.status === 'TRIGGERED') return undefined;
  const taskIndex = originOf(run).indexByKey.get(taskKey);
  return taskIndex === undefined ? undefined : { run, taskIndex };
};

const attemptMismatch = (
  runId: Parameters<typeof attemptIdOf>[0],
  taskKey: string,
  { task, report }: { readonly task: Task; readonly report: Report },
): Refused | undefined => {
  const current = attemptOf(task);
  const { attempt, attemptId } = report.body;
  const numbers = { expectedAttempt: current, receivedAttempt: attempt };
  if (attempt < current)
    return refuse('stale_attempt', `attempt ${attempt} was superseded by attempt ${current}`, numbers);
  if (attempt > current) return attemptNeverMade(attempt, current);
  const expectedAttemptId = attemptIdOf(runId, taskKey, attempt);
  if (attemptId === expectedAttemptId) return undefined;
  const ids = { expectedAttemptId, receivedAttemptId: attemptId };
  return refuse('attempt_id_mismatch', `the id of attempt ${attempt} is another`, ids);
};

/** The refusal of an attempt behind the last one. */
export const attemptNeverMade = (attempt: number, current: number): Refused =>
  refuse('attempt_mismatch', `attempt ${attempt} was never made; the last is ${current}`, {
    expectedAttempt: current,
    receivedAttempt: attempt,
  });

const ended = (task: EndedTask, report: Report): Guarded => {
  const state = publicTaskState[task.status];
  if (isRepeat(task, report)) return { kind: 'duplicate' };
  return report.kind === 'heartbeat'
    ? refuse('task_expired', `the task has ended ${state}`, { state })
    : refuse('task_already_terminal', `the task has ended ${state}`, { state });
};

const attemptEnded = (task: Task, report: Report): Guarded => {
  if (isRepeat(task, report)) return { kind: 'duplicate' };
  const state = publicTaskState[task.status];
  return refuse('attempt_already_completed', `attempt ${report.body.attempt} has ended; a retry follows`, {
    state,
  });
};

const isRepeat = (task: Task, report: Report): boolean =>
  report.kind === 'completed' && 'reportHash' in task && task.reportHash === reportHashOf(report.body);
