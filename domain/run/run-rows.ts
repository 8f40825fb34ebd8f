/** The rows a run leaves in the read models, and how each event changes them. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { RunEventData } from '#contracts/runs/run-events.ts';
import { rerunReasons } from '#contracts/runs/rerun.ts';
import { publicRunState, publicTaskState } from '#contracts/runs/states.ts';
import type { RunStatus } from '#contracts/runs/states.ts';
import type { RunRead, TaskCounts } from '#contracts/runs/read.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { asRunEvent } from '#domain/run/evolve.ts';
import { gated, withOutput } from '#domain/run/run-outputs.ts';
import type { OutputsOfRun } from '#domain/run/run-outputs.ts';
import { isRoot, statusAfter } from '#domain/run/task-rows.ts';
import { statusLetter, statusOf } from '#domain/run/status-letter.ts';

/** The run's own row. `statuses` holds one letter a task in plan order, from which the counts are taken. */
export type RunRow = Omit<RunRead, 'tasks' | 'taskCounts'> &
  OutputsOfRun & {
    readonly tenantId: string;
    readonly rootAssets: readonly string[];
    /** A short mark for the asset of each task, by which lists filter; see `hasAsset`. */
    readonly assetMarks?: string;
    readonly statuses: string;
    readonly taskCount: number;
    readonly tasksSucceeded: number;
    readonly tasksFailed: number;
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
    return {
      ...withState(row, 'RUNNING'),
      statuses,
      assetMarks,
      taskCount: tasks.length,
      ...(known.data.plan.requiresVisibleOutput ? { outputs: '' } : {}),
    };
  }
  if (known?.type === 'RunDeadlinePassed') return { ...row, state: 'CANCELLING' };
  if (known?.type === 'RunCancelRequested') return cancelledRow(row, known.data, event.occurredAtMs);
  if (known?.type === 'RunCompleted') {
    const { outcome, outcomeReason } = known.data;
    return gated({ ...row, ending: { outcome, outcomeReason, at: iso(event.occurredAtMs) } });
  }
  if (known?.type === 'OutputVisibilityChanged')
    return gated(withOutput(row, known.data, known.data.visibilityState));
  const change = statusAfter(event);
  if (!change) return row;
  const { taskIndex, status } = change;
  const statuses =
    row.statuses.slice(0, taskIndex) + statusLetter[status] + row.statuses.slice(taskIndex + 1);
  return {
    ...(known?.type === 'TaskCompleted' ? withReport(row, known.data) : row),
    ...(status === 'RUNNING' && row.startedAt === undefined ? { startedAt: iso(event.occurredAtMs) } : {}),
    statuses,
    tasksSucceeded: row.tasksSucceeded + (status === 'SUCCEEDED' ? 1 : 0),
    tasksFailed: row.tasksFailed + (status === 'FAILED' || status === 'TIMED_OUT' ? 1 : 0),
  };
};

/** What a worker says of its output with its success; other reports say nothing of it. */
const withReport = (row: RunRow, data: RunEventData<'TaskCompleted'>): RunRow => {
  const visibility = data.outcome === 'SUCCEEDED' ? data.output?.outputVisibilityState : undefined;
  return visibility === undefined ? row : withOutput(row, data, visibility);
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
