/** Decides the commands that wait for one stream and appends them as one commit (docs/guide/design.md §3, hot streams). */
import type { SQSRecord } from 'aws-lambda';
import { errorCatalogue } from '#contracts/errors.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { isCommandFault } from '#domain/kernel/command-fault.ts';
import type { Received, Telemetry } from '#domain/ports/outside.ts';
import { aggregateOf } from '#functions/shared/aggregates.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { SomeFailedError } from '#functions/shared/queue-batch.ts';
import type { Addressed } from '#domain/kernel/effect.ts';
import { QueuedCommand } from '#functions/shared/queued-command.ts';

interface Waiting {
  readonly record: SQSRecord;
  readonly command: QueuedCommand;
}

/** A refusal of now that the same command may not meet later; its message must come again. */
export class RefusedForNowError extends Error {
  readonly code: Rejection['code'];
  constructor({ code, message }: Rejection) {
    super(`the command was refused for now: ${message}`);
    this.name = 'RefusedForNowError';
    this.code = code;
  }
}

export interface QueuedPorts {
  readonly mailbox: Mailbox;
  readonly received: Received;
  readonly telemetry: Telemetry;
}

/**
 * One FIFO group of a batch. When the commit fails, each command is decided alone, in order, and only those from the
 * first failing one on fail. A message nobody understands and a command that breaks an invariant fail alone, since
 * they have no place in the order. The latter is released at once, since those behind it would wait for it, and its
 * queue gives it up into the dead-letter queue.
 */
export const decideQueued = async (ports: QueuedPorts, records: readonly SQSRecord[]): Promise<void> => {
  const waiting: Waiting[] = [];
  const unreadable: SQSRecord[] = [];
  for (const record of records) {
    const command = queuedCommandOf(record.body);
    if (command) waiting.push({ record, command });
    else unreadable.push(record);
  }
  const failures = await decideAll(ports.mailbox, waiting);
  const failed = [...unreadable, ...failures.map(({ waiting: { record } }) => record)];
  if (failed.length === 0) return;
  for (const { waiting: faulty, cause } of failures)
    if (isCommandFault(cause)) await release(ports, faulty.record);
  const cause = failures[0]?.cause ?? new Error('the message is no command this version understands');
  throw new SomeFailedError(failed, cause);
};

/** A message that cannot be released comes back by itself, only later. */
const release = async ({ received, telemetry }: QueuedPorts, record: SQSRecord): Promise<void> => {
  try {
    await received.release(record.receiptHandle);
  } catch (error) {
    telemetry.log('warn', 'a message could not be released; those behind it wait', {
      messageId: record.messageId,
      errorMessage: error instanceof Error ? error.message : String(error),
    });
  }
};

/** The command in a message, absent when this version does not understand it. */
export const queuedCommandOf = (body: string): QueuedCommand | undefined => {
  try {
    return QueuedCommand.parse(JSON.parse(body));
  } catch {
    return undefined;
  }
};

/**
 * Decides one command whose caller was answered long ago: a refusal becomes the event CommandRefused, unless somebody
 * is to be told of it. Throws when the command could not be decided, was refused for now, or owes an effect that failed,
 * and when whoever is to be told could not be.
 */
export const decideCommand = async (
  mailbox: Mailbox,
  { kind: _kind, ifDone, ifRefused, ...request }: QueuedCommand,
): Promise<void> => {
  const outcome = await mailbox.send(
    aggregateOf(request.stream),
    { ...request, isAnswered: ifRefused === undefined },
    { effectsMustSucceed: true },
  );
  if (outcome.kind === 'rejected' && errorCatalogue[outcome.rejection.code].retryable)
    throw new RefusedForNowError(outcome.rejection);
  const reply = outcome.kind === 'rejected' ? ifRefused : ifDone;
  if (reply) await decideCommand(mailbox, replyOf(request, reply));
};

const replyOf = (
  { commandId, actor, correlationId }: Pick<QueuedCommand, 'commandId' | 'actor' | 'correlationId'>,
  { stream, command }: Addressed,
): QueuedCommand => ({
  kind: aggregateOf(stream).kind,
  stream,
  command,
  commandId: `reply:${commandId}`,
  actor,
  correlationId,
});

interface Failure {
  readonly waiting: Waiting;
  readonly cause: unknown;
}

const decideAll = async (mailbox: Mailbox, all: readonly Waiting[]): Promise<readonly Failure[]> => {
  const results = await Promise.allSettled(all.map(({ command }) => decideCommand(mailbox, command)));
  const failures = all.flatMap((waiting, index): readonly Failure[] => {
    const result = results[index];
    return result?.status === 'rejected' ? [{ waiting, cause: result.reason }] : [];
  });
  if (all.length === 1) return failures;
  const faults = failures.filter(({ cause }) => isCommandFault(cause));
  const others = failures.filter(({ cause }) => !isCommandFault(cause)).map(({ waiting }) => waiting);
  return [...faults, ...(await decideInTurn(mailbox, others))];
};

const decideInTurn = async (mailbox: Mailbox, all: readonly Waiting[]): Promise<readonly Failure[]> => {
  const faults: Failure[] = [];
  for (const [index, waiting] of all.entries()) {
    try {
      await decideCommand(mailbox, waiting.command);
    } catch (cause) {
      if (!isCommandFault(cause))
        return [...faults, ...all.slice(index).map((rest) => ({ waiting: rest, cause }))];
      faults.push({ waiting, cause });
    }
  }
  return faults;
};
