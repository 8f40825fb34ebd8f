/**
 * The read models of runs: the run's row is the cursor, and a workspace lists newest first. Tasks have no rows: they are
 * read from the ledger, and a row written with each word of theirs would be half of what a run costs.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { newestFirst } from '#domain/kernel/list-sort.ts';
import type { Projection, RowContent, RowKey } from '#domain/kernel/projection.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { partitionRows } from '#domain/run/partition-rows.ts';
import { runRowAfter } from '#domain/run/run-rows.ts';
import type { RunRow } from '#domain/run/run-rows.ts';

const CURSOR = 'run';
const LIST_SHARDS = 4;

/** The row of one run. */
export const runRowKey = (stream: string): RowKey => ({ pk: stream, sk: CURSOR });

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

/**
 * Counted from the last word on a run that has ended, of which one on its outputs may come late: whoever looks for rows
 * that are missing (`rowsKeptMs`) knows no other instant.
 */
const keptAfter = ({ completedAt }: RunRow, heardAtMs: number): Pick<RowContent, 'expiresAtSec'> =>
  completedAt === undefined ? {} : { expiresAtSec: Math.ceil(heardAtMs / 1000) + KEPT_SEC };

const content = (row: RunRow, heardAtMs: number): RowContent => ({
  data: { ...row },
  listKey: listKey(row, shardOf(row.runId)),
  listSort: newestFirst(Date.parse(row.createdAt), row.runId),
  ...keptAfter(row, heardAtMs),
});

const apply = (row: RowContent | undefined, _: RowKey, event: RecordedEvent): RowContent | undefined => {
  const next = runRowAfter(row?.data as RunRow | undefined, event);
  return next && content(next, event.occurredAtMs);
};

/** Folds a run into its own row, and into the rows of the partitions it attempted. */
export const runProjection: Projection = {
  kind: 'run',
  rowKinds: ['run', 'partition'],
  cursor: runRowKey,
  details: () => [],
  apply,
  shared: partitionRows,
  rowsKeptMs: KEPT_SEC * 1000,
  operational: [],
};
