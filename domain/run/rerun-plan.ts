/** The plan of a run that makes good what another left (asset reference, section 8.4). */
import type { ManifestId } from '#contracts/ids.ts';
import type { DeployManifestRequest } from '#contracts/runs/manifest.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import type { Dependencies } from '#domain/kernel/graph.ts';
import { valueOf } from '#domain/kernel/value-of.ts';
import { assetsOf, dependenciesOf, deployedKeys, freezePlan } from '#domain/run/plan.ts';
import { deployedConcurrencyKeys, freezeLimits, plannedConcurrencyKeys } from '#domain/run/plan-limits.ts';
import { freezeLocations, locationRefusal } from '#domain/run/plan-locations.ts';
import type { InForce } from '#domain/run/plan-locations.ts';
import { tooLarge } from '#domain/run/plan-size.ts';
import { plannedUpstreams } from '#domain/run/rerun.ts';
import type { AskedRerun, ParentRun } from '#domain/run/rerun.ts';
import { plannedTask } from '#domain/run/run.ts';
import { named } from '#domain/run/selection-fault.ts';

/** What tasks are taken from when the request asks for the latest code. */
export interface LatestCode {
  readonly manifest: DeployManifestRequest;
  readonly manifestId: ManifestId;
  readonly codeVersion: string;
}

/** What a rerun is planned under: what holds in its workspace now, whichever code it takes. */
export interface RerunContext extends InForce {
  /** Absent, the parent's code. */
  readonly latest?: LatestCode | undefined;
}

type Refusal = { readonly kind: 'rejected'; readonly rejection: Rejection };

export type RerunResult = { readonly kind: 'planned'; readonly plan: Plan } | Refusal;

/**
 * Plans a rerun with the code of its parent, or with the latest, or refuses it. What is not taken counts as satisfied,
 * for tasks of `one_success` as far as it succeeded in the parent.
 */
export const planRerun = (
  parent: ParentRun,
  { taskKeys }: Pick<AskedRerun, 'taskKeys'>,
  { latest, limits = new Map(), locations = [] }: RerunContext = {},
): RerunResult => {
  const taken = latest ? latestPlan(parent.plan, taskKeys, latest) : parentPlan(parent.plan, taskKeys);
  if ('kind' in taken) return taken;
  const keys = latest ? deployedConcurrencyKeys(latest.manifest) : plannedConcurrencyKeys(parent.plan);
  const upstreams = latest ? deployedUpstreams(latest) : plannedUpstreams(parent.plan);
  const ordered = withoutNeedless(taken, upstreams, succeededBefore(parent, taskKeys));
  const plan = freezeLocations(freezeLimits(ordered, keys, limits), locations);
  const rejection = locationRefusal(plan) ?? tooLarge(plan);
  return rejection ? { kind: 'rejected', rejection } : { kind: 'planned', plan };
};

const deployedUpstreams = ({ manifest }: LatestCode): Dependencies =>
  new Map([...assetsOf(manifest)].map(([key, asset]) => [key, dependenciesOf(asset)]));

/** The tasks that are not taken because they have succeeded. */
const succeededBefore = ({ tasks }: ParentRun, taskKeys: readonly string[]): ReadonlySet<string> => {
  const taken = new Set(taskKeys);
  return new Set(
    tasks.flatMap(({ taskKey, state }) => (state === 'SUCCEEDED' && !taken.has(taskKey) ? [taskKey] : [])),
  );
};

/** The plan without the edges of `one_success` tasks that have their success already: nothing is left to wait for. */
const withoutNeedless = (plan: Plan, upstreams: Dependencies, succeeded: ReadonlySet<string>): Plan => ({
  ...plan,
  tasks: plan.tasks.map((task) => {
    const { dependsOn: _edges, ...free } = task;
    const isSatisfied =
      task.triggerRule === 'one_success' && valueOf(upstreams, task.key).some((key) => succeeded.has(key));
    return isSatisfied ? free : task;
  }),
});

/** The parent's tasks as they were, with the edges among them; its limits are frozen anew. */
const parentPlan = (plan: Plan, taskKeys: readonly string[]): Plan => {
  const taken = new Set(taskKeys);
  const places = new Map<number, number>();
  for (const [index, { key }] of plan.tasks.entries()) if (taken.has(key)) places.set(index, places.size);
  return {
    ...plan,
    tasks: [...places.keys()].map((index) => {
      const { dependsOn = [], ...task } = plannedTask(plan, index);
      const kept = dependsOn.flatMap((upstream) => places.get(upstream) ?? []);
      return { ...task, ...(kept.length === 0 ? {} : { dependsOn: kept }) };
    }),
  };
};

/** The same assets as they are deployed now, edges, rules and policies included. */
const latestPlan = (
  { partitionKey }: Plan,
  taskKeys: readonly string[],
  { manifest }: LatestCode,
): Plan | Refusal => {
  const deployed: ReadonlySet<string> = deployedKeys(manifest);
  const unknown = taskKeys.filter((key) => !deployed.has(key));
  return unknown.length > 0
    ? {
        kind: 'rejected',
        rejection: {
          code: 'invalid_selection',
          message: `the current manifest does not have ${named(unknown)}; rerun with the parent's code`,
          details: { malformed: [], unknown },
        },
      }
    : freezePlan(manifest, new Set(taskKeys), partitionKey);
};
