/** How an HTTP worker takes work: the claim is the start of the attempt (asset reference, section 7.1). */
import * as z from 'zod';
import { AttemptId, CallbackTaskId, RunId, TaskKey, TenantId, WorkspaceId } from '#contracts/ids.ts';
import { CompletedRequest, CompletedResponse, WorkerId } from '#contracts/runs/callbacks.ts';
import { runLimits, taskDefaults } from '#contracts/runs/limits.ts';

/** A worker queue: 1 to 64 characters of a-z, 0-9, `-` and `_`. */
export const QueueName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, { error: 'must be a lower-case name of at most 64 characters' });
export type QueueName = z.infer<typeof QueueName>;

/** How an attempt has ended, told with the claim of what comes next instead of by a callback of its own. */
export const ClaimReport = z
  .strictObject({ taskId: CallbackTaskId, taskToken: z.string().min(1), report: CompletedRequest })
  .readonly();
export type ClaimReport = z.infer<typeof ClaimReport>;

/** Body of `POST /workers/claim`. */
export const ClaimRequest = z
  .strictObject({
    workerId: WorkerId,
    queue: QueueName.default(taskDefaults.queue),
    maxTasks: z.int().min(1).max(runLimits.claimTasksMax).default(1),
    /** How long the answer may wait for work to come. */
    waitMs: z.int().min(0).max(runLimits.claimWaitMsMax).default(0),
    /** Recorded first, as the callback `completed` would; where it is refused, nothing is claimed. */
    completed: ClaimReport.optional(),
  })
  .readonly();
export type ClaimRequest = z.infer<typeof ClaimRequest>;

/** One task in a worker's hands. Readers tolerate members they do not know. */
export const DispatchEnvelope = z
  .object({
    tenantId: TenantId,
    workspaceId: WorkspaceId,
    taskId: CallbackTaskId,
    taskKey: TaskKey,
    runId: RunId,
    attempt: z.int().min(1),
    attemptId: AttemptId,
    dispatchId: z.string(),
    executionLocationId: z.string().optional(),
    partitionKey: z.string().optional(),
    heartbeatTimeoutSec: z.int().optional(),
    workerQueue: QueueName,
    callbackBaseUrl: z.url(),
    taskToken: z.string(),
    tokenExpiresAt: z.iso.datetime({ offset: true }),
    traceparent: z.string().optional(),
    payload: z.record(z.string(), z.json()),
  })
  .readonly();
export type DispatchEnvelope = z.infer<typeof DispatchEnvelope>;

/** No tasks when nothing came within the wait; `completed` answers the report of the request. */
export const ClaimResponse = z.strictObject({
  tasks: z.array(DispatchEnvelope),
  completed: CompletedResponse.optional(),
});
export type ClaimResponse = z.infer<typeof ClaimResponse>;
