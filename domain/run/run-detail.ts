/** One run as its readers see it, folded from the ledger, so that a read sees every write before it. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { RunItem, RunRead, SkipAttribution, TaskRead } from '#contracts/runs/read.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import { asRunEvent } from '#domain/run/evolve.ts';
import { countTasks, runRowAfter, taskRowAfter } from '#domain/run/run-rows.ts';
import type { RunRow, TaskRow } from '#domain/run/run-rows.ts';
import { plannedTask } from '#domain/run/run.ts';

/** The run after these events, the first ones of its stream; undefined when there is no run yet. */
export const runDetail = (events: readonly RecordedEvent[]): RunRead | undefined => {
  let run: RunRow | undefined;
  let plan: Plan | undefined;
  let tasks: TaskRow[] = [];
  for (const event of events) {
    run = runRowAfter(run, event);
    const known = asRunEvent(event);
    if (known?.type === 'PlanCreated') {
      plan = known.data.plan;
      tasks = plan.tasks.flatMap(({ key }) => taskRowAfter(undefined, key, event) ?? []);
    } else if (known && 'taskIndex' in known.data) {
      const { taskIndex, taskKey } = known.data;
      const row = taskRowAfter(tasks[taskIndex], taskKey, event);
      if (row) tasks[taskIndex] = row;
    }
  }
  if (!run) return undefined;
  const causes = plan ? skipAttributions(plan, tasks) : new Map<string, SkipAttribution>();
  const {
    tenantId: _t,
    rootAssets: _r,
    statuses,
    taskCount: _c,
    tasksSucceeded: _s,
    tasksFailed: _f,
    ...read
  } = run;
  return {
    ...read,
    tasks: tasks
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
});

/** For each skipped task its first cause: of the upstreams without success the least by (instant, key). */
const skipAttributions = (plan: Plan, tasks: readonly TaskRow[]): ReadonlyMap<string, SkipAttribution> => {
  const found = new Map<string, SkipAttribution>();
  for (const { status, taskIndex, taskKey } of tasks) {
    if (status !== 'SKIPPED') continue;
    const [cause] = (plannedTask(plan, taskIndex).dependsOn ?? [])
      .flatMap((upstream) => failedRow(tasks[upstream]))
      .sort((left, right) => (causeKey(left) < causeKey(right) ? -1 : 1));
    if (cause) found.set(taskKey, { upstreamTaskKey: cause.taskKey, upstreamResolution: cause.status });
  }
  return found;
};

type FailedRow = TaskRow & { readonly status: SkipAttribution['upstreamResolution'] };

const failedRow = (row: TaskRow | undefined): readonly FailedRow[] =>
  row && (row.status === 'FAILED' || row.status === 'SKIPPED' || row.status === 'CANCELLED')
    ? [{ ...row, status: row.status }]
    : [];

/** ISO instants of one length sort as text. */
const causeKey = ({ completedAt = '', taskKey }: TaskRow): string => `${completedAt} ${taskKey}`;
