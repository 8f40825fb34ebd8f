/** The frozen DAG of a run as it stands in `PlanCreated`: tasks in plan order, edges by index. */
import * as z from 'zod';
import { AssetKey, TaskKey } from '#contracts/ids.ts';
import { QueueName } from '#contracts/runs/claim.ts';
import { ConcurrencyKey, PlannedLimit } from '#contracts/runs/concurrency.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { ExecutionLocation } from '#contracts/runs/locations.ts';
import { InlineRunnerName } from '#contracts/runs/runner.ts';
import { ErrorCategory } from '#contracts/runs/task-output.ts';

/** When and how often a failed attempt is followed by another. */
export const RetryPolicy = z
  .strictObject({
    maxAttempts: z.int().min(1).max(runLimits.attemptsMax),
    baseMs: z.int().min(0).max(86_400_000),
    factor: z.number().min(1).max(10),
    maxMs: z.int().min(0).max(86_400_000),
    /** Upper bound, exclusive, of what is added to the wait; derived from the attempt, not from chance. */
    jitterMs: z.int().min(0).max(3_600_000),
    /** The only failures another attempt follows; absent, those the table of categories calls retryable. */
    retryOn: z.array(ErrorCategory).readonly().optional(),
  })
  .readonly();
export type RetryPolicy = z.infer<typeof RetryPolicy>;

/** How a task is handed out and watched. */
export const TaskPolicy = z
  .strictObject({
    queue: QueueName,
    priority: z.int().min(0).max(9),
    heartbeatTimeoutSec: z.int().min(30).max(86_400),
    /** How long an attempt may run before it ends `TIMED_OUT`; absent, as long as it is heard. */
    attemptTimeoutSec: z.int().min(1).max(604_800).optional(),
    /** How long a running attempt may take to stop when its run is being stopped; absent, two minutes. */
    cancelGraceSec: z.int().min(0).max(3_600).optional(),
    retry: RetryPolicy,
  })
  .readonly();
export type TaskPolicy = z.infer<typeof TaskPolicy>;

/**
 * When a task may run, by how its upstreams ended: `all_success`, all of them SUCCEEDED; `all_done`, all ended;
 * `one_success`, as soon as one SUCCEEDED; `none_failed`, all ended and none FAILED or TIMED_OUT; `always`, as
 * `all_done`, and also while the run is being stopped.
 */
export const TriggerRule = z.enum(['all_success', 'all_done', 'one_success', 'none_failed', 'always']);
export type TriggerRule = z.infer<typeof TriggerRule>;

/** One task. Members that equal the plan's defaults are left out. */
export const PlanTask = z
  .strictObject({
    key: TaskKey,
    /** Plan indices of its upstreams, ascending, each below the own index. */
    dependsOn: z.array(z.int().min(0)).readonly().optional(),
    assetKey: AssetKey.optional(),
    policy: TaskPolicy.unwrap().partial().readonly().optional(),
    /** Absent, `all_success`. */
    triggerRule: TriggerRule.optional(),
    /** Absent for tasks of HTTP workers. */
    runner: InlineRunnerName.optional(),
    /** Places in the plan's limits, ascending: those of which each attempt holds a slot. */
    limits: z.array(z.int().min(0)).max(3).readonly().optional(),
    /** Only where the key had no limit when the plan was frozen, so that a rerun asks the one it has then. */
    concurrencyKey: ConcurrencyKey.optional(),
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
    /** Keys first, then queues, then the workspace, each by name: tasks ask theirs in this order. */
    limits: z.array(PlannedLimit).readonly().optional(),
    /** Where tasks of their queues are sent instead of being offered; absent, nowhere. */
    locations: z.array(ExecutionLocation).readonly().optional(),
    tasks: z.array(PlanTask).min(1).max(runLimits.planTasksMax).readonly(),
  })
  .readonly();
export type Plan = z.infer<typeof Plan>;
