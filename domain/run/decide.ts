/** What a run answers to each command. */
import type { RunEvent } from '#contracts/runs/run-events.ts';
import type { RunKeyConflict } from '#contracts/runs/trigger.ts';
import type { DecideContext, Rejection } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import type {
  CancelRun,
  ClaimTask,
  CompleteTask,
  FinishInlineTask,
  HeartbeatTask,
  RetryTask,
  RunCommand,
  StartTask,
  TriggerRun,
} from '#domain/run/command.ts';
import { completeByReport } from '#domain/run/completion.ts';
import { advance, release } from '#domain/run/advance.ts';
import { identified, recordStart } from '#domain/run/attempt-start.ts';
import { draftOf, record } from '#domain/run/draft.ts';
import { planned } from '#domain/run/evolve.ts';
import { guardReport, placeOf } from '#domain/run/guard.ts';
import type { Fitting, Guarded } from '#domain/run/guard.ts';
import { isWorthRecording } from '#domain/run/heartbeat.ts';
import { startNext } from '#domain/run/next-tasks.ts';
import { planHash } from '#domain/run/plan-hash.ts';
import { headerOf, originOf, taskAt } from '#domain/run/run.ts';
import type { EndedRun, Run, RunHeader } from '#domain/run/run.ts';
import { retryNotDue } from '#domain/run/retry.ts';
import { stateOf } from '#domain/run/run-state.ts';
import { safeText } from '#domain/run/safe-text.ts';
import { askRefused, noteRefusal } from '#domain/run/slot-refusal.ts';
import { confirmReturn, grantSlot } from '#domain/run/slots.ts';
import { reportVisibility } from '#domain/run/visibility.ts';
import { sweep } from '#domain/run/sweep.ts';

type RunDecision = Decision<RunEvent, Rejection>;

/** What a command adds to a run, or why it is refused. */
export const decide = (command: RunCommand, run: Run, { nowMs }: DecideContext): RunDecision => {
  switch (command.type) {
    case 'TriggerRun':
      return trigger(command, run, nowMs);
    case 'ClaimTask':
    case 'StartTask':
      return start(command, run, nowMs);
    case 'HeartbeatTask':
      return heartbeat(command, run, nowMs);
    case 'CompleteTask':
      return completeTask(command, run, nowMs);
    case 'FinishInlineTask':
      return finishInline(command, run, nowMs);
    case 'RetryTask':
      return retry(command, run, nowMs);
    case 'CancelRun':
      return cancel(command, run, nowMs);
    case 'ReportOutputVisibility':
      return reportVisibility(command, run);
    case 'GrantSlot':
      return grantSlot(command, run, nowMs);
    case 'NoteSlotRefusal':
      return noteRefusal(command, run, nowMs);
    case 'ConfirmSlotReturn':
      return confirmReturn(command, run);
    case 'SweepRun':
      return accept(...sweep(command, run));
  }
};

const trigger = (command: TriggerRun, run: Run, nowMs: number): RunDecision => {
  const { header, plan } = command;
  if (run.status === 'none') {
    const draft = draftOf(planned({ header, triggeredAtMs: nowMs }, plan, nowMs), nowMs);
    draft.events.push(
      { type: 'RunTriggered', idempotencyKey: `run:${header.runKey ?? header.runId}`, data: header },
      {
        type: 'PlanCreated',
        idempotencyKey: `plan:${header.runId}`,
        data: { runId: header.runId, planId: header.planId, planHash: planHash(plan), plan },
      },
    );
    return accept(...advance(draft));
  }
  const existing = headerOf(run);
  return existing.header.fingerprint === header.fingerprint
    ? accept()
    : reject(runKeyConflict(existing, header.fingerprint));
};

/** The refusal of a request under the key of a run that was started by another one. */
export const runKeyConflict = (
  { header, triggeredAtMs }: RunHeader,
  requestedFingerprint: string,
): Rejection => {
  const runKey = header.runKey ?? header.runId;
  const details: RunKeyConflict = {
    conflictType: 'RUN_KEY_FINGERPRINT_MISMATCH',
    runKey,
    existingRunId: header.runId,
    existingPlanId: header.planId,
    existingFingerprint: header.fingerprint,
    requestedFingerprint,
    existingCreatedAt: new Date(triggeredAtMs).toISOString(),
  };
  return {
    code: 'run_key_conflict',
    message: `run key ${runKey} belongs to ${header.runId}, which was asked for something else; use another key`,
    details: { ...details },
  };
};

const answer = (guarded: Guarded, proceed: (fitting: Fitting) => readonly RunEvent[]): RunDecision => {
  switch (guarded.kind) {
    case 'refused':
      return reject(guarded.rejection);
    case 'duplicate':
      return accept();
    case 'fits':
      return accept(...proceed(guarded));
  }
};

