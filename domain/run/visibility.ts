/**
 * Whether the outputs of a run can be read by others. A run whose tasks have all succeeded has not succeeded for its
 * readers while a required output is pending, and has failed when one could not be published. An output nobody reported
 * on holds nothing up.
 */
import { runTiming } from '#contracts/runs/limits.ts';
import type { RunEvent } from '#contracts/runs/run-events.ts';
import { publicTaskState } from '#contracts/runs/states.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import type { ReportOutputVisibility } from '#domain/run/command.ts';
import { attemptNeverMade, placeOf, refuse } from '#domain/run/guard.ts';
import { attemptIdOf, attemptOf, originOf, plannedTask, taskAt } from '#domain/run/run.ts';
import type { PlannedRun, Run, Task } from '#domain/run/run.ts';
import { safeText } from '#domain/run/safe-text.ts';

/** What the outputs of a run that succeeded make of it; `open` for a run without such outputs too. */
export type Gate = 'open' | 'pending' | 'failed';

/** How the outputs of an ended run stand together: one that failed decides, then one that is pending. */
export const gateOf = (run: PlannedRun): Gate => {
  if (run.status !== 'SUCCEEDED' || !originOf(run).plan.requiresVisibleOutput) return 'open';
  const states = run.tasks.map(visibilityOf);
  if (states.includes('FAILED')) return 'failed';
  return states.includes('PENDING') ? 'pending' : 'open';
};

const visibilityOf = (task: Task) => (task.status === 'SUCCEEDED' ? task.visibility : undefined);

/** The tasks whose outputs a run waits for that has nothing else to do; none for any other run. */
export const pendingOutputs = (run: PlannedRun): readonly number[] =>
  gateOf(run) === 'pending'
    ? run.tasks.flatMap((task, index) => (visibilityOf(task) === 'PENDING' ? [index] : []))
    : [];

/** Until when a run waits for its outputs: so long after the last it heard of any of its tasks. */
export const visibilityDeadlineMs = ({ changedAtMs }: PlannedRun): number =>
  changedAtMs + runTiming.visibilityMs;

/** Records how an output stands. `VISIBLE` and `FAILED` stay; the same again records nothing. */
export const reportVisibility = (
  { taskKey, report }: ReportOutputVisibility,
  run: Run,
): Decision<RunEvent, Rejection> => {
  const place = placeOf(run, taskKey);
  if (!place) return reject({ code: 'task_not_found', message: `there is no task ${taskKey} in this run` });
  const task = taskAt(place.run, place.taskIndex);
  const current = attemptOf(task);
  if (report.attempt > current) return reject(attemptNeverMade(report.attempt, current).rejection);
  if (report.attempt < current)
    return reject({
      code: 'stale_attempt',
      message: `attempt ${report.attempt} was superseded by attempt ${current}`,
      details: { expectedAttempt: current, receivedAttempt: report.attempt },
    });
  if (task.status !== 'SUCCEEDED') return reject(notSucceeded(task).rejection);
  if (task.visibility === report.visibilityState) return accept();
  const decided = decidedOf(place.run, task, report);
  if (decided !== undefined) return reject(alreadyDecided(decided).rejection);
  return accept(changed(place.run, place.taskIndex, report));
};

const notSucceeded = (task: Task) => {
  const state = publicTaskState[task.status];
  return refuse('task_not_succeeded', `the task is ${state}; only what succeeded has an output`, { state });
};

/** What stands against a report: a final word, or that the run has ended without waiting for this output. */
const decidedOf = (
  run: PlannedRun,
  { visibility }: Extract<Task, { status: 'SUCCEEDED' }>,
  { visibilityState }: Report,
) => {
  if (visibility === 'VISIBLE' || visibility === 'FAILED') return visibility;
  return visibilityState === 'PENDING' && run.status !== 'RUNNING' ? 'nothing' : undefined;
};

const alreadyDecided = (decided: 'VISIBLE' | 'FAILED' | 'nothing') =>
  refuse(
    'visibility_already_decided',
    decided === 'nothing'
      ? 'the run has ended without waiting for this output; report VISIBLE or FAILED'
      : `the output was reported ${decided}, which stays`,
    { state: decided },
  );

type Report = ReportOutputVisibility['report'];

const changed = (run: PlannedRun, taskIndex: number, report: Report): RunEvent => {
  const { plan, header } = originOf(run);
  const { runId } = header;
  const taskKey = plannedTask(plan, taskIndex).key;
  const { attempt, visibilityState, publishedAt, publishError } = report;
  return {
    type: 'OutputVisibilityChanged',
    idempotencyKey: `output_visibility:${runId}:${taskKey}:${attempt}:${visibilityState.toLowerCase()}`,
    data: {
      taskIndex,
      taskKey,
      attempt,
      attemptId: attemptIdOf(runId, taskKey, attempt),
      visibilityState,
      ...(publishedAt === undefined ? {} : { publishedAt }),
      ...(publishError === undefined ? {} : { publishError: safeText(publishError) }),
    },
  };
};

/** Gives up the outputs nobody has reported on by the deadline; nothing before it. */
export const giveUpOutputs = (run: PlannedRun, nowMs: number): readonly RunEvent[] =>
  visibilityDeadlineMs(run) > nowMs
    ? []
    : pendingOutputs(run).map((taskIndex) =>
        changed(run, taskIndex, {
          attempt: attemptOf(taskAt(run, taskIndex)),
          visibilityState: 'FAILED',
          publishError: `no report came within ${runTiming.visibilityMs} ms`,
        }),
      );
