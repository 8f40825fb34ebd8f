/** Queues as event source mappings read them: without polling, waiting or wire forms. */
import type { QueueMessage, QueueSource } from '#local/kernel/queue-source.ts';
import type { Availability } from './availability.ts';
import type { SqsContext } from './context.ts';
import { findQueue, queueArn } from './context.ts';
import type { Message } from './message.ts';
import type { Queue } from './queue.ts';
import { durationMs } from './queue.ts';
import { resolveReceipt } from './receipt.ts';
import { deadLetterQueue, moveToDeadLetters, showReceived, takeMessages } from './take.ts';

const RECEIVE_MAX = 10;

/** Reads the queue of that name as it is at each call; one that does not exist has no messages. */
export const queueSource = (context: SqsContext, name: string, availability: Availability): QueueSource => {
  const settled = <Answer>(act: () => Answer): Answer => {
    try {
      return act();
    } finally {
      availability.settle();
    }
  };
  const withHeld = (received: QueueMessage, act: (queue: Queue, message: Message) => void): void =>
    settled(() => {
      const queue = findQueue(context, name);
      if (!queue) return;
      const { message, isLatest } = resolveReceipt(queue, received.ReceiptHandle);
      if (message && isLatest) act(queue, message);
    });
  const remove = (queue: Queue, { stored }: Message): void =>
    context.commit(['remove', queue.name, [stored.position]]);

  return {
    arn: queueArn(context, name),
    receive: (countMax) =>
      settled(() => {
        const queue = findQueue(context, name);
        if (!queue) return [];
        const hiddenMs = durationMs(queue, 'VisibilityTimeout');
        const taken = takeMessages(context, queue, { countMax: Math.min(countMax, RECEIVE_MAX), hiddenMs });
        return taken.map((message) => showReceived(context, queue, message));
      }),
    remove: (received) => withHeld(received, remove),
    discard: (received) =>
      withHeld(received, (queue, message) => {
        const target = deadLetterQueue(context, queue);
        if (target) moveToDeadLetters(context, queue, { message, target });
        else remove(queue, message);
      }),
    watch: (listener) => availability.watch(name, listener),
  };
};
