/** Decides the commands that wait for one stream and appends them as one commit (DESIGN section 3, hot streams). */
import type { SQSRecord } from 'aws-lambda';
import { aggregateOf } from '#functions/shared/aggregates.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { QueuedCommand } from '#functions/shared/queued-command.ts';

/**
 * One FIFO group of a batch; a refusal becomes an event, since its caller was answered long ago. What fails is thrown
 * after the others were decided, so that one broken message never takes its neighbours with it.
 */
export const decideQueued = async (mailbox: Mailbox, records: readonly SQSRecord[]): Promise<void> => {
  const results = await Promise.allSettled(records.map((record) => decideOne(mailbox, record)));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
};

const decideOne = async (mailbox: Mailbox, { body }: SQSRecord): Promise<void> => {
  const { kind: _kind, ...request } = QueuedCommand.parse(JSON.parse(body));
  await mailbox.send(
    aggregateOf(request.stream),
    { ...request, isAnswered: true },
    { effectsMustSucceed: true },
  );
};
