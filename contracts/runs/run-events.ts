/**
 * Facts of a run's stream `run#tenant/workspace/runId`. `taskIndex` is the task's place in the plan, so that a fold
 * needs no plan. Idempotency keys are the reference's where it has the fact (asset reference, section 2.2).
 */
import * as z from 'zod';
import { AttemptId, ManifestId, PlanId, RunId, TaskKey, TenantId, WorkspaceId } from '#contracts/ids.ts';
import { ReportedOutcome, WorkerId } from '#contracts/runs/callbacks.ts';
import { QueueName } from '#contracts/runs/claim.ts';
import { LimitId } from '#contracts/runs/concurrency.ts';
import { Plan } from '#contracts/runs/plan.ts';
import { InlineRunnerName } from '#contracts/runs/runner.ts';
import { RerunKind } from '#contracts/runs/rerun.ts';
import { RunOutcome, TerminalTaskStatus } from '#contracts/runs/states.ts';
import { OutputVisibilityState, TaskError, TaskMetrics, TaskOutput } from '#contracts/runs/task-output.ts';

/** What started a run. */
export const Trigger = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('manual'), userId: z.string() }),
  z.strictObject({ type: z.literal('rerun'), userId: z.string(), parentRunId: RunId, kind: RerunKind }),
]);
export type Trigger = Readonly<z.infer<typeof Trigger>>;

const event = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.strictObject({
    type: z.literal(type),
    idempotencyKey: z.string(),
    data: z.strictObject(shape).readonly(),
  });

/** A trace of W3C Trace Context: 16 bytes in hex, not all zero. */
const TraceId = z.string().regex(/^(?!0{32})[0-9a-f]{32}$/);

const task = { taskIndex: z.int().min(0), taskKey: TaskKey };
const attempt = { ...task, attempt: z.int().min(1) };
const identified = { ...attempt, attemptId: AttemptId };
const instantMs = z.int().min(0);

/** A run was asked for. Key `run:{runKey}`, or `run:{runId}` without one. */
export const RunTriggered = event('RunTriggered', {
  runId: RunId,
  planId: PlanId,
  tenantId: TenantId,
  workspaceId: WorkspaceId,
  manifestId: ManifestId,
  trigger: Trigger,
  rootAssets: z.array(z.string()).readonly(),
  runKey: z.string().optional(),
  fingerprint: z.string(),
  labels: z.record(z.string(), z.string()),
  codeVersion: z.string().optional(),
  /** Seconds from the trigger to the run's deadline; absent, it has none. */
  timeoutSec: z.int().optional(),
  /** The trace of whoever triggered it, when the request named one. */
  traceId: TraceId.optional(),
});

/** The plan was frozen; `planHash` is SHA-256 of its canonical JSON. Key `plan:{runId}`. */
export const PlanCreated = event('PlanCreated', {
  runId: RunId,
  planId: PlanId,
  planHash: z.string(),
  plan: Plan,
});

/** All its upstreams succeeded or its retry fell due, and it had to wait for its turn. Key `ready:…`. */
export const TaskReadied = event('TaskReadied', attempt);

/**
 * The next attempt asks for a slot of its limit at this place among those its plan gives it: all before were granted. A
 * request that led to nothing is made again. Key `slot_req:{dispatchId}:{limitId}:{sendNo}`.
 */
export const TaskSlotRequested = event('TaskSlotRequested', {
  ...attempt,
  limitId: LimitId,
  place: z.int().min(0).max(2),
  sendNo: z.int().min(1),
});

/** The limit had too many waiters to take this request: the next attempt asks again. Key `slot_refused:{dispatchId}:{limitId}:{sendNo}`. */
export const TaskSlotRefused = event('TaskSlotRefused', {
  ...attempt,
  limitId: LimitId,
  place: z.int().min(0).max(2),
  sendNo: z.int().min(1),
  /** Absent in events of earlier versions, which asked again after one, two, four and then five minutes. */
  askAgainAtMs: z.int().min(0).optional(),
});

/** A limit has heard that an attempt gives its slot back. Key `slot_return:{dispatchId}:{limitId}`. */
export const TaskSlotReturned = event('TaskSlotReturned', {
  ...attempt,
  limitId: LimitId,
  place: z.int().min(0).max(2),
});

/** An attempt was offered to workers, or handed to an in-process runner. Key `dispatch_req:{dispatchId}`. */
export const TaskDispatched = event('TaskDispatched', {
  ...identified,
  dispatchId: z.string(),
  queue: QueueName,
  priority: z.int(),
  /** Absent for HTTP workers. */
  runner: InlineRunnerName.optional(),
  /** How many slots it holds; absent, none. */
  slots: z.int().min(1).max(3).optional(),
});

