/** The frozen DAG of a run as it stands in `PlanCreated`: tasks in plan order, edges by index. */
import * as z from 'zod';
import { AssetKey, TaskKey } from '#contracts/ids.ts';
import { QueueName } from '#contracts/runs/claim.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { InlineRunnerName } from '#contracts/runs/runner.ts';

/** When and how often a failed attempt is followed by another. */
export const RetryPolicy = z
  .strictObject({
    maxAttempts: z.int().min(1).max(runLimits.attemptsMax),
    baseMs: z.int().min(0).max(86_400_000),
    factor: z.number().min(1).max(10),
    maxMs: z.int().min(0).max(86_400_000),
    /** Upper bound, exclusive, of what is added to the wait; derived from the attempt, not from chance. */
    jitterMs: z.int().min(0).max(3_600_000),
  })
  .readonly();
export type RetryPolicy = z.infer<typeof RetryPolicy>;

/** How a task is handed out and watched. */
export const TaskPolicy = z
  .strictObject({
    queue: QueueName,
    priority: z.int().min(0).max(9),
    heartbeatTimeoutSec: z.int().min(30).max(86_400),
    retry: RetryPolicy,
  })
  .readonly();
export type TaskPolicy = z.infer<typeof TaskPolicy>;

/** One task. Members that equal the plan's defaults are left out. */
export const PlanTask = z
  .strictObject({
    key: TaskKey,
    /** Plan indices of the tasks that must succeed first, ascending, each below the own index. */
    dependsOn: z.array(z.int().min(0)).readonly().optional(),
    assetKey: AssetKey.optional(),
    policy: TaskPolicy.unwrap().partial().readonly().optional(),
    /** Absent for tasks of HTTP workers. */
    runner: InlineRunnerName.optional(),
  })
  .readonly();
export type PlanTask = z.infer<typeof PlanTask>;

/** Everything a run will do, frozen when it is triggered. */
export const Plan = z
  .strictObject({
    /** The partition of every task of the run, canonical. */
    partitionKey: z.string().optional(),
    defaults: TaskPolicy,
    requiresVisibleOutput: z.boolean(),
    tasks: z.array(PlanTask).min(1).max(runLimits.planTasksMax).readonly(),
  })
  .readonly();
export type Plan = z.infer<typeof Plan>;
