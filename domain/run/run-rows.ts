/** The rows a run leaves in the read models, and how each event changes them. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { RunEventData } from '#contracts/runs/run-events.ts';
import { rerunReasons } from '#contracts/runs/rerun.ts';
import { publicRunState, publicTaskState } from '#contracts/runs/states.ts';
import type { RunStatus, TaskStatus } from '#contracts/runs/states.ts';
import type { RunRead, TaskCounts, TaskRead } from '#contracts/runs/read.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { asRunEvent } from '#domain/run/evolve.ts';
import { executionLineageRef, lineageOf } from '#domain/run/lineage.ts';
import { plannedTask } from '#domain/run/run.ts';
import { statusLetter, statusOf } from '#domain/run/status-letter.ts';

/** The run's own row. `statuses` holds one letter a task in plan order, from which the counts are taken. */
export type RunRow = Omit<RunRead, 'tasks' | 'taskCounts'> & {
  readonly tenantId: string;
  readonly rootAssets: readonly string[];
  /** A short mark for the asset of each task, by which lists filter; see `hasAsset`. */
  readonly assetMarks?: string;
  readonly statuses: string;
  readonly taskCount: number;
  readonly tasksSucceeded: number;
  readonly tasksFailed: number;
};

/** One task's row; attributions are derived when it is read. */
export type TaskRow = Omit<TaskRead, 'retryAttribution' | 'skipAttribution'> & {
  readonly runId: string;
  readonly taskIndex: number;
  readonly status: TaskStatus;
};

const iso = (atMs: number): string => new Date(atMs).toISOString();

const COUNT_OF = {
  PENDING: 'pending',
  QUEUED: 'queued',
  RUNNING: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  SKIPPED: 'skipped',
  CANCELLED: 'cancelled',
  TIMED_OUT: 'timedOut',
} as const;

/** Tasks by public state, out of the letters of a run row. */
export const countTasks = (statuses: string): Required<TaskCounts> => {
  const counts = {
    total: 0,
    pending: 0,
    queued: 0,
    running: 0,
    succeeded: 0,
    failed: 0,
    skipped: 0,
    cancelled: 0,
    timedOut: 0,
  };
  for (const [letter, status] of statusOf) {
    const count = statuses.split(letter).length - 1;
    counts[COUNT_OF[publicTaskState[status]]] += count;
    counts.total += count;
  }
  return counts;
};

/** The status a task has after an event, or undefined for events that leave it. */
const statusAfter = (
  event: RecordedEvent,
): { readonly taskIndex: number; readonly status: TaskStatus } | undefined => {
  const known = asRunEvent(event);
  switch (known?.type) {
    case 'TaskReadied':
      return { taskIndex: known.data.taskIndex, status: 'READY' };
    case 'TaskDispatched':
      return { taskIndex: known.data.taskIndex, status: 'DISPATCHED' };
    case 'TaskStarted':
      return { taskIndex: known.data.taskIndex, status: 'RUNNING' };
    case 'TaskCompleted':
      return {
        taskIndex: known.data.taskIndex,
        status: known.data.retryAtMs === undefined ? known.data.outcome : 'RETRY_WAIT',
      };
    case 'TaskSkipped':
      return { taskIndex: known.data.taskIndex, status: 'SKIPPED' };
    case 'TaskCancelled':
    case 'TaskStopped':
      return { taskIndex: known.data.taskIndex, status: 'CANCELLED' };
    case 'RunTriggered':
    case 'PlanCreated':
    case 'TaskRedispatched':
    case 'TaskHeartbeatRecorded':
    case 'RunCancelRequested':
    case 'RunDeadlinePassed':
    case 'RunCompleted':
    case undefined:
      return undefined;
  }
};

const withState = (row: RunRow, status: RunStatus): RunRow => ({ ...row, state: publicRunState[status] });

