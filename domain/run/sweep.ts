/** Repairs what should have moved: deadlines, silent workers, overdue retries, lost offers and messages. */
import { giveUpOutputs } from '#domain/run/visibility.ts';
import { runTiming } from '#contracts/runs/limits.ts';
import type { RunEvent } from '#contracts/runs/run-events.ts';
import { dispatchId } from '#domain/kernel/ids.ts';
import type { SweepRun } from '#domain/run/command.ts';
import { isFull } from '#domain/run/cascade.ts';
import { completeByFailure } from '#domain/run/completion.ts';
import { advance, release } from '#domain/run/advance.ts';
import { attemptRef, draftOf, record } from '#domain/run/draft.ts';
import type { Draft } from '#domain/run/draft.ts';
import { attemptDeadlineMs, heartbeatDeadlineMs } from '#domain/run/heartbeat.ts';
import { locationOf } from '#domain/run/plan-locations.ts';
import { inlineRunnerOf, isEnded, originOf, plannedTask, taskAt } from '#domain/run/run.ts';
import type { OpenTask, Run } from '#domain/run/run.ts';
import { askAgain } from '#domain/run/slot-refusal.ts';
import { passDeadline, stopTasks } from '#domain/run/stop.ts';
import { safeText } from '#domain/run/safe-text.ts';
import { resendAtMs } from '#domain/run/waiting.ts';

/** What the run does about everything overdue at `nowMs`; nothing when all is well or over. */
export const sweep = ({ nowMs, lostOffers }: SweepRun, run: Run): readonly RunEvent[] => {
  if (run.status === 'SUCCEEDED') return giveUpOutputs(run, nowMs);
  if (run.status !== 'RUNNING') return [];
  const draft = draftOf(run, nowMs);
  const lost = new Set(lostOffers);
  passDeadline(draft);
  stopTasks(draft);
  // What is left is as overdue with the next sweep.
  for (const [taskIndex, { key }] of originOf(run).plan.tasks.entries())
    if (!isFull(draft)) sweepTask(draft, taskIndex, lost.has(key));
  return advance(draft);
};

const sweepTask = (draft: Draft, taskIndex: number, isLost: boolean): void => {
  const task = taskAt(draft.run, taskIndex);
  if (isEnded(task)) return;
  switch (task.status) {
    case 'BLOCKED':
    case 'READY':
      return;
    case 'SLOT_WAIT':
      askAgain(draft, taskIndex, task);
      return;
    case 'RETRY_WAIT':
      if (task.retryAtMs <= draft.nowMs) release(draft, taskIndex);
      return;
    case 'RUNNING':
      sweepRunning(draft, taskIndex, task);
      return;
    case 'DISPATCHED':
      if (!(isLost || isSent(draft, taskIndex)) || resendAtMs(task) > draft.nowMs) return;
      if (task.sendNo > runTiming.resendsMax)
        completeByFailure(draft, taskIndex, {
          attempt: task.attempt,
          failure: 'dispatch_lost',
          error: {
            category: 'INFRASTRUCTURE',
            message: `dispatch_lost: handed out ${task.sendNo} times, and nobody took it`,
            retryable: false,
          },
        });
      else resend(draft, taskIndex, task);
  }
};

const sweepRunning = (draft: Draft, taskIndex: number, task: Running): void => {
  const { plan } = originOf(draft.run);
  const { attempt, startedAtMs, lastSeenMs, workerId } = task;
  if ((attemptDeadlineMs(plan, taskIndex, task) ?? Infinity) <= draft.nowMs)
    completeByFailure(draft, taskIndex, {
      attempt,
      outcome: 'TIMED_OUT',
      failure: 'attempt_timeout',
      error: {
        category: 'TIMEOUT',
        message: `the attempt ran for ${draft.nowMs - startedAtMs} ms and did not end`,
      },
    });
  else if ((heartbeatDeadlineMs(plan, taskIndex, task) ?? Infinity) <= draft.nowMs)
    completeByFailure(draft, taskIndex, {
      attempt,
      failure: 'heartbeat_timeout',
      error: {
        category: 'TIMEOUT',
        message: `no sign of worker ${safeText(workerId, 256)} was recorded for ${draft.nowMs - lastSeenMs} ms`,
      },
    });
};

/** A message cannot be looked for as an offer can: nobody having begun the task by now is the sign that it is lost. */
const isSent = (draft: Draft, taskIndex: number): boolean => {
  const { plan } = originOf(draft.run);
  return inlineRunnerOf(plan, taskIndex) !== undefined || locationOf(plan, taskIndex) !== undefined;
};

type Running = Extract<OpenTask, { readonly status: 'RUNNING' }>;
type Dispatched = Extract<OpenTask, { readonly status: 'DISPATCHED' }>;

const resend = (draft: Draft, taskIndex: number, task: Dispatched): void => {
  const origin = originOf(draft.run);
  const ref = attemptRef(origin, taskIndex, task.attempt);
  const sendNo = task.sendNo + 1;
  record(draft, {
    type: 'TaskRedispatched',
    idempotencyKey: `dispatch_resend:${dispatchId(ref)}:${sendNo}`,
    data: { taskIndex, taskKey: plannedTask(origin.plan, taskIndex).key, attempt: ref.attempt, sendNo },
  });
};