const start = (command: ClaimTask | StartTask, run: Run, nowMs: number): RunDecision => {
  const body = command.type === 'StartTask' ? command.report : command;
  return answer(guardReport(run, command.taskKey, { kind: 'started', body }), (fitting) => {
    const draft = draftOf(fitting.run, nowMs);
    recordStart(draft, fitting.taskIndex, body);
    // A claim makes room in the dispatch window, so what waited for it goes out with the same commit.
    return advance(draft);
  });
};

const heartbeat = ({ taskKey, report }: HeartbeatTask, run: Run, nowMs: number): RunDecision =>
  answer(
    guardReport(run, taskKey, { kind: 'heartbeat', body: report }),
    ({ run: running, taskIndex, task }) => {
      const { plan } = originOf(running);
      if (task.status === 'RUNNING' && !isWorthRecording(plan, taskIndex, { task, report, nowMs })) return [];
      const draft = draftOf(running, nowMs);
      // A worker that beats without having said so has started.
      const isStart = task.status === 'DISPATCHED';
      if (isStart) recordStart(draft, taskIndex, report);
      const { progressPct, message } = report;
      const named = identified(draft, taskIndex, report.attempt);
      const { runId } = originOf(running).header;
      const heartbeatAtMs = report.heartbeatAt === undefined ? nowMs : Date.parse(report.heartbeatAt);
      record(draft, {
        type: 'TaskHeartbeatRecorded',
        idempotencyKey: `heartbeat:${runId}:${taskKey}:${named.attempt}:${named.attemptId}:${heartbeatAtMs}`,
        data: {
          ...named,
          workerId: report.workerId,
          heartbeatAtMs,
          ...(progressPct === undefined ? {} : { progressPct }),
          ...(message === undefined ? {} : { message: safeText(message) }),
        },
      });
      // As any start it makes room in the dispatch window.
      return isStart ? advance(draft) : draft.events;
    },
  );

const completeTask = ({ taskKey, report, next }: CompleteTask, run: Run, nowMs: number): RunDecision =>
  answer(guardReport(run, taskKey, { kind: 'completed', body: report }), ({ run: running, taskIndex }) => {
    const draft = draftOf(running, nowMs);
    completeByReport(draft, taskIndex, report);
    const events = advance(draft);
    return next ? startNext(draft, next) : events;
  });

const finishInline = ({ taskKey, report }: FinishInlineTask, run: Run, nowMs: number): RunDecision =>
  answer(
    guardReport(run, taskKey, { kind: 'completed', body: report }),
    ({ run: running, taskIndex, task }) => {
      const draft = draftOf(running, nowMs);
      if (task.status === 'DISPATCHED') recordStart(draft, taskIndex, report);
      completeByReport(draft, taskIndex, report);
      return advance(draft);
    },
  );

const retry = ({ taskKey, attempt }: RetryTask, run: Run, nowMs: number): RunDecision => {
  const place = placeOf(run, taskKey);
  if (!place) return reject({ code: 'task_not_found', message: `there is no task ${taskKey} in this run` });
  const task = taskAt(place.run, place.taskIndex);
  if (task.status === 'SLOT_WAIT' && task.attempt === attempt)
    return askRefused(place.run, place.taskIndex, nowMs);
  // Whatever else the task does by now, the retry this command asks for has happened or is not wanted any more.
  if (task.status !== 'RETRY_WAIT' || task.attempt !== attempt) return accept();
  if (nowMs < task.retryAtMs) return reject(retryNotDue(taskKey, task.retryAtMs, nowMs));
  const draft = draftOf(place.run, nowMs);
  release(draft, place.taskIndex);
  return accept(...advance(draft));
};

/** The refusal speaks of the state that readers see: all tasks of a run may have ended while its outputs are pending. */
const tooLateToCancel = (run: EndedRun): Rejection => {
  const state = stateOf(run);
  return {
    code: 'run_already_terminal',
    message:
      state === 'RUNNING'
        ? 'all tasks of the run have succeeded, and it waits for its outputs alone; there is nothing to cancel any more'
        : `the run has ended ${state}; start another, or rerun it`,
    details: { state },
  };
};

/** Asking twice is asking once; a run that has ended otherwise cannot be cancelled any more. */
const cancel = ({ requestedBy, reason }: CancelRun, run: Run, nowMs: number): RunDecision => {
  if (run.status === 'none' || run.status === 'TRIGGERED')
    return reject({ code: 'run_not_found', message: 'there is no such run' });
  if (run.stop?.cancelledAtMs !== undefined) return accept();
  if (run.status !== 'RUNNING') return reject(tooLateToCancel(run));
  const draft = draftOf(run, nowMs);
  const { runId } = originOf(run).header;
  record(draft, {
    type: 'RunCancelRequested',
    idempotencyKey: `cancel:${runId}`,
    data: { runId, requestedBy, ...(reason === undefined ? {} : { reason: safeText(reason) }) },
  });
  return accept(...advance(draft));
};
