/** Lets a feed plan the tick a timer was set for; a queue waits 15 minutes at most, so long waits go round again. */
import { FeedTimerMessage } from '#contracts/market/feed.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import type { Queues } from '#domain/ports/outside.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';

export interface TimerPorts {
  readonly mailbox: Mailbox;
  readonly queues: Queues;
  readonly nowMs: () => number;
}

const DELAY_MAX_SECONDS = 900;

/** Fires one timer; one that is early is sent again for the rest of its wait. */
export const fireTimer = async ({ mailbox, queues, nowMs }: TimerPorts, text: string): Promise<void> => {
  const message = FeedTimerMessage.parse(JSON.parse(text));
  const leftMs = message.beforeMs - 1 - nowMs();
  if (leftMs > 0) {
    const delaySeconds = Math.min(DELAY_MAX_SECONDS, Math.ceil(leftMs / 1000));
    await queues.send([{ queue: 'timers', body: message, delaySeconds }]);
    return;
  }
  await mailbox.send(
    feedAggregate,
    {
      stream: message.feedStream,
      command: { type: 'PlanTicks', clock: 'arrival', beforeMs: message.beforeMs },
      commandId: `timer:${message.feedStream}:${message.beforeMs}`,
      actor: { kind: 'service', id: 'timers' },
      correlationId: message.feedStream,
    },
    { effectsMustSucceed: true },
  );
};
