/** Decides the commands that wait for one stream and appends them as one commit (DESIGN section 3, hot streams). */
import type { SQSRecord } from 'aws-lambda';
import { aggregateOf } from '#functions/shared/aggregates.ts';
import { handleCommands } from '#functions/shared/command-handler.ts';
import type { CommandPorts } from '#functions/shared/command-handler.ts';
import { QueuedCommand } from '#functions/shared/queued-command.ts';

/** One FIFO group of a batch; a refusal becomes an event, since its caller was answered long ago. */
export const decideQueued = async (ports: CommandPorts, records: readonly SQSRecord[]): Promise<void> => {
  const requests = records.map((record) => {
    const { kind: _kind, ...request } = QueuedCommand.parse(JSON.parse(record.body));
    return { ...request, isAnswered: true };
  });
  const [first] = requests;
  if (!first) return;
  await handleCommands(ports, aggregateOf(first.stream), {
    requests,
    options: { effectsMustSucceed: true },
  });
};