/** A lost offer or message is made again. Key `dispatch_resend:{dispatchId}:{sendNo}`. */
export const TaskRedispatched = event('TaskRedispatched', { ...attempt, sendNo: z.int().min(2) });

/** A worker or an in-process runner took the attempt. Key `started:{run}:{task}:{attempt}`. */
export const TaskStarted = event('TaskStarted', { ...identified, workerId: WorkerId });

/** A worker was heard. Key `heartbeat:{run}:{task}:{attempt}:{attemptId}:{heartbeatAtMs}`. */
export const TaskHeartbeatRecorded = event('TaskHeartbeatRecorded', {
  ...identified,
  workerId: WorkerId,
  heartbeatAtMs: instantMs,
  progressPct: z.int().optional(),
  message: z.string().optional(),
});

/** Why Sluice itself ended an attempt. */
export const AttemptFailure = z.enum([
  'heartbeat_timeout',
  'dispatch_lost',
  'attempt_timeout',
  'cancel_grace',
]);
export type AttemptFailure = z.infer<typeof AttemptFailure>;

/** How an attempt ended; Sluice alone says `TIMED_OUT`. */
export const AttemptOutcome = z.enum([...ReportedOutcome.options, 'TIMED_OUT']);
export type AttemptOutcome = z.infer<typeof AttemptOutcome>;

/** An attempt ended; with `retryAtMs` another follows. Key `finished:{run}:{task}:{attempt}`. */
export const TaskCompleted = event('TaskCompleted', {
  ...identified,
  workerId: WorkerId,
  /** `CANCELLED` also when the worker reported a failure while its run was being stopped. */
  outcome: AttemptOutcome,
  /** Short hash of the canonical report, by which its repeat is known. */
  reportHash: z.string(),
  retryAtMs: instantMs.optional(),
  failure: AttemptFailure.optional(),
  materializationId: z.string().optional(),
  output: TaskOutput.optional(),
  error: TaskError.optional(),
  metrics: TaskMetrics.optional(),
  cancelledDuringPhase: z.string().optional(),
  partialProgress: z.json().optional(),
  assetKey: z.string().optional(),
  partitionKey: z.string().optional(),
  codeVersion: z.string().optional(),
});

const cause = {
  ...task,
  upstreamTaskKey: TaskKey,
  upstreamResolution: TerminalTaskStatus.exclude(['SUCCEEDED']),
};

/** An upstream ended without success, so this task never runs. Key `skipped:{run}:{task}`. */
export const TaskSkipped = event('TaskSkipped', cause);

/** An upstream was cancelled, so this task is too. Key `cancelled:{run}:{task}`. */
export const TaskCancelled = event('TaskCancelled', cause);

/** Somebody asked for the run to end: what does not run yet is stopped, and running attempts are told. Key `cancel:{runId}`. */
export const RunCancelRequested = event('RunCancelRequested', {
  runId: RunId,
  requestedBy: z.string(),
  reason: z.string().optional(),
});

/** The run's own deadline passed: it is stopped like a cancelled one. Key `deadline:{runId}`. */
export const RunDeadlinePassed = event('RunDeadlinePassed', { runId: RunId, deadlineMs: instantMs });

/** Its run is being stopped, and the task had no attempt that a worker had started. Key `stopped:{run}:{task}`. */
export const TaskStopped = event('TaskStopped', task);

/**
 * Whether others can read what an attempt wrote, when that was said apart from its end; `VISIBLE` and `FAILED` stay.
 * Key `output_visibility:{run}:{task}:{attempt}:{state}`.
 */
export const OutputVisibilityChanged = event('OutputVisibilityChanged', {
  ...identified,
  visibilityState: OutputVisibilityState,
  publishedAt: z.string().optional(),
  publishError: z.string().optional(),
});

/** Every task has ended. Key `completed:{runId}`. */
export const RunCompleted = event('RunCompleted', {
  runId: RunId,
  outcome: RunOutcome,
  /** Names the deciding task where one decided. */
  outcomeReason: z.string(),
});

/** Every fact a run's stream may hold. */
export const RunEvent = z.discriminatedUnion('type', [
  RunTriggered,
  PlanCreated,
  TaskReadied,
  TaskSlotRequested,
  TaskSlotRefused,
  TaskSlotReturned,
  TaskDispatched,
  TaskRedispatched,
  TaskStarted,
  TaskHeartbeatRecorded,
  TaskCompleted,
  TaskSkipped,
  TaskCancelled,
  TaskStopped,
  RunCancelRequested,
  RunDeadlinePassed,
  RunCompleted,
  OutputVisibilityChanged,
]);
export type RunEvent = z.infer<typeof RunEvent>;
export type RunEventType = RunEvent['type'];
export type RunEventData<Type extends RunEventType> = Extract<RunEvent, { readonly type: Type }>['data'];
