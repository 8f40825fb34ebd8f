/** The logs of a run stand together, by task and attempt: one row for each, which is the cursor of its stream too. */
import type { RecordedEvent } from '#contracts/event.ts';
import type { TaskLogStored } from '#contracts/runs/task-log.ts';
import type { Projection, RowContent, RowKey } from '#domain/kernel/projection.ts';

/** A log as its readers find it. */
export type TaskLogRow = TaskLogStored['data'];

/** The partition of the rows of one run's logs. */
export const runLogsKey = (scope: {
  readonly tenantId: string;
  readonly workspaceId: string;
  readonly runId: string;
}): string => `run-logs#${scope.tenantId}/${scope.workspaceId}/${scope.runId}`;

/** The sort keys of the logs of one task are this and the attempt in two digits. */
export const taskLogsPrefix = (taskKey: string): string => `${taskKey}#`;

const cursor = (stream: string): RowKey => {
  const [tenantId = '', workspaceId = '', runId = '', taskKey = '', attempt = ''] = stream
    .slice('task-log#'.length)
    .split('/');
  return {
    pk: runLogsKey({ tenantId, workspaceId, runId }),
    sk: taskLogsPrefix(taskKey) + attempt.padStart(2, '0'),
  };
};

const apply = (row: RowContent | undefined, _key: RowKey, event: RecordedEvent): RowContent | undefined =>
  event.type === 'TaskLogStored' && row === undefined ? { data: { ...event.data } } : row;

/** Folds each log into its row. */
export const taskLogProjection: Projection = {
  kind: 'task-log',
  rowKinds: ['run-logs'],
  cursor,
  details: () => [],
  apply,
  operational: [],
};
