/** One letter for each task status, for packed states and rows. */
import type { TaskStatus } from '#contracts/runs/states.ts';

/** The letter that stands for each status in packed states and rows. */
export const statusLetter = {
  BLOCKED: 'b',
  READY: 'r',
  SLOT_WAIT: 'l',
  DISPATCHED: 'd',
  RUNNING: 'x',
  RETRY_WAIT: 'w',
  SKIPPED: 'k',
  CANCELLED: 'c',
  FAILED: 'f',
  TIMED_OUT: 't',
  SUCCEEDED: 's',
} as const satisfies Record<TaskStatus, string>;

/** The status behind a letter. */
export const statusOf: ReadonlyMap<string, TaskStatus> = new Map(
  (Object.entries(statusLetter) as [TaskStatus, string][]).map(([status, letter]) => [letter, status]),
);
