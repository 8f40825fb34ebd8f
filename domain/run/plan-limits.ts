/** Which limits the tasks of a plan need, frozen with it in the order in which every run asks them. */
import type { PlannedLimit } from '#contracts/runs/concurrency.ts';
import type { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import type { Plan, PlanTask } from '#contracts/runs/plan.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import { valueOf } from '#domain/kernel/value-of.ts';
import { assetKeyOf } from '#domain/manifest/asset-key.ts';

/** The limits that hold in a workspace, by id. */
export type LimitsById = ReadonlyMap<string, PlannedLimit>;

/** The plan with its limits; one that needs none is left as it is, and so is its hash. */
export const freezeLimits = (plan: Plan, manifest: DeployManifestRequest, limits: LimitsById): Plan => {
  const keys = concurrencyKeys(manifest);
  const needs = plan.tasks.map((task) => ({
    task,
    needed: limitIdsOf(plan, task, keys).filter((id) => limits.has(id)),
  }));
  const ids = [...new Set(needs.flatMap(({ needed }) => needed))].sort(byOrder);
  if (ids.length === 0) return plan;
  const placeOf = new Map(ids.map((id, place) => [id, place]));
  return {
    ...plan,
    limits: ids.map((id) => valueOf(limits, id)),
    tasks: needs.map(({ task, needed }) =>
      needed.length === 0 ? task : { ...task, limits: needed.map((id) => valueOf(placeOf, id)) },
    ),
  };
};

/** The concurrency key of each asset that has one. */
const concurrencyKeys = ({ assets }: DeployManifestRequest): ReadonlyMap<string, string> =>
  new Map(
    assets.flatMap(({ key, execution }) => {
      const assetKey = assetKeyOf(key);
      return assetKey && execution?.concurrencyKey !== undefined
        ? [[assetKey, execution.concurrencyKey] as const]
        : [];
    }),
  );

/** Every limit that may hold for a task, in the order of asking. */
const limitIdsOf = (
  { defaults }: Plan,
  { key: taskKey, policy }: PlanTask,
  keys: ReadonlyMap<string, string>,
): readonly string[] => {
  const key = keys.get(taskKey);
  return [
    ...(key === undefined ? [] : [`key:${key}`]),
    `queue:${policy?.queue ?? defaults.queue}`,
    'workspace',
  ];
};

const KINDS = ['key', 'queue', 'workspace'];

/**
 * Keys first, then queues, then the workspace: the same for all runs, so that no two wait for each other, and what an
 * attempt holds while it waits is what the fewest others want.
 */
const byOrder = (left: string, right: string): number =>
  rankOf(left) - rankOf(right) || compareText(left, right);

/** Whether more tasks share the one limit than the other, by their kinds. */
export const isWider = (one: string, other: string): boolean => rankOf(one) > rankOf(other);

const rankOf = (limitId: string): number => KINDS.indexOf(limitId.split(':', 1).join(''));
