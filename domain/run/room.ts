/**
 * How many tasks of a run may be handed out, or ask for slots, at one time. All that ask share a window. Beside it each
 * limit has a little room of its own, so that those who wait for a busy limit hold up neither the tasks of another one
 * nor more urgent ones of the same.
 */
import { DISPATCH_WINDOW, INLINE_WINDOW, SLOT_ROOM, SLOT_WINDOW } from '#contracts/runs/limits.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import { inlineRunnerOf, originOf, plannedTask, policyOf } from '#domain/run/run.ts';
import type { PlannedRun } from '#domain/run/run.ts';

export interface Room {
  /** Whether the window of the task has a place. */
  readonly isFree: (taskIndex: number) => boolean;
  /** Whether the first limit of the task has room beside the window, among those at least as urgent. */
  readonly isSpare: (taskIndex: number) => boolean;
  /** Takes a place for the task. */
  readonly take: (taskIndex: number) => void;
}

/** Tasks that ask for slots first have a window of their own, so that they hold up no others. */
type Taker = 'workers' | 'inline' | 'limits';

/** What is left of the windows now. */
export const roomOf = (run: PlannedRun): Room => {
  const { plan } = originOf(run);
  const left = { workers: DISPATCH_WINDOW, inline: INLINE_WINDOW, limits: SLOT_WINDOW };
  const priorities = new Map<number, number[]>();
  const askingOf = (taskIndex: number): number[] => {
    const place = firstLimitOf(plan, taskIndex);
    const asking = priorities.get(place) ?? [];
    priorities.set(place, asking);
    return asking;
  };
  const room: Room = {
    isFree: (taskIndex) => left[takerOf(plan, taskIndex)] > 0,
    isSpare: (taskIndex) => {
      if (takerOf(plan, taskIndex) !== 'limits') return false;
      const { priority } = policyOf(plan, taskIndex);
      return askingOf(taskIndex).filter((other) => other <= priority).length < SLOT_ROOM;
    },
    take: (taskIndex) => {
      left[takerOf(plan, taskIndex)] -= 1;
      askingOf(taskIndex).push(policyOf(plan, taskIndex).priority);
    },
  };
  for (const [index, { status }] of run.tasks.entries())
    if (status === 'DISPATCHED' || status === 'SLOT_WAIT') room.take(index);
  return room;
};

const takerOf = (plan: Plan, index: number): Taker => {
  if (inlineRunnerOf(plan, index) !== undefined) return 'inline';
  return plannedTask(plan, index).limits === undefined ? 'workers' : 'limits';
};

/** The place in the plan of the limit a task asks first; -1 for tasks without. */
const firstLimitOf = (plan: Plan, index: number): number => plannedTask(plan, index).limits?.[0] ?? -1;
