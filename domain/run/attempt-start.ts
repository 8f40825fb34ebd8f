/** The fact that somebody has begun an attempt. */
import type { WorkerId } from '#contracts/runs/callbacks.ts';
import { attemptId } from '#domain/kernel/ids.ts';
import { record } from '#domain/run/draft.ts';
import type { Draft } from '#domain/run/draft.ts';
import { originOf, plannedTask } from '#domain/run/run.ts';

/** Which attempt somebody speaks of, and who does. */
export interface Sender {
  readonly attempt: number;
  readonly workerId: WorkerId;
}

/** How every event names the attempt it is about. */
export const identified = (draft: Draft, taskIndex: number, attempt: number) => {
  const { plan, header } = originOf(draft.run);
  const taskKey = plannedTask(plan, taskIndex).key;
  return { taskIndex, taskKey, attempt, attemptId: attemptId({ runId: header.runId, taskKey, attempt }) };
};

/** Records the start of an attempt that was handed out. */
export const recordStart = (draft: Draft, taskIndex: number, { attempt, workerId }: Sender): void => {
  const data = { ...identified(draft, taskIndex, attempt), workerId };
  const { runId } = originOf(draft.run).header;
  record(draft, {
    type: 'TaskStarted',
    idempotencyKey: `started:${runId}:${data.taskKey}:${attempt}`,
    data,
  });
};
