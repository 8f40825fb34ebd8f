/** Where the tasks of a worker come from. */
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';

/** One task, handed to this worker. */
export interface Delivery {
  readonly task: DispatchEnvelope;
  /** Called once `started` was answered, whatever the answer: nothing has to hand the task out again. It never throws. */
  readonly settle: () => Promise<void>;
}

/** Up to so many tasks, at least one asked for; none when no work came for a while. */
export type TaskSource = (maxTasks: number) => Promise<readonly Delivery[]>;
