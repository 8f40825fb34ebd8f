/** How requests for slots and their refusals change a task; each is applied only where it fits. */
import { concurrency } from '#contracts/runs/limits.ts';
import type { RunEventData } from '#contracts/runs/run-events.ts';
import { attemptOf, awaitsAttempt } from '#domain/run/run.ts';
import type { SlotWait, Task } from '#domain/run/run.ts';

/** A task after a request for a slot. */
export const slotRequested = (task: Task, data: RunEventData<'TaskSlotRequested'>, atMs: number): Task => {
  const { attempt, place, sendNo } = data;
  if (attempt !== attemptOf(task) + 1) return task;
  const own = { attempt: attempt - 1, place, askedAtMs: atMs, sendNo };
  const asked = { status: 'SLOT_WAIT', ...own, refusals: 0 } as const;
  if (task.status === 'SLOT_WAIT') {
    const { againAtMs: _again, ...rest } = task;
    if (place === task.place + 1) return { ...rest, ...asked };
    return place === task.place && sendNo > task.sendNo ? { ...rest, ...own } : task;
  }
  if (!awaitsAttempt(task) || place > 0) return task;
  return {
    ...asked,
    readyAtMs: task.status === 'READY' ? task.readyAtMs : atMs,
    reportHash: 'reportHash' in task ? task.reportHash : '',
  };
};

/** Whether a task waits for the answer to this request. */
export const isRequestOf = (
  task: Task,
  { attempt, place, sendNo }: Pick<RunEventData<'TaskSlotRequested'>, 'attempt' | 'place' | 'sendNo'>,
): task is SlotWait =>
  task.status === 'SLOT_WAIT' &&
  task.againAtMs === undefined &&
  task.attempt + 1 === attempt &&
  task.place === place &&
  task.sendNo === sendNo;

/** A task after its limit had no place for it. */
export const slotRefused = (task: SlotWait, { askAgainAtMs }: RunEventData<'TaskSlotRefused'>): SlotWait => {
  const { askAgainMs, refusedAgainMaxMs } = concurrency;
  const earlierVersionMs = Math.min(askAgainMs * 2 ** (task.sendNo - 1), refusedAgainMaxMs);
  return {
    ...task,
    refusals: task.refusals + 1,
    againAtMs: askAgainAtMs ?? task.askedAtMs + earlierVersionMs,
  };
};
