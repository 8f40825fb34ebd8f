/**
 * The one table between the states a run and a task have inside and the words the asset vocabulary shows
 * (asset reference, section 5).
 */
import * as z from 'zod';

/** Where a task stands; the last five never change. */
export const TaskStatus = z.enum([
  'BLOCKED',
  'READY',
  'SLOT_WAIT',
  'DISPATCHED',
  'RUNNING',
  'RETRY_WAIT',
  'SKIPPED',
  'CANCELLED',
  'FAILED',
  'TIMED_OUT',
  'SUCCEEDED',
]);
export type TaskStatus = z.infer<typeof TaskStatus>;

/** The statuses a task never leaves. */
export const TerminalTaskStatus = z.enum(['SKIPPED', 'CANCELLED', 'FAILED', 'TIMED_OUT', 'SUCCEEDED']);
export type TerminalTaskStatus = z.infer<typeof TerminalTaskStatus>;

/** What readers see of a task. */
export const TaskState = z.enum([
  'PENDING',
  'QUEUED',
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
  'SKIPPED',
  'CANCELLED',
  'TIMED_OUT',
]);
export type TaskState = z.infer<typeof TaskState>;

/** Where a run stands; the last four never change. */
export const RunStatus = z.enum(['TRIGGERED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMED_OUT']);
export type RunStatus = z.infer<typeof RunStatus>;

/** How a run can end. */
export const RunOutcome = z.enum(['SUCCEEDED', 'FAILED', 'CANCELLED', 'TIMED_OUT']);
export type RunOutcome = z.infer<typeof RunOutcome>;

/** What readers see of a run; `CANCELLING` from the request to cancel, or the deadline, to the end. */
export const RunState = z.enum([
  'PENDING',
  'RUNNING',
  'CANCELLING',
  'SUCCEEDED',
  'FAILED',
  'CANCELLED',
  'TIMED_OUT',
]);
export type RunState = z.infer<typeof RunState>;

/** What readers see for each status of a task. */
export const publicTaskState = {
  BLOCKED: 'PENDING',
  READY: 'QUEUED',
  SLOT_WAIT: 'QUEUED',
  DISPATCHED: 'QUEUED',
  RUNNING: 'RUNNING',
  RETRY_WAIT: 'PENDING',
  SKIPPED: 'SKIPPED',
  CANCELLED: 'CANCELLED',
  FAILED: 'FAILED',
  TIMED_OUT: 'TIMED_OUT',
  SUCCEEDED: 'SUCCEEDED',
} as const satisfies Record<TaskStatus, TaskState>;

/** What readers see for each status of a run that is not being stopped. */
export const publicRunState = {
  TRIGGERED: 'PENDING',
  RUNNING: 'RUNNING',
  SUCCEEDED: 'SUCCEEDED',
  FAILED: 'FAILED',
  CANCELLED: 'CANCELLED',
  TIMED_OUT: 'TIMED_OUT',
} as const satisfies Record<RunStatus, RunState>;

/** Why something of a run waits; every non-terminal status maps to one of them. */
export const WaitingReason = z.enum([
  'plan',
  'tasks',
  'upstream',
  'dispatch_window',
  'concurrency_limit',
  'slot_return',
  'worker',
  'inline_runner',
  'heartbeat',
  'retry',
  'cancel',
  'visibility',
  'deadline',
]);
export type WaitingReason = z.infer<typeof WaitingReason>;
