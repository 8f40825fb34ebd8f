/** The read models of runs: the run's row is the cursor, each task has a row, and a workspace lists newest first. */
import type { RecordedEvent } from '#contracts/event.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { newestFirst } from '#domain/kernel/list-sort.ts';
import type { Projection, RowContent, RowKey } from '#domain/kernel/projection.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { asRunEvent } from '#domain/run/evolve.ts';
import { partitionRows } from '#domain/run/partition-rows.ts';
import { runRowAfter } from '#domain/run/run-rows.ts';
import { hasEnded } from '#domain/run/trigger-rule.ts';
import { taskRowAfter } from '#domain/run/task-rows.ts';
import type { RunRow } from '#domain/run/run-rows.ts';
import type { TaskRow } from '#domain/run/task-rows.ts';

const CURSOR = 'run';
const TASK_PREFIX = 'task#';
const LIST_SHARDS = 4;

/** The row of one run. */
export const runRowKey = (stream: string): RowKey => ({ pk: stream, sk: CURSOR });

/** The row of one task. */
export const taskRowKey = (stream: string, taskKey: string): RowKey => ({
  pk: stream,
  sk: TASK_PREFIX + taskKey,
});

interface Scope {
  readonly tenantId: string;
  readonly workspaceId: string;
}

const listKey = ({ tenantId, workspaceId }: Scope, shard: number): string =>
  `runs#${tenantId}/${workspaceId}#${shard}`;

/**
 * The index partitions that together list the runs of a workspace: read each ascending and merge by sort key. They
 * are several because one hot index key would throttle the whole table.
 */
export const runListKeys = (scope: Scope): readonly string[] =>
  Array.from({ length: LIST_SHARDS }, (_, shard) => listKey(scope, shard));

const shardOf = (runId: string): number => Number.parseInt(sha256Hex(runId).slice(0, 4), 16) % LIST_SHARDS;

const KEPT_SEC = runLimits.listedDays * 86_400;

/** Nothing of a run that has ended comes to its rows any more but words on its outputs, which are read from the ledger. */
const keptAfter = (endedAt: string | undefined): Pick<RowContent, 'expiresAtSec'> =>
  endedAt === undefined ? {} : { expiresAtSec: Math.ceil(Date.parse(endedAt) / 1000) + KEPT_SEC };

const content = (row: RunRow): RowContent => ({
  data: { ...row },
  listKey: listKey(row, shardOf(row.runId)),
  listSort: newestFirst(Date.parse(row.createdAt), row.runId),
  ...keptAfter(row.completedAt),
});

const apply = (row: RowContent | undefined, key: RowKey, event: RecordedEvent): RowContent | undefined => {
  if (key.sk === CURSOR) {
    const next = runRowAfter(row?.data as RunRow | undefined, event);
    return next && content(next);
  }
  const next = taskRowAfter(row?.data as TaskRow | undefined, key.sk.slice(TASK_PREFIX.length), event);
  return next && { data: { ...next }, ...keptAfter(endOf(next)) };
};

/** A task that waits for its next attempt has completed one and not ended. */
const endOf = ({ status, completedAt }: TaskRow): string | undefined =>
  hasEnded(status) ? completedAt : undefined;

const touchedTasks = (event: RecordedEvent): readonly string[] => {
  const known = asRunEvent(event);
  if (!known) return [];
  if (known.type === 'PlanCreated') return known.data.plan.tasks.map(({ key }) => key);
  return 'taskKey' in known.data ? [known.data.taskKey] : [];
};

/** Folds a run into its own row and one row per task, and into the rows of the partitions it attempted. */
export const runProjection: Projection = {
  kind: 'run',
  rowKinds: ['run', 'partition'],
  cursor: runRowKey,
  details: (event) => touchedTasks(event).map((taskKey) => taskRowKey(event.stream, taskKey)),
  apply,
  shared: partitionRows,
  rowsKeptMs: KEPT_SEC * 1000,
  operational: [],
};
