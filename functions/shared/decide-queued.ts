/** Decides the commands that wait for one stream and appends them as one commit (docs/guide/design.md §3, hot streams). */
import type { SQSRecord } from 'aws-lambda';
import { errorCatalogue } from '#contracts/errors.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { aggregateOf } from '#functions/shared/aggregates.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { SomeFailedError } from '#functions/shared/queue-batch.ts';
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

/**
 * One FIFO group of a batch. When the commit fails, each command is decided alone, in order, and only those from the
 * first failing one on fail; a message nobody understands fails alone, since it has no place in the order.
 */
export const decideQueued = async (mailbox: Mailbox, records: readonly SQSRecord[]): Promise<void> => {
  const waiting: Waiting[] = [];
  const unreadable: SQSRecord[] = [];
  for (const record of records) {
    const command = queuedCommandOf(record.body);
    if (command) waiting.push({ record, command });
    else unreadable.push(record);
  }
  const { failed, cause } = await decideAll(mailbox, waiting);
  const all = [...unreadable, ...failed.map(({ record }) => record)];
  if (all.length > 0)
    throw new SomeFailedError(all, cause ?? new Error('the message is no command this version understands'));
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
 * Decides one command whose caller was answered long ago: a refusal becomes the event CommandRefused. Throws when the
 * command could not be decided, was refused for now, or owes an effect that failed.
 */
export const decideCommand = async (
  mailbox: Mailbox,
  { kind: _kind, ...request }: QueuedCommand,
): Promise<void> => {
  const outcome = await mailbox.send(
    aggregateOf(request.stream),
    { ...request, isAnswered: true },
    { effectsMustSucceed: true },
  );
  if (outcome.kind === 'rejected' && errorCatalogue[outcome.rejection.code].retryable)
    throw new RefusedForNowError(outcome.rejection);
};

interface Undecided {
  readonly failed: readonly Waiting[];
  readonly cause?: unknown;
}

const decideAll = async (mailbox: Mailbox, waiting: readonly Waiting[]): Promise<Undecided> => {
  const results = await Promise.allSettled(waiting.map(({ command }) => decideCommand(mailbox, command)));
  const failed = waiting.filter((_, index) => results[index]?.status === 'rejected');
  if (waiting.length > 1) return decideInTurn(mailbox, failed);
  const [only] = results;
  return only?.status === 'rejected' ? { failed, cause: only.reason } : { failed };
};

const decideInTurn = async (mailbox: Mailbox, waiting: readonly Waiting[]): Promise<Undecided> => {
  for (const [index, { command }] of waiting.entries()) {
    try {
      await decideCommand(mailbox, command);
    } catch (cause) {
      return { failed: waiting.slice(index), cause };
    }
  }
  return { failed: [] };
};
