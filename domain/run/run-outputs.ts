/** What a run's row remembers of outputs, so that lists show what a read of the run shows (see `visibility.ts`). */
import type { RunRead } from '#contracts/runs/read.ts';
import { publicRunState } from '#contracts/runs/states.ts';
import type { RunOutcome } from '#contracts/runs/states.ts';
import type { OutputVisibilityState } from '#contracts/runs/task-output.ts';

/** The members of a run's row that readers do not get. */
export interface OutputsOfRun {
  /** One letter a task, in plan order, `-` for no word; absent when the plan requires no visible output. */
  readonly outputs?: string;
  /** The first task whose output could not be made visible. */
  readonly failedOutput?: string;
  /** How the run ended, once all its tasks have. */
  readonly ending?: { readonly outcome: RunOutcome; readonly outcomeReason: string; readonly at: string };
}

type Gated = OutputsOfRun & Pick<RunRead, 'state' | 'completedAt' | 'outcomeReason'>;

/** The row with the word on one output. */
export const withOutput = <Row extends Gated>(
  row: Row,
  { taskIndex, taskKey }: { readonly taskIndex: number; readonly taskKey: string },
  visibility: OutputVisibilityState,
): Row => {
  if (row.outputs === undefined) return row;
  const known = row.outputs.padEnd(taskIndex, '-');
  return {
    ...row,
    outputs: known.slice(0, taskIndex) + visibility.charAt(0) + known.slice(taskIndex + 1),
    ...(visibility === 'FAILED' && row.failedOutput === undefined ? { failedOutput: taskKey } : {}),
  };
};

/** The row as its readers see it: a run that succeeded waits for its pending outputs, and fails with one that failed. */
export const gated = <Row extends Gated>(row: Row): Row => {
  if (row.ending === undefined) return row;
  const { outcome, outcomeReason, at } = row.ending;
  if (outcome !== 'SUCCEEDED')
    return { ...row, state: publicRunState[outcome], outcomeReason, completedAt: at };
  if (row.failedOutput !== undefined)
    return {
      ...row,
      state: 'FAILED',
      outcomeReason: `the output of task ${row.failedOutput} could not be made visible`,
      completedAt: at,
    };
  return row.outputs?.includes('P') === true
    ? { ...row, state: 'RUNNING' }
    : { ...row, state: 'SUCCEEDED', outcomeReason, completedAt: at };
};
