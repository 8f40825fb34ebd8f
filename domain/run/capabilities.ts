/** What attempts of a task can do where they are made. */
import { capabilityDefaults } from '#contracts/runs/locations.ts';
import type { LocationCapabilities } from '#contracts/runs/locations.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import { locationOf } from '#domain/run/plan-locations.ts';

/** Whether they can, by what was frozen with the plan; attempts of claims can do everything. */
export const isCapable = (plan: Plan, taskIndex: number, capability: keyof LocationCapabilities): boolean => {
  const location = locationOf(plan, taskIndex);
  return !location || (location.capabilities?.[capability] ?? capabilityDefaults[location.kind][capability]);
};
