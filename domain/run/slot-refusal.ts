/**
 * What a run does about a limit that has no place for a request: it asks again, soon at first, and after twice as long with
 * each refusal. So an attempt misses room for no longer than it was refused already, and asks less the longer it waits.
 * One timer stands for all that were refused; what it is lost with, or leaves, is swept.
 */
import type { LimitId } from '#contracts/runs/concurrency.ts';
import { concurrency } from '#contracts/runs/limits.ts';
import type { RunEvent } from '#contracts/runs/run-events.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { spreadMs } from '#domain/kernel/backoff.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import { dispatchId } from '#domain/kernel/ids.ts';
import type { AttemptRef } from '#domain/kernel/ids.ts';
import { isFull } from '#domain/run/cascade.ts';
import type { NoteSlotRefusal } from '#domain/run/command.ts';
import { draftOf } from '#domain/run/draft.ts';
import type { Draft } from '#domain/run/draft.ts';
import { isRequestOf } from '#domain/run/slot-fold.ts';
import { placeOf } from '#domain/run/guard.ts';
import { retryNotDue } from '#domain/run/retry.ts';
import { originOf, plannedTask, taskAt } from '#domain/run/run.ts';
import type { PlannedRun, Run, SlotWait, Task } from '#domain/run/run.ts';
import { limitsOf, requestSlot } from '#domain/run/slots.ts';

type SlotDecision = Decision<RunEvent, Rejection>;

/** Notes that a limit had no place for the last request of an attempt; what is said of an earlier one says nothing. */
export const noteRefusal = (
  { taskKey, attempt, limitId, sendNo }: NoteSlotRefusal,
  run: Run,
  nowMs: number,
): SlotDecision => {
  const at = placeOf(run, taskKey);
  if (!at) return accept();
  const { taskIndex } = at;
  const { plan, header } = originOf(at.run);
  const task = taskAt(at.run, taskIndex);
  const place = limitsOf(plan, taskIndex).findIndex((limit) => limit.limitId === limitId);
  if (!isRequestOf(task, { attempt, place, sendNo })) return accept();
  const ref = { runId: header.runId, taskKey, attempt };
  const askAgainAtMs = nowMs + refusedMs(ref, limitId, task.refusals + 1);
  return accept({
    type: 'TaskSlotRefused',
    idempotencyKey: `slot_refused:${dispatchId(ref)}:${limitId}:${sendNo}`,
    data: { taskIndex, taskKey, attempt, limitId, place, sendNo, askAgainAtMs },
  });
};

/** The wait after so many refusals; it is spread over as much again, so that those refused at one time come back apart. */
const refusedMs = (ref: AttemptRef, limitId: LimitId, refusals: number): number => {
  const { refusedAgainMinMs, refusedAgainMaxMs } = concurrency;
  const leastMs = Math.min(refusedAgainMinMs * 2 ** (refusals - 1), refusedAgainMaxMs / 2);
  return leastMs + spreadMs(leastMs, `slot_again:${dispatchId(ref)}:${limitId}:${refusals}`);
};

/** When a request is made again; one that led to nothing, after a wait that doubles with each such up to an hour. */
export const askAgainAtMs = ({ askedAtMs, sendNo, refusals, againAtMs }: SlotWait): number =>
  againAtMs ??
  askedAtMs + Math.min(concurrency.askAgainMs * 2 ** (sendNo - 1 - refusals), concurrency.askAgainMaxMs);

/** Asks again when it is time. */
export const askAgain = (draft: Draft, taskIndex: number, task: SlotWait): void => {
  if (askAgainAtMs(task) <= draft.nowMs) requestSlot(draft, taskIndex, task.place, task.sendNo + 1);
};

type Refused = SlotWait & Required<Pick<SlotWait, 'againAtMs'>>;

const isRefused = (task: Task): task is Refused =>
  task.status === 'SLOT_WAIT' && task.againAtMs !== undefined;

/** Asks again for a task when its timer has fired, and with it for all that are due; nothing where it has asked by now. */
export const askRefused = (run: PlannedRun, taskIndex: number, nowMs: number): SlotDecision => {
  const timed = taskAt(run, taskIndex);
  if (!isRefused(timed)) return accept();
  const { key } = plannedTask(originOf(run).plan, taskIndex);
  if (nowMs < timed.againAtMs) return reject(retryNotDue(key, timed.againAtMs, nowMs));
  const draft = draftOf(run, nowMs);
  for (const [index, task] of draft.run.tasks.entries())
    if (isRefused(task) && !isFull(draft)) askAgain(draft, index, task);
  return accept(...draft.events);
};

/** The task that asks again first of those that were refused, by its place in the plan. */
export const firstRefused = (
  tasks: readonly Task[],
): { readonly taskIndex: number; readonly task: Refused } | undefined =>
  tasks.reduce<ReturnType<typeof firstRefused>>(
    (first, task, taskIndex) =>
      isRefused(task) && !(first && first.task.againAtMs <= task.againAtMs) ? { taskIndex, task } : first,
    undefined,
  );

const SECOND_MS = 1_000;

/** The instant of a timer for a refused task: a whole second, so that others are due with it. */
export const timerAtMs = ({ againAtMs }: Refused): number => Math.ceil(againAtMs / SECOND_MS) * SECOND_MS;
