/** What a receiver does with a message it holds: delete it, or change when it becomes visible again. */
import type { Json, Operation } from '#local/kernel/engine.ts';
import { AwsError } from '#local/kernel/aws-error.ts';
import { doEach } from './batch.ts';
import type { SqsContext } from './context.ts';
import { nowMs, queueOf } from './context.ts';
import { batchEntries, integer, text } from './input.ts';
import type { Queue } from './queue.ts';
import { hideMessage, showMessage } from './queue.ts';
import { resolveReceipt } from './receipt.ts';
import { invalidParameter } from './refusal.ts';

const VISIBILITY_SECONDS_MAX = 43_200;

const deleteOne = (context: SqsContext, queue: Queue, entry: Json): Json => {
  const handle = text(entry, 'ReceiptHandle');
  const { message, isLatest } = resolveReceipt(queue, handle);
  if (!message) return {};
  if (queue.isFifo && !(isLatest && message.status === 'inFlight')) {
    throw invalidParameter('ReceiptHandle', handle, 'The receipt handle has expired.');
  }
  // A standard queue accepts the handle of an earlier receive and keeps the message.
  if (isLatest) context.commit(['remove', queue.name, [message.stored.position]]);
  return {};
};

/** Deletes the message of the handle; one that is gone already is as good as deleted. */
export const deleteMessage =
  (context: SqsContext): Operation =>
  (input) =>
    deleteOne(context, queueOf(context, input), input);

/** Deletes up to ten messages. */
export const deleteMessageBatch =
  (context: SqsContext): Operation =>
  (input) => {
    const queue = queueOf(context, input);
    return doEach(batchEntries(input), (entry) => deleteOne(context, queue, entry));
  };

const changeOne = (context: SqsContext, queue: Queue, entry: Json): Json => {
  const handle = text(entry, 'ReceiptHandle');
  const seconds = integer(entry, 'VisibilityTimeout', { min: 0, max: VISIBILITY_SECONDS_MAX });
  const { message, isLatest } = resolveReceipt(queue, handle);
  if (!message) {
    throw invalidParameter(
      'ReceiptHandle',
      handle,
      'Message does not exist or is not available for visibility timeout change.',
    );
  }
  if (!isLatest || message.status !== 'inFlight') {
    throw new AwsError('MessageNotInflight', 'The specified message is not in flight.');
  }
  const untilMs = nowMs(context) + seconds * 1000;
  if (untilMs > message.receivedAtMs + VISIBILITY_SECONDS_MAX * 1000) {
    throw invalidParameter(
      'VisibilityTimeout',
      seconds,
      `Total VisibilityTimeout for the message is beyond the limit [${String(VISIBILITY_SECONDS_MAX)} seconds]`,
    );
  }
  if (seconds === 0) showMessage(queue, message);
  else hideMessage(queue, message, untilMs);
  return {};
};

/** Hides the message from now on for that many seconds; 0 shows it at once. */
export const changeVisibility =
  (context: SqsContext): Operation =>
  (input) =>
    changeOne(context, queueOf(context, input), input);

/** Changes the visibility of up to ten messages. */
export const changeVisibilityBatch =
  (context: SqsContext): Operation =>
  (input) => {
    const queue = queueOf(context, input);
    return doEach(batchEntries(input), (entry) => changeOne(context, queue, entry));
  };
