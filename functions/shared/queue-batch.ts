/** Answers of queue-fed handlers: per-item failures, and for ordered groups everything behind the first one. */
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import { groupBy } from '#domain/kernel/group-by.ts';
import type { Telemetry } from '#domain/ports/outside.ts';

type Work = (records: readonly SQSRecord[]) => Promise<void>;

/** Thrown by work that did the other messages of its group: these alone are delivered again. */
export class SomeFailedError extends Error {
  readonly failed: readonly SQSRecord[];
  constructor(failed: readonly SQSRecord[], cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = cause instanceof Error ? cause.name : 'SomeFailedError';
    this.failed = failed;
  }
}

/** Whether an event of a function with more than one source came from a queue. */
export const isQueueEvent = (event: {
  readonly Records: readonly { readonly eventSource?: string | undefined }[];
}): event is SQSEvent => event.Records[0]?.eventSource === 'aws:sqs';

/**
 * Runs each FIFO group as one piece of work, groups in parallel; a failed group is delivered again whole unless its
 * work says which messages failed.
 */
export const eachGroup = async (
  records: readonly SQSRecord[],
  telemetry: Telemetry,
  work: Work,
): Promise<SQSBatchResponse> => {
  const groups = groupBy(records, (record) => record.attributes.MessageGroupId ?? record.messageId);
  const failed: SQSRecord[] = [];
  await Promise.all(
    [...groups.values()].map(async (group) => {
      try {
        await work(group);
      } catch (error) {
        const again = error instanceof SomeFailedError ? error.failed : group;
        failed.push(...again);
        logFailure(telemetry, again, error);
      }
    }),
  );
  return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
};

/** Runs each message as its own piece of work, in parallel. */
export const eachMessage = (
  records: readonly SQSRecord[],
  telemetry: Telemetry,
  work: (record: SQSRecord) => Promise<void>,
): Promise<SQSBatchResponse> =>
  eachGroup(
    records.map((record) => ({
      ...record,
      attributes: { ...record.attributes, MessageGroupId: record.messageId },
    })),
    telemetry,
    async ([record]) => {
      if (record) await work(record);
    },
  );

/** Runs each message as its own piece of work, one after the other, so that none shares a commit with another. */
export const eachInTurn = async (
  records: readonly SQSRecord[],
  telemetry: Telemetry,
  work: (record: SQSRecord) => Promise<void>,
): Promise<SQSBatchResponse> => {
  const answers: SQSBatchResponse[] = [];
  for (const record of records) answers.push(await eachMessage([record], telemetry, work));
  return { batchItemFailures: answers.flatMap(({ batchItemFailures }) => batchItemFailures) };
};

const logFailure = (telemetry: Telemetry, group: readonly SQSRecord[], error: unknown): void =>
  telemetry.log('error', 'messages failed and will be delivered again', {
    queue: group[0]?.eventSourceARN.split(':').at(-1),
    messageId: group[0]?.messageId,
    count: group.length,
    errorName: error instanceof Error ? error.name : 'unknown',
    errorMessage: error instanceof Error ? error.message : String(error),
    stack: error instanceof Error ? error.stack : undefined,
  });
