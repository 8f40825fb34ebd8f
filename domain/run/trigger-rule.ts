/** When a task may run, and when it never will, by how its upstreams stand (see `TriggerRule`). */
import type { TriggerRule } from '#contracts/runs/plan.ts';
import type { TaskStatus, TerminalTaskStatus } from '#contracts/runs/states.ts';

/** Whether the task has ended without success. */
export const isFailure = (
  status: TaskStatus | undefined,
): status is Exclude<TerminalTaskStatus, 'SUCCEEDED'> =>
  status === 'SKIPPED' || status === 'CANCELLED' || status === 'FAILED' || status === 'TIMED_OUT';

const hasEnded = (status: TaskStatus): boolean => status === 'SUCCEEDED' || isFailure(status);

const hasFailed = (status: TaskStatus): boolean => status === 'FAILED' || status === 'TIMED_OUT';

/** Whether a task of this rule may run; one without upstreams always may. */
export const mayRun = (rule: TriggerRule, upstreams: readonly TaskStatus[]): boolean => {
  switch (rule) {
    case 'all_success':
      return upstreams.every((status) => status === 'SUCCEEDED');
    case 'one_success':
      return upstreams.length === 0 || upstreams.includes('SUCCEEDED');
    case 'none_failed':
      return upstreams.every((status) => hasEnded(status) && !hasFailed(status));
    case 'all_done':
    case 'always':
      return upstreams.every(hasEnded);
  }
};

/** The place of the first upstream because of which a task of this rule never runs; undefined while it still may. */
export const obstacleOf = (rule: TriggerRule, upstreams: readonly TaskStatus[]): number | undefined => {
  switch (rule) {
    case 'all_success':
      return placeOf(upstreams, isFailure);
    case 'one_success':
      return upstreams.every(isFailure) ? placeOf(upstreams, isFailure) : undefined;
    case 'none_failed':
      return placeOf(upstreams, hasFailed);
    case 'all_done':
    case 'always':
      return undefined;
  }
};

const placeOf = (
  statuses: readonly TaskStatus[],
  isWanted: (status: TaskStatus) => boolean,
): number | undefined => {
  const place = statuses.findIndex(isWanted);
  return place < 0 ? undefined : place;
};
