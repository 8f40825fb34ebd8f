/** Hands out the next attempt of a task. */
import { attemptId, dispatchId } from '#domain/kernel/ids.ts';
import { attemptRef, record } from '#domain/run/draft.ts';
import type { Draft } from '#domain/run/draft.ts';
import { attemptOf, inlineRunnerOf, originOf, plannedTask, policyOf, taskAt } from '#domain/run/run.ts';

/** Records that the attempt after the last one made is handed out, with as many slots as its task has limits. */
export const dispatch = (draft: Draft, taskIndex: number): void => {
  const origin = originOf(draft.run);
  const ref = attemptRef(origin, taskIndex, attemptOf(taskAt(draft.run, taskIndex)) + 1);
  const { queue, priority } = policyOf(origin.plan, taskIndex);
  const runner = inlineRunnerOf(origin.plan, taskIndex);
  const { key, limits = [] } = plannedTask(origin.plan, taskIndex);
  record(draft, {
    type: 'TaskDispatched',
    idempotencyKey: `dispatch_req:${dispatchId(ref)}`,
    data: {
      taskIndex,
      taskKey: key,
      attempt: ref.attempt,
      attemptId: attemptId(ref),
      dispatchId: dispatchId(ref),
      queue,
      priority,
      ...(runner === undefined ? {} : { runner }),
      ...(limits.length === 0 ? {} : { slots: limits.length }),
    },
  });
};
