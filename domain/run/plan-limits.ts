/** Which limits the tasks of a plan need, frozen with it in the order in which every run asks them. */
import type { PlannedLimit } from '#contracts/runs/concurrency.ts';
import type { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import type { Plan, PlanTask } from '#contracts/runs/plan.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import { valueOf } from '#domain/kernel/value-of.ts';
import { assetKeyOf } from '#domain/manifest/asset-key.ts';

/** The limits that hold in a workspace, by id. */
export type LimitsById = ReadonlyMap<string, PlannedLimit>;

/** The concurrency keys of tasks, by task key. */
export type KeysByTask = ReadonlyMap<string, string>;

/**
 * The plan with the limits that hold for its tasks, and none it had before. What needs none has none, and the hash of a
 * plan without; a key that has no limit stays known to reruns, which may meet one.
 */
export const freezeLimits = (
  { limits: _before, ...plan }: Plan,
  keys: KeysByTask,
  limits: LimitsById,
): Plan => {
  const needs = plan.tasks.map(({ limits: _places, concurrencyKey: _key, ...task }) => ({
    task: withFreeKey(task, keys, limits),
    needed: limitIdsOf(plan, task, keys).filter((id) => limits.has(id)),
  }));
  const ids = [...new Set(needs.flatMap(({ needed }) => needed))].sort(byOrder);
  const placeOf = new Map(ids.map((id, place) => [id, place]));
  return {
    ...plan,
    ...(ids.length === 0 ? {} : { limits: ids.map((id) => valueOf(limits, id)) }),
    tasks: needs.map(({ task, needed }) =>
      needed.length === 0 ? task : { ...task, limits: needed.map((id) => valueOf(placeOf, id)) },
    ),
  };
};

const withFreeKey = (task: PlanTask, keys: KeysByTask, limits: LimitsById): PlanTask => {
  const key = keys.get(task.key);
  return key === undefined || limits.has(`${KEY_PREFIX}${key}`) ? task : { ...task, concurrencyKey: key };
};

/** The concurrency key of each asset that has one. */
export const deployedConcurrencyKeys = ({ assets }: DeployManifestRequest): KeysByTask =>
  new Map(
    assets.flatMap(({ key, execution }) => {
      const assetKey = assetKeyOf(key);
      return assetKey && execution?.concurrencyKey !== undefined
        ? [[assetKey, execution.concurrencyKey] as const]
        : [];
    }),
  );

const KEY_PREFIX = 'key:';

/** The concurrency keys of a plan's tasks, whether they had a limit when it was frozen or not. */
export const plannedConcurrencyKeys = ({ tasks, limits = [] }: Plan): KeysByTask => {
  const keyAt = new Map(
    limits.flatMap(({ limitId }, place) =>
      limitId.startsWith(KEY_PREFIX) ? [[place, limitId.slice(KEY_PREFIX.length)] as const] : [],
    ),
  );
  return new Map(
    tasks.flatMap(({ key: taskKey, limits: places = [], concurrencyKey }) => {
      const limited = places.flatMap((place) => keyAt.get(place) ?? []);
      const [key = concurrencyKey] = limited;
      return key === undefined ? [] : [[taskKey, key] as const];
    }),
  );
};

/** Every limit that may hold for a task, in the order of asking. */
const limitIdsOf = (
  { defaults }: Pick<Plan, 'defaults'>,
  { key: taskKey, policy }: PlanTask,
  keys: KeysByTask,
): readonly string[] => {
  const key = keys.get(taskKey);
  return [
    ...(key === undefined ? [] : [`${KEY_PREFIX}${key}`]),
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
