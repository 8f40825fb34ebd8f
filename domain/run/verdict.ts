/** How a run ends, and which task decided it. */
import type { RunOutcome, TaskStatus } from '#contracts/runs/states.ts';
import { originOf, plannedTask } from '#domain/run/run.ts';
import type { PlannedRun } from '#domain/run/run.ts';

interface Verdict {
  readonly outcome: RunOutcome;
  readonly outcomeReason: string;
}

const WORDS = {
  TIMED_OUT: 'timed out',
  FAILED: 'failed',
  CANCELLED: 'was cancelled',
  SKIPPED: 'was skipped',
} as const;

/**
 * TIMED_OUT when the run's deadline passed, else CANCELLED when somebody asked for it, else FAILED when any task failed
 * or timed out, else CANCELLED when a worker gave one up unasked, else SUCCEEDED; whatever the order.
 */
export const verdictOf = (run: PlannedRun): Verdict => {
  if (run.stop?.timedOutAtMs !== undefined) return because(run, 'TIMED_OUT', "the run's deadline passed");
  if (run.stop?.cancelledAtMs !== undefined) return because(run, 'CANCELLED', 'cancellation was requested');
  const decided = taskWith(run, ['FAILED', 'TIMED_OUT']) ?? taskWith(run, ['CANCELLED']);
  if (!decided) return { outcome: 'SUCCEEDED', outcomeReason: 'every task succeeded' };
  const outcome = decided.status === 'CANCELLED' ? 'CANCELLED' : 'FAILED';
  return { outcome, outcomeReason: `task ${decided.key} ${WORDS[decided.status]}` };
};

/** Names the first task the stop has hit; a stop may also come when all that was left succeeded in time. */
const because = (run: PlannedRun, outcome: RunOutcome, why: string): Verdict => {
  const hit = taskWith(run, ['CANCELLED', 'TIMED_OUT', 'FAILED', 'SKIPPED']);
  return { outcome, outcomeReason: hit ? `${why}; task ${hit.key} ${WORDS[hit.status]}` : why };
};

type Named = keyof typeof WORDS;

const taskWith = (
  run: PlannedRun,
  statuses: readonly Named[],
): { readonly key: string; readonly status: Named } | undefined => {
  const wanted: readonly TaskStatus[] = statuses;
  const index = run.tasks.findIndex(({ status }) => wanted.includes(status));
  const status = statuses.find((one) => one === run.tasks[index]?.status);
  return status === undefined ? undefined : { key: plannedTask(originOf(run).plan, index).key, status };
};
