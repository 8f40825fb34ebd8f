/** Takes messages out of sight, and moves those that were received too often to the dead-letter queue. */
import type { QueueMessage } from '#local/kernel/queue-source.ts';
import { redrivePolicy } from './attributes.ts';
import type { SqsContext } from './context.ts';
import { findQueue, nowMs, queueArn, queueName } from './context.ts';
import type { Message, StoredMessage } from './message.ts';
import { bodyMd5, storeMessage } from './message.ts';
import type { Queue } from './queue.ts';
import { hideMessage, nextMessage } from './queue.ts';
import { receiptHandle } from './receipt.ts';
import { sequenceNumber } from './send.ts';

/** Messages of one queue that may be in flight at once. */
export const inFlightMax = ({ isFifo }: Queue): number => (isFifo ? 20_000 : 120_000);

/** The existing dead-letter queue of the queue, or undefined. */
export const deadLetterQueue = (context: SqsContext, queue: Queue): Queue | undefined => {
  const policy = redrivePolicy(queue.attributes);
  return policy && findQueue(context, queueName(policy.deadLetterTargetArn));
};

/** Moves the message with its attributes and receive count; in FIFO queues its retention starts again. */
export const moveToDeadLetters = (
  context: SqsContext,
  queue: Queue,
  { message, target }: { readonly message: Message; readonly target: Queue },
): void => {
  const instantMs = nowMs(context);
  const moved: StoredMessage = {
    ...storeMessage(message),
    position: target.nextPosition,
    availableAtMs: instantMs,
    sourceArn: queueArn(context, queue.name),
    ...(queue.isFifo ? { sentAtMs: instantMs } : {}),
  };
  context.commit(['move', queue.name, message.stored.position, target.name, instantMs, moved]);
};

/** Takes up to `countMax` receivable messages and hides them. */
export const takeMessages = (
  context: SqsContext,
  queue: Queue,
  { countMax, hiddenMs }: { readonly countMax: number; readonly hiddenMs: number },
): readonly Message[] => {
  const instantMs = nowMs(context);
  const policy = redrivePolicy(queue.attributes);
  const target = policy && findQueue(context, queueName(policy.deadLetterTargetArn));
  const taken: Message[] = [];
  let takenFrom: string | undefined;
  while (taken.length < countMax && queue.inFlightCount < inFlightMax(queue)) {
    const message = nextMessage(queue, takenFrom);
    if (!message) break;
    if (target && message.receivedCount >= policy.maxReceiveCount) {
      moveToDeadLetters(context, queue, { message, target });
      continue;
    }
    hideMessage(queue, message, instantMs + hiddenMs);
    message.receivedAtMs = instantMs;
    takenFrom = message.stored.groupId;
    taken.push(message);
  }
  if (taken.length > 0) {
    const positions = taken.map(({ stored }) => stored.position);
    context.commit(['receive', queue.name, instantMs, positions]);
  }
  return taken;
};

const systemAttributesOf = (
  { setting }: SqsContext,
  queue: Queue,
  message: Message,
): Record<string, string> => {
  const { sentAtMs, groupId, deduplicationId, systemAttributes, sourceArn, position } = message.stored;
  const trace = systemAttributes?.['AWSTraceHeader']?.StringValue;
  return {
    SenderId: setting.accountId,
    SentTimestamp: String(sentAtMs),
    ApproximateReceiveCount: String(message.receivedCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAtMs),
    ...(groupId === undefined ? {} : { MessageGroupId: groupId }),
    ...(deduplicationId === undefined ? {} : { MessageDeduplicationId: deduplicationId }),
    ...(queue.isFifo ? { SequenceNumber: sequenceNumber(position) } : {}),
    ...(trace === undefined ? {} : { AWSTraceHeader: trace }),
    ...(sourceArn === undefined ? {} : { DeadLetterQueueSourceArn: sourceArn }),
  };
};

/** A received message with all its attributes. */
export const showReceived = (context: SqsContext, queue: Queue, message: Message): QueueMessage => ({
  MessageId: message.stored.id,
  ReceiptHandle: receiptHandle(queue, message),
  MD5OfBody: bodyMd5(message),
  Body: message.stored.body,
  Attributes: systemAttributesOf(context, queue, message),
  ...(message.stored.attributes ? { MessageAttributes: message.stored.attributes } : {}),
});
