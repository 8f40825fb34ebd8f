/** What readers get of runs and tasks (asset reference, section 8.3). */
import * as z from 'zod';
import { Actor } from '#contracts/event.ts';
import { AttemptId, EventId, PlanId, RunId, WorkspaceId } from '#contracts/ids.ts';
import { WaitingPlace } from '#contracts/runs/concurrency.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { ExecutionLocationId, LocationLifecycle } from '#contracts/runs/locations.ts';
import { RerunKind, RerunReason } from '#contracts/runs/rerun.ts';
import { RunState, TaskState, TerminalTaskStatus, WaitingReason } from '#contracts/runs/states.ts';
import { AttemptFailure } from '#contracts/runs/run-events.ts';
import {
  ErrorCategory,
  OutputFields,
  OutputVisibilityState,
  TaskError,
  TaskMetrics,
} from '#contracts/runs/task-output.ts';

const instant = z.iso.datetime();

/** Tasks of a run by public state. */
export const TaskCounts = z.strictObject({
  total: z.int(),
  pending: z.int(),
  queued: z.int(),
  running: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  skipped: z.int(),
  cancelled: z.int(),
  /** Always there; optional because answers of before it are still read. */
  timedOut: z.int().optional(),
});
export type TaskCounts = Readonly<z.infer<typeof TaskCounts>>;

/** How often and why a task was tried again. */
export const RetryAttribution = z.strictObject({
  retries: z.int().min(1),
  reason: z.literal('prior_attempt_failed'),
});

const Unsuccessful = TerminalTaskStatus.exclude(['SUCCEEDED']);

/** The direct cause of a skip: the least of (instant, upstream key). */
export const SkipAttribution = z.strictObject({
  upstreamTaskKey: z.string(),
  upstreamResolution: Unsuccessful,
  /** The task at the end of the way that was not itself skipped. */
  rootCause: z.strictObject({ taskKey: z.string(), resolution: Unsuccessful }).optional(),
  /** From the direct cause to the root. */
  path: z.array(z.string()).optional(),
  /** Every upstream without success, the direct cause first. */
  allCauses: z
    .array(z.strictObject({ upstreamTaskKey: z.string(), upstreamResolution: Unsuccessful }))
    .optional(),
});
export type SkipAttribution = Readonly<z.infer<typeof SkipAttribution>>;

/** One task as its readers see it. */
export const TaskRead = z.strictObject({
  taskKey: z.string(),
  assetKey: z.string().optional(),
  partitionKey: z.string().optional(),
  state: TaskState,
  /** 0 before the first dispatch. */
  attempt: z.int().min(0),
  startedAt: instant.optional(),
  completedAt: instant.optional(),
  lastHeartbeatAt: instant.optional(),
  /** When the next attempt begins, while the task waits for it. */
  retryAt: instant.optional(),
  workerId: z.string().optional(),
  progressPct: z.int().optional(),
  progressMessage: z.string().optional(),
  errorMessage: z.string().optional(),
  errorCategory: ErrorCategory.optional(),
  metrics: TaskMetrics.optional(),
  materializationId: z.string().optional(),
  rowCount: z.int().optional(),
  byteSize: z.int().optional(),
  outputPath: z.string().optional(),
  executionLineageRef: z.string().optional(),
  deltaTable: z.string().optional(),
  deltaVersion: z.int().optional(),
  deltaPartition: z.string().optional(),
  retryAttribution: RetryAttribution.optional(),
  skipAttribution: SkipAttribution.optional(),
  outputVisibilityState: OutputVisibilityState.optional(),
  publishedAt: z.string().optional(),
  publishError: z.string().optional(),
});
export type TaskRead = Readonly<z.infer<typeof TaskRead>>;

/** One attempt of a task as its readers see it. */
export const AttemptRead = z.strictObject({
  attempt: z.int().min(1),
  attemptId: AttemptId,
  state: z.enum(['QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMED_OUT']),
  queue: z.string(),
  dispatchedAt: instant,
  /** How often it was offered. */
  sends: z.int().min(1),
  workerId: z.string().optional(),
  startedAt: instant.optional(),
  lastHeartbeatAt: instant.optional(),
  progressPct: z.int().optional(),
  progressMessage: z.string().optional(),
  completedAt: instant.optional(),
  /** Why Sluice itself ended it. */
  failure: AttemptFailure.optional(),
  error: TaskError.optional(),
  metrics: TaskMetrics.optional(),
  output: OutputFields.optional(),
  /** When the attempt after it begins. */
  retryAt: instant.optional(),
  cancelledDuringPhase: z.string().optional(),
  partialProgress: z.json().optional(),
});
export type AttemptRead = z.infer<typeof AttemptRead>;

/** Answer of `GET /runs/{runId}/tasks/{taskKey}/attempts`, the first attempt first. */
export const AttemptList = z.strictObject({ attempts: z.array(AttemptRead) });
export type AttemptList = z.infer<typeof AttemptList>;

/** Answer of `GET /runs/{runId}`; tasks sorted by key. */
export const RunRead = z.strictObject({
  runId: RunId,
  workspaceId: WorkspaceId,
  planId: PlanId,
  state: RunState,
  outcomeReason: z.string().optional(),
  runKey: z.string().optional(),
  codeVersion: z.string().optional(),
  createdAt: instant,
  startedAt: instant.optional(),
  completedAt: instant.optional(),
  /** When the run will be stopped if it has not ended. */
  deadlineAt: instant.optional(),
  cancelRequestedAt: instant.optional(),
  cancelRequestedBy: z.string().optional(),
  cancelReason: z.string().optional(),
  tasks: z.array(TaskRead),
  taskCounts: TaskCounts,
  labels: z.record(z.string(), z.string()),
  /** The run this one runs again, which of its tasks, and why those. */
  parentRunId: RunId.optional(),
  rerunKind: RerunKind.optional(),
  rerunReason: RerunReason.optional(),
});
export type RunRead = Readonly<z.infer<typeof RunRead>>;

