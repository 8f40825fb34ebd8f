/** What can be asked of a run. All of it is JSON, so that a command can wait in a queue. */
import type { AttemptId, TaskKey } from '#contracts/ids.ts';
import type { LimitId } from '#contracts/runs/concurrency.ts';
import type { OutputVisibilityRequest } from '#contracts/runs/visibility.ts';
import type {
  CompletedRequest,
  HeartbeatRequest,
  StartedRequest,
  WorkerId,
} from '#contracts/runs/callbacks.ts';
import type { Plan } from '#contracts/runs/plan.ts';
import type { RunEventData } from '#contracts/runs/run-events.ts';

/** Starts the run; the same request on the same run key finds it started. */
export interface TriggerRun {
  readonly type: 'TriggerRun';
  readonly header: RunEventData<'RunTriggered'>;
  readonly plan: Plan;
}

/** A worker takes an offered attempt: this is its start. */
export interface ClaimTask {
  readonly type: 'ClaimTask';
  readonly taskKey: TaskKey;
  readonly attempt: number;
  readonly attemptId: AttemptId;
  readonly workerId: WorkerId;
}

export interface StartTask {
  readonly type: 'StartTask';
  readonly taskKey: TaskKey;
  readonly report: StartedRequest;
}

export interface HeartbeatTask {
  readonly type: 'HeartbeatTask';
  readonly taskKey: TaskKey;
  readonly report: HeartbeatRequest;
}

export interface CompleteTask {
  readonly type: 'CompleteTask';
  readonly taskKey: TaskKey;
  readonly report: CompletedRequest;
  /** Whoever reports goes on with what the report makes ready. */
  readonly next?: NextTasks;
}

/** What a worker may begin with its report on another attempt. */
export interface NextTasks {
  readonly workerId: WorkerId;
  readonly queue: string;
  readonly maxTasks: number;
  /** Begins what would be sent to this execution location; absent, what would be offered to claims. */
  readonly executionLocationId?: string;
  /** The priority of what waits in the queue: only more urgent tasks are begun before it. Absent, nothing waits. */
  readonly before?: number;
}

/** An in-process runner has made an attempt: its start, its end and the handing over of the next are one commit. */
export interface FinishInlineTask {
  readonly type: 'FinishInlineTask';
  readonly taskKey: TaskKey;
  readonly report: CompletedRequest;
}

/** Makes the attempt that follows `attempt`, or asks for its slot again, not before its instant. */
export interface RetryTask {
  readonly type: 'RetryTask';
  readonly taskKey: TaskKey;
  readonly attempt: number;
}

/** Asks for the run to end. */
export interface CancelRun {
  readonly type: 'CancelRun';
  readonly requestedBy: string;
  readonly reason?: string;
}

/** Repairs what should have moved by `nowMs`. `lostOffers` names dispatched tasks whose offer is gone. */
export interface SweepRun {
  readonly type: 'SweepRun';
  readonly nowMs: number;
  readonly lostOffers: readonly string[];
}

/** Somebody says whether the output of an attempt that succeeded can be read by others. */
export interface ReportOutputVisibility {
  readonly type: 'ReportOutputVisibility';
  readonly taskKey: TaskKey;
  readonly report: Pick<
    OutputVisibilityRequest,
    'attempt' | 'visibilityState' | 'publishedAt' | 'publishError'
  >;
}

/** A limit has given an attempt the slot it waits for. */
export interface GrantSlot {
  readonly type: 'GrantSlot';
  readonly taskKey: TaskKey;
  readonly attempt: number;
  readonly limitId: LimitId;
}

/** A limit had no place for a request of an attempt. */
export interface NoteSlotRefusal {
  readonly type: 'NoteSlotRefusal';
  readonly taskKey: TaskKey;
  readonly attempt: number;
  readonly limitId: LimitId;
  readonly sendNo: number;
}

/** A limit has heard that an attempt is over. */
export interface ConfirmSlotReturn {
  readonly type: 'ConfirmSlotReturn';
  readonly taskKey: TaskKey;
  readonly attempt: number;
  readonly limitId: LimitId;
}

export type RunCommand =
  | TriggerRun
  | ClaimTask
  | StartTask
  | HeartbeatTask
  | CompleteTask
  | FinishInlineTask
  | RetryTask
  | CancelRun
  | ReportOutputVisibility
  | GrantSlot
  | NoteSlotRefusal
  | ConfirmSlotReturn
  | SweepRun;
