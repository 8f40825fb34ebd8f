/**
 * Tasks of in-process runners. A run hands over one of them at a time, so that one message names the run; an attempt
 * is never RUNNING in the ledger, since its start and its end are one commit: a crash between two commits leaves it
 * handed over, which is repaired like a lost message and costs no attempt.
 */
import type { WorkerId } from '#contracts/runs/callbacks.ts';
import type { CompletedRequest } from '#contracts/runs/callbacks.ts';
import type { InlineRunnerName } from '#contracts/runs/runner.ts';
import type { InlineOutcome, InlineTask } from '#domain/ports/runner.ts';
import { attemptIdOf, inlineRunnerOf, originOf, plannedTask } from '#domain/run/run.ts';
import type { Run } from '#domain/run/run.ts';

/** The worker id of in-process runners. */
export const INLINE_WORKER = 'run-inline' as WorkerId;

/** An attempt to be made now: by which runner, and since when it has been ready. */
export interface HandedOver {
  readonly runner: InlineRunnerName;
  readonly task: InlineTask;
  readonly readyAtMs: number;
}

/** The attempt that is handed over to an in-process runner; undefined when there is none. */
export const handedOver = (run: Run): HandedOver | undefined => {
  if (run.status !== 'RUNNING') return undefined;
  const { plan, header } = originOf(run);
  for (const [index, task] of run.tasks.entries()) {
    const runner = inlineRunnerOf(plan, index);
    if (runner === undefined || task.status !== 'DISPATCHED') continue;
    const { key, assetKey } = plannedTask(plan, index);
    const { tenantId, workspaceId, runId } = header;
    return {
      runner,
      readyAtMs: task.readyAtMs,
      task: {
        ...{ tenantId, workspaceId, runId, taskKey: key, attempt: task.attempt },
        attemptId: attemptIdOf(runId, key, task.attempt),
        ...(assetKey === undefined ? {} : { assetKey }),
        ...(plan.partitionKey === undefined ? {} : { partitionKey: plan.partitionKey }),
      },
    };
  }
  return undefined;
};

/** The report of an attempt, as a worker would have sent it. */
export const inlineReport = (
  { attempt, attemptId }: InlineTask,
  outcome: InlineOutcome,
): CompletedRequest => ({ attempt, attemptId, workerId: INLINE_WORKER, ...outcome });
