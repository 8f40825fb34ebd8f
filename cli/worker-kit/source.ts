/** Where the tasks of a worker come from. */
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { Completion } from '#cli/worker-kit/failure.ts';

/** One task, handed to this worker. */
export interface Delivery {
  readonly task: DispatchEnvelope;
  /**
   * Of an attempt that was sent, which is to be started: called once `started` was answered, whatever the answer, since
   * nothing has to hand the task out again. It never throws. A claim is the start already, and has none.
   */
  readonly settle?: () => Promise<void>;
}

export interface TaskSource {
  /** Up to so many tasks, at least one asked for; none when no work came for a while. */
  readonly take: (maxTasks: number) => Promise<readonly Delivery[]>;
  /** Reports how an attempt ended and takes what comes next; undefined when the report has to be made by its callback. */
  readonly finish?: (
    task: DispatchEnvelope,
    completion: Completion,
  ) => Promise<readonly Delivery[] | undefined>;
}
