/** Why tasks were skipped (asset reference, section 10), indexed once for a run. */
import type { SkipAttribution } from '#contracts/runs/read.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import { plannedTask, triggerRuleOf } from '#domain/run/run.ts';
import type { TaskRow } from '#domain/run/task-rows.ts';
import { isObstacle } from '#domain/run/trigger-rule.ts';
import { valueOf } from '#domain/kernel/value-of.ts';

/**
 * For each skipped task its first cause: of the upstreams that its trigger rule does not run over the least by (instant,
 * key), and beside it all of them, and the way to the task that was not itself skipped.
 */
export const skipAttributions = (
  plan: Plan,
  rows: ReadonlyMap<string, TaskRow>,
): ReadonlyMap<string, SkipAttribution> => {
  const known = new Map<string, SkipAttribution>();
  // In plan order every task stands behind its upstreams, so the way of its cause is known already.
  for (const [index, { key }] of plan.tasks.entries()) {
    if (valueOf(rows, key).status !== 'SKIPPED') continue;
    const causes = causesOf(plan, index, rows);
    const [direct] = causes;
    if (!direct) continue;
    const further = known.get(direct.taskKey);
    known.set(key, {
      upstreamTaskKey: direct.taskKey,
      upstreamResolution: direct.status,
      rootCause: further?.rootCause ?? { taskKey: direct.taskKey, resolution: direct.status },
      path: [direct.taskKey, ...(further?.path ?? [])],
      allCauses: causes.map(({ taskKey, status }) => ({
        upstreamTaskKey: taskKey,
        upstreamResolution: status,
      })),
    });
  }
  return known;
};

type FailedRow = TaskRow & { readonly status: SkipAttribution['upstreamResolution'] };

const causesOf = (plan: Plan, index: number, rows: ReadonlyMap<string, TaskRow>): readonly FailedRow[] => {
  const rule = triggerRuleOf(plan, index);
  return (plannedTask(plan, index).dependsOn ?? [])
    .map((upstream) => valueOf(rows, plannedTask(plan, upstream).key))
    .flatMap((row) => (isObstacle(rule, row.status) ? [{ ...row, status: row.status }] : []))
    .sort((left, right) => (causeKey(left) < causeKey(right) ? -1 : 1));
};

/** ISO instants of one length sort as text. */
const causeKey = ({ completedAt = '', taskKey }: TaskRow): string => `${completedAt} ${taskKey}`;