/** The run's row after an event; undefined until the run is triggered. */
export const runRowAfter = (row: RunRow | undefined, event: RecordedEvent): RunRow | undefined => {
  const known = asRunEvent(event);
  if (known?.type === 'RunTriggered') return newRunRow(known.data, event.occurredAtMs);
  if (!row) return undefined;
  if (known?.type === 'PlanCreated') {
    const { tasks } = known.data.plan;
    const statuses = tasks
      .map(({ dependsOn }) => statusLetter[isRoot(dependsOn) ? 'READY' : 'BLOCKED'])
      .join('');
    const assetMarks = tasks.map(({ assetKey }) => (assetKey === undefined ? '' : markOf(assetKey))).join('');
    return { ...withState(row, 'RUNNING'), statuses, assetMarks, taskCount: tasks.length };
  }
  if (known?.type === 'RunDeadlinePassed') return { ...row, state: 'CANCELLING' };
  if (known?.type === 'RunCancelRequested') return cancelledRow(row, known.data, event.occurredAtMs);
  if (known?.type === 'RunCompleted')
    return {
      ...withState(row, known.data.outcome),
      outcomeReason: known.data.outcomeReason,
      completedAt: iso(event.occurredAtMs),
    };
  const change = statusAfter(event);
  if (!change) return row;
  const { taskIndex, status } = change;
  const statuses =
    row.statuses.slice(0, taskIndex) + statusLetter[status] + row.statuses.slice(taskIndex + 1);
  return {
    ...row,
    ...(status === 'RUNNING' && row.startedAt === undefined ? { startedAt: iso(event.occurredAtMs) } : {}),
    statuses,
    tasksSucceeded: row.tasksSucceeded + (status === 'SUCCEEDED' ? 1 : 0),
    tasksFailed: row.tasksFailed + (status === 'FAILED' || status === 'TIMED_OUT' ? 1 : 0),
  };
};

/** 36 bits of an asset's hash: two of a run's two thousand assets are alike once in thirty million runs. */
const MARK_LENGTH = 6;

const markOf = (assetKey: string): string =>
  Buffer.from(sha256Hex(assetKey), 'hex').toString('base64url').slice(0, MARK_LENGTH);

/** Whether a run has a task of this asset. */
export const hasAsset = ({ assetMarks = '' }: Pick<RunRow, 'assetMarks'>, assetKey: string): boolean => {
  const mark = markOf(assetKey);
  for (let at = assetMarks.indexOf(mark); at >= 0; at = assetMarks.indexOf(mark, at + 1))
    if (at % MARK_LENGTH === 0) return true;
  return false;
};

const cancelledRow = (
  row: RunRow,
  { requestedBy, reason }: RunEventData<'RunCancelRequested'>,
  atMs: number,
): RunRow => ({
  ...row,
  state: 'CANCELLING',
  cancelRequestedAt: iso(atMs),
  cancelRequestedBy: requestedBy,
  ...(reason === undefined ? {} : { cancelReason: reason }),
});

const isRoot = (dependsOn: readonly number[] | undefined): boolean => (dependsOn ?? []).length === 0;

const rerunOf = (
  trigger: RunEventData<'RunTriggered'>['trigger'],
): Pick<RunRow, 'parentRunId' | 'rerunKind' | 'rerunReason'> =>
  trigger.type === 'rerun'
    ? {
        parentRunId: trigger.parentRunId,
        rerunKind: trigger.kind,
        rerunReason: rerunReasons[trigger.kind],
      }
    : {};

const newRunRow = (data: RunEventData<'RunTriggered'>, triggeredAtMs: number): RunRow => ({
  runId: data.runId,
  tenantId: data.tenantId,
  workspaceId: data.workspaceId,
  planId: data.planId,
  state: publicRunState.TRIGGERED,
  createdAt: iso(triggeredAtMs),
  labels: data.labels,
  rootAssets: data.rootAssets,
  ...(data.runKey === undefined ? {} : { runKey: data.runKey }),
  ...(data.codeVersion === undefined ? {} : { codeVersion: data.codeVersion }),
  ...(data.timeoutSec === undefined ? {} : { deadlineAt: iso(triggeredAtMs + data.timeoutSec * 1_000) }),
  ...rerunOf(data.trigger),
  statuses: '',
  taskCount: 0,
  tasksSucceeded: 0,
  tasksFailed: 0,
});