/** One run as a list shows it. */
export const RunItem = z.strictObject({
  runId: RunId,
  state: RunState,
  createdAt: instant,
  completedAt: instant.optional(),
  taskCount: z.int(),
  tasksSucceeded: z.int(),
  tasksFailed: z.int(),
  parentRunId: RunId.optional(),
  rerunKind: RerunKind.optional(),
});
export type RunItem = Readonly<z.infer<typeof RunItem>>;

/** Answer of `GET /runs/{runId}/tasks`, sorted by key. */
export const TaskPage = z.strictObject({ tasks: z.array(TaskRead), nextCursor: z.string().optional() });
export type TaskPage = z.infer<typeof TaskPage>;

/** One event of a run as readers get it. */
export const RunEventRead = z.strictObject({
  id: EventId,
  /** Position in the run's stream, from 1 on, without gaps. */
  sequence: z.int().min(1),
  type: z.string(),
  schemaVersion: z.int().min(1),
  idempotencyKey: z.string(),
  data: z.record(z.string(), z.unknown()),
  actor: Actor,
  occurredAt: instant,
  mustUnderstand: z.literal(true).optional(),
});
export type RunEventRead = z.infer<typeof RunEventRead>;

/** Answer of `GET /runs/{runId}/events`. */
export const RunEventPage = z.strictObject({ events: z.array(RunEventRead) });
export type RunEventPage = z.infer<typeof RunEventPage>;

/** Query of `GET /runs/{runId}/events`: at most `limit` events behind the sequence `after`. */
export const RunEventQuery = z.strictObject({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(runLimits.listLimitMax).default(runLimits.listLimitDefault),
});
export type RunEventQuery = z.infer<typeof RunEventQuery>;

/** Query of `GET /runs/{runId}/events/stream`: the events behind the sequence `after`; `Last-Event-ID` goes before it. */
export const RunStreamQuery = z.strictObject({ after: z.coerce.number().int().min(0).default(0) });
export type RunStreamQuery = z.infer<typeof RunStreamQuery>;

/** A stream of server-sent events; the `data` of each frame is a `RunEventRead`, its `id` the sequence. */
export const RunEventStream = z.string();

/** One page of runs, newest first. */
export const RunPage = z.strictObject({ runs: z.array(RunItem), nextCursor: z.string().optional() });
export type RunPage = z.infer<typeof RunPage>;

const atSequence = z.coerce.number().int().min(1).optional();

/** Query of reads of one run: as it stood after the event of that sequence; absent, as it stands. */
export const RunReadQuery = z.strictObject({ atSequence });
export type RunReadQuery = z.infer<typeof RunReadQuery>;

/** Query of `GET /runs/{runId}/tasks`. */
export const TaskListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(runLimits.listLimitMax).default(runLimits.listLimitMax),
  cursor: z.string().max(2048).optional(),
  state: TaskState.optional(),
  atSequence,
});
export type TaskListQuery = z.infer<typeof TaskListQuery>;

/** Query of `GET /runs`. What is given must hold all together. */
export const RunListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(runLimits.listLimitMax).default(runLimits.runListLimitDefault),
  cursor: z.string().max(2048).optional(),
  state: RunState.optional(),
  /** Runs that have a task of this asset, `ns.name` or `ns/name`. */
  assetKey: z.string().max(runLimits.selectionItemLengthMax).optional(),
  /** Runs with these labels: `key=value`, several separated by commas. */
  label: z.string().max(4096).optional(),
  runKey: z.string().max(runLimits.runKeyLengthMax).optional(),
  /** Runs triggered at or after this instant. */
  since: z.iso.datetime({ offset: true }).optional(),
  /** Runs triggered before this instant. */
  until: z.iso.datetime({ offset: true }).optional(),
});
export type RunListQuery = z.infer<typeof RunListQuery>;

/** Query of lists without filters. */
export const ListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(runLimits.listLimitMax).default(runLimits.listLimitDefault),
  cursor: z.string().max(2048).optional(),
});
export type ListQuery = z.infer<typeof ListQuery>;

/** An execution location that is sent nothing. */
export const ClosedLocation = z.strictObject({
  executionLocationId: ExecutionLocationId,
  lifecycle: LocationLifecycle,
});

/** Answer of `GET /runs/{runId}/why`: everything the run waits for, the most urgent first. */
export const RunWhy = z.strictObject({
  runId: RunId,
  state: RunState,
  waiting: z.array(
    z.strictObject({
      reason: WaitingReason,
      /** The task key, or the run id for the run itself. */
      subject: z.string(),
      deadlineAt: instant,
      /** With `concurrency_limit`: which limit, and the place in its queue. */
      limit: WaitingPlace.optional(),
      /** With `worker`: the execution location that is sent nothing now, for which the attempt waits. */
      location: ClosedLocation.optional(),
    }),
  ),
});
export type RunWhy = Readonly<z.infer<typeof RunWhy>>;

/** Input of the `retry-task` state machine and of the function it calls. */
export const RetryTaskInput = z.strictObject({
  runId: RunId,
  tenantId: z.string(),
  workspaceId: z.string(),
  taskKey: z.string(),
  /** The attempt that failed, the retry makes the next one; 0 where the first one was refused a slot and asks again. */
  attempt: z.int().min(0),
  retryAt: instant,
});
export type RetryTaskInput = Readonly<z.infer<typeof RetryTaskInput>>;
