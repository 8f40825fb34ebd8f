/** In-process runners: they make attempts inside `run-inline`, one after another. */
import type { AssetKey, AttemptId, RunId, TaskKey, TenantId, WorkspaceId } from '#contracts/ids.ts';
import type { TaskError, TaskOutput } from '#contracts/runs/task-output.ts';

/**
 * One attempt at a task. It may be made twice, after a crash or beside another one: its id is the key by which a
 * runner makes a repeat harmless.
 */
export interface InlineTask {
  readonly tenantId: TenantId;
  readonly workspaceId: WorkspaceId;
  readonly runId: RunId;
  readonly taskKey: TaskKey;
  readonly assetKey?: AssetKey;
  readonly partitionKey?: string;
  readonly attempt: number;
  readonly attemptId: AttemptId;
}

/** How an attempt ended. */
export type InlineOutcome =
  | { readonly outcome: 'SUCCEEDED'; readonly output?: TaskOutput }
  | { readonly outcome: 'FAILED'; readonly error: TaskError };

export interface Runner {
  /** Makes the attempt. A failure is an outcome with a category; what is thrown all the same fails the attempt. */
  readonly run: (task: InlineTask) => Promise<InlineOutcome>;
}
