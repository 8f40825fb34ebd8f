/** The row of one task, and how each event changes it. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { RunEvent, RunEventData } from '#contracts/runs/run-events.ts';
import { publicTaskState } from '#contracts/runs/states.ts';
import type { TaskStatus } from '#contracts/runs/states.ts';
import type { TaskRead } from '#contracts/runs/read.ts';
import { asRunEvent } from '#domain/run/evolve.ts';
import { executionLineageRef, lineageOf } from '#domain/run/lineage.ts';
import { plannedTask } from '#domain/run/run.ts';

/** One task's row; attributions are derived when it is read. */
export type TaskRow = Omit<TaskRead, 'retryAttribution' | 'skipAttribution'> & {
  readonly runId: string;
  readonly taskIndex: number;
  readonly status: TaskStatus;
};

const iso = (atMs: number): string => new Date(atMs).toISOString();

/** The status a task has after an event, or undefined for events that leave it. */
export const statusAfter = (
  event: RecordedEvent,
): { readonly taskIndex: number; readonly status: TaskStatus } | undefined => {
  const known = asRunEvent(event);
  switch (known?.type) {
    case 'TaskReadied':
      return { taskIndex: known.data.taskIndex, status: 'READY' };
    case 'TaskSlotRequested':
      return { taskIndex: known.data.taskIndex, status: 'SLOT_WAIT' };
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
    case 'TaskSlotRefused':
    case 'TaskSlotReturned':
    case 'OutputVisibilityChanged':
    case 'RunCancelRequested':
    case 'RunDeadlinePassed':
    case 'RunCompleted':
    case undefined:
      return undefined;
  }
};

/** Whether a task waits for no other. */
export const isRoot = (dependsOn: readonly number[] | undefined): boolean => (dependsOn ?? []).length === 0;

/** What is said of one task. */
type TaskEvent = Extract<RunEvent, { readonly data: { readonly taskKey: string } }>;

/** Whether an event names a task. */
export const isTaskEvent = (event: RunEvent): event is TaskEvent => 'taskKey' in event.data;

/** A task's row after an event that names it, as the ledger has it and as it is known. */
export const evolveTaskRow = (row: TaskRow, event: RecordedEvent, known: TaskEvent): TaskRow => {
  const change = statusAfter(event);
  const next = change ? { ...row, status: change.status, state: publicTaskState[change.status] } : row;
  switch (known.type) {
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
    case 'OutputVisibilityChanged':
      return visibleRow(next, known.data, event.occurredAtMs);
    case 'TaskCompleted':
      return completedRow(next, known.data, event.occurredAtMs);
    case 'TaskSkipped':
    case 'TaskCancelled':
    case 'TaskStopped':
      return { ...next, completedAt: iso(event.occurredAtMs) };
    case 'TaskReadied':
    case 'TaskSlotRequested':
    case 'TaskSlotRefused':
    case 'TaskSlotReturned':
    case 'TaskRedispatched':
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

const visibleRow = (
  row: TaskRow,
  { visibilityState, publishedAt, publishError }: RunEventData<'OutputVisibilityChanged'>,
  atMs: number,
): TaskRow => ({
  ...row,
  outputVisibilityState: visibilityState,
  ...(visibilityState === 'VISIBLE' ? { publishedAt: publishedAt ?? iso(atMs) } : {}),
  ...(publishError === undefined ? {} : { publishError }),
});

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