/** A task's row after an event that names it; undefined until a plan has named the task. */
export const taskRowAfter = (
  row: TaskRow | undefined,
  taskKey: string,
  event: RecordedEvent,
): TaskRow | undefined => {
  const known = asRunEvent(event);
  if (known?.type !== 'PlanCreated') return row && evolveTaskRow(row, event);
  const taskIndex = known.data.plan.tasks.findIndex(({ key }) => key === taskKey);
  return taskIndex < 0 ? undefined : newTaskRow(known.data, taskIndex);
};

/** A task's row after an event; events that do not concern it change nothing. */
export const evolveTaskRow = (row: TaskRow, event: RecordedEvent): TaskRow => {
  const known = asRunEvent(event);
  const change = statusAfter(event);
  const next = change ? { ...row, status: change.status, state: publicTaskState[change.status] } : row;
  switch (known?.type) {
    case 'TaskDispatched':
      return newAttempt(next, known.data.attempt);
    case 'TaskStarted':
      return { ...next, workerId: known.data.workerId, startedAt: iso(event.occurredAtMs) };
    case 'TaskHeartbeatRecorded': {
      const { progressPct, message } = known.data;
      return {
        ...next,
        lastHeartbeatAt: iso(event.occurredAtMs),
        ...(progressPct === undefined ? {} : { progressPct }),
        ...(message === undefined ? {} : { progressMessage: message }),
      };
    }
    case 'TaskCompleted':
      return completedRow(next, known.data, event.occurredAtMs);
    case 'TaskSkipped':
    case 'TaskCancelled':
    case 'TaskStopped':
      return { ...next, completedAt: iso(event.occurredAtMs) };
    case 'RunTriggered':
    case 'PlanCreated':
    case 'TaskReadied':
    case 'TaskRedispatched':
    case 'RunCancelRequested':
    case 'RunDeadlinePassed':
    case 'RunCompleted':
    case undefined:
      return next;
  }
};

/** The row a task begins with. */
export const newTaskRow = ({ runId, plan }: RunEventData<'PlanCreated'>, taskIndex: number): TaskRow => {
  const task = plannedTask(plan, taskIndex);
  const status = isRoot(task.dependsOn) ? 'READY' : 'BLOCKED';
  return {
    runId,
    taskIndex,
    taskKey: task.key,
    ...(task.assetKey === undefined ? {} : { assetKey: task.assetKey }),
    ...(plan.partitionKey === undefined ? {} : { partitionKey: plan.partitionKey }),
    status,
    state: publicTaskState[status],
    attempt: 0,
  };
};

/** What the attempt before said of itself goes; its error stays until a success. */
const newAttempt = (row: TaskRow, attempt: number): TaskRow => {
  const { workerId: _w, startedAt: _s, lastHeartbeatAt: _h, retryAt: _r, ...rest } = row;
  const { progressPct: _p, progressMessage: _m, metrics: _x, ...kept } = rest;
  return { ...kept, attempt };
};

const completedRow = (row: TaskRow, data: RunEventData<'TaskCompleted'>, atMs: number): TaskRow => {
  const metrics = data.metrics === undefined ? {} : { metrics: data.metrics };
  if (data.outcome !== 'SUCCEEDED') {
    return {
      ...row,
      ...metrics,
      ...(data.error === undefined
        ? {}
        : { errorMessage: data.error.message, errorCategory: data.error.category }),
      ...(data.retryAtMs === undefined ? { completedAt: iso(atMs) } : { retryAt: iso(data.retryAtMs) }),
    };
  }
  const { errorMessage: _e, errorCategory: _c, ...clean } = row;
  const { rowCount, byteSize, outputPath, outputVisibilityState, publishedAt, publishError } =
    data.output ?? {};
  return {
    ...clean,
    ...metrics,
    ...lineageOf(data),
    executionLineageRef: executionLineageRef(row.runId, data),
    completedAt: iso(atMs),
    ...(rowCount === undefined ? {} : { rowCount }),
    ...(byteSize === undefined ? {} : { byteSize }),
    ...(outputPath === undefined ? {} : { outputPath }),
    ...(outputVisibilityState === undefined ? {} : { outputVisibilityState }),
    ...(publishedAt === undefined ? {} : { publishedAt }),
    ...(publishError === undefined ? {} : { publishError }),
  };
};
