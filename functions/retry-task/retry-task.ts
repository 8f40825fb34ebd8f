/** Called by the `retry-task` state machine at the instant of a retry: makes the next attempt, or asks for its slot again. */
import { errorCatalogue } from '#contracts/errors.ts';
import type { TaskKey } from '#contracts/ids.ts';
import { RetryTaskInput } from '#contracts/runs/read.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runStream } from '#domain/run/run-stream.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';

/** What the execution learns: whether the attempt was made, or why it was not wanted any more. */
export type RetryAnswer =
  { readonly outcome: 'retried' | 'already' } | { readonly outcome: 'refused'; readonly code: string };

/** Retries once; a repeat, or one that a sweep got ahead of, answers `already`. */
export const retryTask = async (mailbox: Mailbox, event: unknown): Promise<RetryAnswer> => {
  const input = RetryTaskInput.parse(event);
  const outcome = await mailbox.send(
    runAggregate,
    {
      stream: runStream(input),
      command: { type: 'RetryTask', taskKey: input.taskKey as TaskKey, attempt: input.attempt },
      commandId: `retry:${input.runId}:${input.taskKey}:${input.attempt}:${input.retryAt}`,
      actor: { kind: 'service', id: 'retry-task' },
      correlationId: input.runId,
    },
    { effectsMustSucceed: true },
  );
  switch (outcome.kind) {
    case 'committed':
      return { outcome: 'retried' };
    case 'unchanged':
    case 'repeated':
      return { outcome: 'already' };
    case 'rejected':
      // The clock of this machine is behind the one that fired: the execution tries again in a moment.
      if (errorCatalogue[outcome.rejection.code].retryable) throw new Error(outcome.rejection.message);
      return { outcome: 'refused', code: outcome.rejection.code };
  }
};
