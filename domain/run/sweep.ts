/** Repairs what should have moved: silent workers, overdue retries, lost offers and messages. */
import { runTiming } from '#contracts/runs/limits.ts';
import type { RunEvent } from '#contracts/runs/run-events.ts';
import { dispatchId } from '#domain/kernel/ids.ts';
import type { SweepRun } from '#domain/run/command.ts';
import { completeByFailure } from '#domain/run/completion.ts';
import { advance, attemptRef, draftOf, record, release } from '#domain/run/draft.ts';
import type { Draft } from '#domain/run/draft.ts';
import { heartbeatDeadlineMs } from '#domain/run/heartbeat.ts';
import { inlineRunnerOf, isEnded, originOf, plannedTask, taskAt } from '#domain/run/run.ts';
import type { OpenTask, Run } from '#domain/run/run.ts';
import { safeText } from '#domain/run/safe-text.ts';
import { resendAtMs } from '#domain/run/waiting.ts';

/** What the run does about everything overdue at `nowMs`; nothing when all is well or over. */
export const sweep = ({ nowMs, lostOffers }: SweepRun, run: Run): readonly RunEvent[] => {
  if (run.status !== 'RUNNING') return [];
  const draft = draftOf(run, nowMs);
  const lost = new Set(lostOffers);
  for (const [taskIndex, { key }] of originOf(run).plan.tasks.entries()) {
    sweepTask(draft, taskIndex, lost.has(key));
  }
  return advance(draft);
};

const sweepTask = (draft: Draft, taskIndex: number, isLost: boolean): void => {
  const task = taskAt(draft.run, taskIndex);
  if (isEnded(task)) return;
  switch (task.status) {
    case 'BLOCKED':
    case 'READY':
      return;
    case 'RETRY_WAIT':
      if (task.retryAtMs <= draft.nowMs) release(draft, taskIndex);
      return;
    case 'RUNNING': {
      const { plan } = originOf(draft.run);
      if (heartbeatDeadlineMs(plan, taskIndex, task) > draft.nowMs) return;
      completeByFailure(draft, taskIndex, {
        attempt: task.attempt,
        failure: 'heartbeat_timeout',
        error: {
          category: 'TIMEOUT',
          message: `no sign of worker ${safeText(task.workerId, 256)} was recorded for ${draft.nowMs - task.lastSeenMs} ms`,
          retryable: true,
        },
      });
      return;
    }
    case 'DISPATCHED':
      if (!(isLost || isInline(draft, taskIndex)) || resendAtMs(task) > draft.nowMs) return;
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

/** A message cannot be looked for as an offer can: nobody having run the task by now is the sign that it is lost. */
const isInline = (draft: Draft, taskIndex: number): boolean =>
  inlineRunnerOf(originOf(draft.run).plan, taskIndex) !== undefined;

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
