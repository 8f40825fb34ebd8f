/** One run as its readers see it, folded from the ledger, so that a read sees every write before it. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { RunItem, RunRead, SkipAttribution, TaskRead } from '#contracts/runs/read.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import { valueOf } from '#domain/kernel/value-of.ts';
import { asRunEvent } from '#domain/run/evolve.ts';
import { countTasks, runRowAfter } from '#domain/run/run-rows.ts';
import { evolveTaskRow, isTaskEvent, newTaskRow } from '#domain/run/task-rows.ts';
import type { RunRow } from '#domain/run/run-rows.ts';
import type { TaskRow } from '#domain/run/task-rows.ts';
import { skipAttributions } from '#domain/run/skip-attribution.ts';

/** The run after these events, the first ones of its stream; undefined when there is no run yet. */
export const runDetail = (events: readonly RecordedEvent[]): RunRead | undefined => {
  let run: RunRow | undefined;
  let plan: Plan | undefined;
  const rows = new Map<string, TaskRow>();
  for (const event of events) {
    run = runRowAfter(run, event);
    const known = asRunEvent(event);
    if (known?.type === 'PlanCreated') {
      plan = known.data.plan;
      for (const [index, { key }] of plan.tasks.entries()) rows.set(key, newTaskRow(known.data, index));
    } else if (known && isTaskEvent(known)) {
      const { taskKey } = known.data;
      rows.set(taskKey, evolveTaskRow(valueOf(rows, taskKey), event, known));
    }
  }
  if (!run) return undefined;
  const causes = plan ? skipAttributions(plan, rows) : new Map<string, SkipAttribution>();
  const {
    tenantId: _t,
    rootAssets: _r,
    assetMarks: _m,
    statuses,
    taskCount: _c,
    tasksSucceeded: _s,
    tasksFailed: _f,
    outputs: _o,
    failedOutput: _failed,
    ending: _ending,
    ...read
  } = run;
  return {
    ...read,
    tasks: [...rows.values()]
      .map((row) => taskRead(row, causes.get(row.taskKey)))
      .sort((left, right) => (left.taskKey < right.taskKey ? -1 : 1)),
    taskCounts: countTasks(statuses),
  };
};

/** A task's row as its readers see it. */
export const taskRead = (row: TaskRow, skipAttribution?: SkipAttribution): TaskRead => {
  const { runId: _run, taskIndex: _index, status: _status, ...read } = row;
  return {
    ...read,
    ...(row.attempt > 1
      ? { retryAttribution: { retries: row.attempt - 1, reason: 'prior_attempt_failed' as const } }
      : {}),
    ...(skipAttribution === undefined ? {} : { skipAttribution }),
  };
};

/** A run's row as a list shows it. */
export const runItem = (row: RunRow): RunItem => ({
  runId: row.runId,
  state: row.state,
  createdAt: row.createdAt,
  ...(row.completedAt === undefined ? {} : { completedAt: row.completedAt }),
  taskCount: row.taskCount,
  tasksSucceeded: row.tasksSucceeded,
  tasksFailed: row.tasksFailed,
  ...(row.parentRunId === undefined ? {} : { parentRunId: row.parentRunId }),
  ...(row.rerunKind === undefined ? {} : { rerunKind: row.rerunKind }),
});
