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

/** Whether an upstream in this state keeps a task of this rule from running, alone or with all its others. */
export const isObstacle = (
  rule: TriggerRule,
  status: TaskStatus,
): status is Exclude<TerminalTaskStatus, 'SUCCEEDED'> => {
  switch (rule) {
    case 'all_success':
    case 'one_success':
      return isFailure(status);
    case 'none_failed':
      return hasFailed(status);
    case 'all_done':
    case 'always':
      return false;
  }
};

/** The place of the first upstream because of which a task of this rule never runs; undefined while it still may. */
export const obstacleOf = (rule: TriggerRule, upstreams: readonly TaskStatus[]): number | undefined => {
  const isObstructing = (status: TaskStatus): boolean => isObstacle(rule, status);
  if (rule === 'one_success' && !upstreams.every(isObstructing)) return undefined;
  const place = upstreams.findIndex(isObstructing);
  return place < 0 ? undefined : place;
};
