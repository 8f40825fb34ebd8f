/** Where the tasks of a plan are sent, frozen with it. */
import type { ExecutionLocation } from '#contracts/runs/locations.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import type { LimitsById } from '#domain/run/plan-limits.ts';
import { plannedTask, policyOf } from '#domain/run/run.ts';

/** What holds in a workspace beside its manifest; absent, nothing does. */
export interface InForce {
  readonly limits?: LimitsById | undefined;
  readonly locations?: readonly ExecutionLocation[] | undefined;
}

/** The plan with the locations of its queues, and none it had before; one that needs none has none, as its hash says. */
export const freezeLocations = (
  { locations: _before, ...plan }: Plan,
  registered: readonly ExecutionLocation[],
): Plan => {
  const queues = new Set(
    plan.tasks.flatMap(({ runner }, index) => (runner === undefined ? [policyOf(plan, index).queue] : [])),
  );
  const locations = registered.filter(({ workerQueue }) => queues.has(workerQueue));
  return locations.length === 0 ? plan : { ...plan, locations };
};

/** Why a run of this plan may not start: a location of it takes no new runs; undefined when it may. */
export const locationRefusal = ({ locations = [] }: Plan): Rejection | undefined => {
  const idle = locations.find(({ lifecycle = 'active' }) => lifecycle !== 'active');
  if (idle === undefined) return undefined;
  const { executionLocationId, workerQueue, lifecycle } = idle;
  return {
    code: 'location_not_active',
    message: `tasks of the worker queue ${workerQueue} need the execution location ${executionLocationId}, which is ${String(lifecycle)}`,
    details: { executionLocationId, workerQueue, lifecycle },
  };
};

/** Where a task is sent; undefined for tasks that are offered to claims, or run in process. */
export const locationOf = (plan: Plan, index: number): ExecutionLocation | undefined => {
  if (plan.locations === undefined || plannedTask(plan, index).runner !== undefined) return undefined;
  const { queue } = policyOf(plan, index);
  return plan.locations.find(({ workerQueue }) => workerQueue === queue);
};
