/**
 * Worker callbacks `/v1/callbacks/{taskId}/started|heartbeat|completed` (asset reference, section 7.3). Strict:
 * unknown members are refused; the one tolerance is `result` as another name of `output`.
 */
import * as z from 'zod';
import { AttemptId, RunId, TenantId, WorkspaceId, CallbackTaskId } from '#contracts/ids.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { TaskError, TaskMetrics, TaskOutput } from '#contracts/runs/task-output.ts';

/** How a worker calls itself, 1 to 256 characters. */
export const WorkerId = z.string().min(1).max(256).brand<'WorkerId'>();
export type WorkerId = z.infer<typeof WorkerId>;

const instant = z.iso.datetime({ offset: true });

/** What every report of a worker says of its attempt. */
export const attemptReport = {
  attempt: z.int().min(1).max(runLimits.attemptsMax),
  attemptId: AttemptId,
  workerId: WorkerId,
  traceparent: z.string().max(128).optional(),
};

/** The worker begins; after a claim this is an idempotent acknowledgement. */
export const StartedRequest = z.strictObject({ ...attemptReport, startedAt: instant.optional() }).readonly();
export type StartedRequest = z.infer<typeof StartedRequest>;

/** The worker lives; its clock is an observation, the deadline counts from the server's receipt. */
export const HeartbeatRequest = z
  .strictObject({
    ...attemptReport,
    heartbeatAt: instant.optional(),
    progressPct: z.int().min(0).max(100).optional(),
    message: z.string().max(65_536).optional(),
  })
  .readonly();
export type HeartbeatRequest = z.infer<typeof HeartbeatRequest>;

/** How an attempt may end by a worker's word. */
export const ReportedOutcome = z.enum(['SUCCEEDED', 'FAILED', 'CANCELLED']);
export type ReportedOutcome = z.infer<typeof ReportedOutcome>;

/** What a completion says besides whose it is. */
export const completion = {
  outcome: ReportedOutcome,
  completedAt: instant.optional(),
  output: TaskOutput.optional(),
  result: TaskOutput.optional(),
  error: TaskError.optional(),
  metrics: TaskMetrics.optional(),
  cancelledDuringPhase: z.string().max(256).optional(),
  partialProgress: z.json().optional(),
};

/** The attempt has ended. The same report again is answered 200 with `duplicate`. */
export const CompletedRequest = z
  .strictObject({ ...attemptReport, ...completion })
  .refine((body) => body.output === undefined || body.result === undefined, {
    path: ['result'],
    error: 'must be absent when output is given: both name the same thing',
  })
  .transform(({ result, ...body }) => (result === undefined ? body : { ...body, output: result }))
  .readonly();
export type CompletedRequest = z.infer<typeof CompletedRequest>;

/** Answer of `started`. */
export const StartedResponse = z.strictObject({ acknowledged: z.literal(true), serverTime: instant });
export type StartedResponse = z.infer<typeof StartedResponse>;

/** Answer of `heartbeat`; tells the worker whether to stop. */
export const HeartbeatResponse = z.strictObject({
  acknowledged: z.literal(true),
  shouldCancel: z.boolean(),
  /** Why: somebody asked, or the run's deadline passed. */
  cancelReason: z.enum(['user_requested', 'run_timed_out']).optional(),
  serverTime: instant,
});
export type HeartbeatResponse = z.infer<typeof HeartbeatResponse>;

/** Answer of `completed`. */
export const CompletedResponse = z.strictObject({
  acknowledged: z.literal(true),
  /** The worker's own outcome, `FAILED` even when a retry follows. */
  finalState: ReportedOutcome,
  serverTime: instant,
  /** Present when this very report had been taken before. */
  duplicate: z.literal(true).optional(),
});
export type CompletedResponse = z.infer<typeof CompletedResponse>;

/** What a refused callback adds to the error body, at its top level. */
export const CallbackError = z.strictObject({
  code: z.string(),
  /** The same word as `code`, where the reference's workers look for it. */
  error: z.string(),
  message: z.string(),
  requestId: z.string(),
  retryable: z.boolean(),
  retryAfterMs: z.int().optional(),
  details: z.record(z.string(), z.unknown()).optional(),
  state: z.string().optional(),
  expectedAttempt: z.int().optional(),
  receivedAttempt: z.int().optional(),
  expectedAttemptId: z.string().optional(),
  receivedAttemptId: z.string().optional(),
});
export type CallbackError = z.infer<typeof CallbackError>;

/** The scope of a task token; every member is compared with the call and the run. */
export const TaskTokenClaims = z
  .object({
    taskId: CallbackTaskId,
    tenantId: TenantId,
    workspaceId: WorkspaceId,
    runId: RunId,
    attempt: z.int().min(1),
    attemptId: AttemptId,
  })
  .readonly();
export type TaskTokenClaims = z.infer<typeof TaskTokenClaims>;
