/** The attempt that a message asks to be sent to its execution location. */
import type { DispatchMessage, ExecutionLocation } from '#contracts/runs/locations.ts';
import { locationOf } from '#domain/run/plan-locations.ts';
import { originOf, plannedTask, taskAt } from '#domain/run/run.ts';
import type { OpenTask, Run, RunOrigin } from '#domain/run/run.ts';

/** An attempt that waits to be sent. */
export interface SentAttempt {
  readonly origin: RunOrigin;
  readonly taskIndex: number;
  readonly task: Extract<OpenTask, { readonly status: 'DISPATCHED' }>;
  readonly location: ExecutionLocation;
}

/**
 * What a message is about; undefined when somebody began the attempt, when it ended, or when it was sent again since. Throws
 * for a task that no location takes, which is no fault of the run.
 */
export const sentAttempt = (
  run: Run,
  { taskKey, attempt, sendNo }: Omit<DispatchMessage, 'stream'>,
): SentAttempt | undefined => {
  if (run.status !== 'RUNNING') return undefined;
  const origin = originOf(run);
  const taskIndex = origin.indexByKey.get(taskKey);
  const location = taskIndex === undefined ? undefined : locationOf(origin.plan, taskIndex);
  if (taskIndex === undefined || location === undefined)
    throw new Error('a message to be sent names no task that an execution location takes');
  const task = taskAt(run, taskIndex);
  const isCurrent = task.status === 'DISPATCHED' && task.attempt === attempt && task.sendNo === sendNo;
  return isCurrent ? { origin, taskIndex, task, location } : undefined;
};

/** The locations that attempts of a run wait to be sent to, by task key. */
export const awaitedLocations = (run: Run): ReadonlyMap<string, ExecutionLocation> => {
  if (run.status !== 'RUNNING') return new Map();
  const { plan } = originOf(run);
  return new Map(
    run.tasks.flatMap((task, index) => {
      const location = task.status === 'DISPATCHED' ? locationOf(plan, index) : undefined;
      return location ? [[plannedTask(plan, index).key, location] as const] : [];
    }),
  );
};
