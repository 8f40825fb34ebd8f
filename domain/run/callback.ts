/**
 * What a worker's callback is worth, once its token's signature and expiry hold (docs/guide/design.md §8): the token's
 * scope, the task, superseded attempts, the body against the token, then what the run says.
 */
import type { TaskKey } from '#contracts/ids.ts';
import type { TaskTokenClaims } from '#contracts/runs/callbacks.ts';
import { attemptId, decodeCallbackTaskId } from '#domain/kernel/ids.ts';
import type { RunCommand } from '#domain/run/command.ts';
import { attemptNeverMade, guardReport, placeOf, refuse } from '#domain/run/guard.ts';
import type { Fitting, Refused, Report } from '#domain/run/guard.ts';
import { isWorthRecording } from '#domain/run/heartbeat.ts';
import { attemptOf, headerOf, originOf, taskAt } from '#domain/run/run.ts';
import type { PlannedRun, Run } from '#domain/run/run.ts';
import { cancellationOf } from '#domain/run/stop.ts';

/** One call: the task id of the path, the verified claims, the parsed body. */
export type Callback = Report & { readonly taskId: string; readonly claims: TaskTokenClaims };

export type CallbackVerdict =
  /** Issue this command; its own guards decide again on the state it meets. */
  | { readonly kind: 'proceed'; readonly command: RunCommand }
  /** Nothing to record: it was said before, or so lately that it need not be said again. */
  | { readonly kind: 'duplicate' }
  | Refused;

/** The verdict on a callback at an instant, given the run of its token as the ledger has it. */
export const checkCallback = (run: Run, callback: Callback, nowMs: number): CallbackVerdict => {
  const placed = placeCall(run, callback);
  if (placed.kind === 'refused') return placed;
  const { claims } = callback;
  const current = attemptOf(taskAt(placed.run, placed.taskIndex));
  if (claims.attempt < current)
    return refuse('stale_attempt', `attempt ${claims.attempt} was superseded by attempt ${current}`, {
      expectedAttempt: current,
      receivedAttempt: claims.attempt,
    });
  const mismatch = bodyMismatch(callback);
  if (mismatch) return mismatch;
  const guarded = guardReport(run, placed.taskKey, callback);
  if (guarded.kind !== 'fits') return guarded;
  return addsNothing(guarded, callback, nowMs)
    ? { kind: 'duplicate' }
    : { kind: 'proceed', command: commandOf(placed.taskKey, callback) };
};

/** What a call says of its attempt, whatever else it reports. */
export interface AttemptCall {
  readonly taskId: string;
  readonly claims: TaskTokenClaims;
  readonly body: Pick<Report['body'], 'attempt' | 'attemptId'>;
}

/** The task of a call about an attempt that was made, superseded or not. */
export interface Placed {
  readonly kind: 'placed';
  readonly run: PlannedRun;
  readonly taskKey: TaskKey;
  readonly taskIndex: number;
}

/** Where a call about any attempt of its token belongs, in the same order of precedence. */
export const checkAttempt = (run: Run, call: AttemptCall): Placed | Refused => {
  const placed = placeCall(run, call);
  if (placed.kind === 'refused') return placed;
  const mismatch = bodyMismatch(call);
  if (mismatch) return mismatch;
  const current = attemptOf(taskAt(placed.run, placed.taskIndex));
  return call.claims.attempt > current ? attemptNeverMade(call.claims.attempt, current) : placed;
};

const placeCall = (run: Run, { taskId, claims }: AttemptCall): Placed | Refused => {
  const foreign = scopeMismatch(run, taskId, claims);
  if (foreign) return refuse('invalid_token', foreign);
  const target = decodeCallbackTaskId(taskId);
  const place = target && placeOf(run, target.taskKey);
  return target && place
    ? { kind: 'placed', ...place, taskKey: target.taskKey }
    : refuse('task_not_found', 'there is no such task');
};

/** Most heartbeats of a busy run are answered here, without a command and without a place in its queue. */
const addsNothing = ({ run, taskIndex, task }: Fitting, report: Report, nowMs: number): boolean =>
  report.kind === 'heartbeat' &&
  task.status === 'RUNNING' &&
  !isWorthRecording(originOf(run).plan, taskIndex, { task, report: report.body, nowMs });

/** The first scope in which token and call differ, as the reference's workers know it. */
const scopeMismatch = (run: Run, taskId: string, claims: TaskTokenClaims): string | undefined => {
  if (claims.taskId !== taskId) return 'task_id_mismatch';
  const target = decodeCallbackTaskId(taskId);
  if (!target) return undefined;
  if (run.status !== 'none') {
    const { header } = headerOf(run);
    if (claims.tenantId !== header.tenantId) return 'tenant_mismatch';
    if (claims.workspaceId !== header.workspaceId) return 'workspace_mismatch';
  }
  if (claims.runId !== target.runId) return 'run_id_mismatch';
  return claims.attemptId === attemptId({ ...target, attempt: claims.attempt })
    ? undefined
    : 'attempt_id_mismatch';
};

const bodyMismatch = ({ claims, body }: AttemptCall): Refused | undefined => {
  if (body.attempt !== claims.attempt)
    return refuse('attempt_mismatch', `the token is for attempt ${claims.attempt}`, {
      expectedAttempt: claims.attempt,
      receivedAttempt: body.attempt,
    });
  if (body.attemptId !== claims.attemptId)
    return refuse('attempt_id_mismatch', 'the token is for another attempt id', {
      expectedAttemptId: claims.attemptId,
      receivedAttemptId: body.attemptId,
    });
  return undefined;
};

const commandOf = (taskKey: TaskKey, report: Report): RunCommand => {
  switch (report.kind) {
    case 'started':
      return { type: 'StartTask', taskKey, report: report.body };
    case 'heartbeat':
      return { type: 'HeartbeatTask', taskKey, report: report.body };
    case 'completed':
      return { type: 'CompleteTask', taskKey, report: report.body };
  }
};

/** Why the worker of a running attempt should stop; undefined when it should not. */
export const cancellation = (run: Run, taskKey: string): ReturnType<typeof cancellationOf> => {
  const place = placeOf(run, taskKey);
  return place && cancellationOf(place.run, place.taskIndex);
};
