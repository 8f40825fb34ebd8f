/**
 * What `timers` holds: ticks of feeds whose clock is live, looks at the queue of engine runs, and the word that a halt
 * is over. A queue waits 15 minutes at most, so long waits go round again.
 */
import { TimerMessage } from '#contracts/market/feed-timer.ts';
import type { FeedResumedMessage, FeedTimerMessage } from '#contracts/market/feed-timer.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import type { ResumeTokens } from '#domain/ports/control.ts';
import type { TaskAnswers } from '#domain/ports/outside.ts';
import { followDepth, watchPressure } from '#functions/timers/pressure-watch.ts';
import type { WatchPorts } from '#functions/timers/pressure-watch.ts';

export interface TimerPorts extends WatchPorts {
  readonly tokens: ResumeTokens;
  readonly answers: TaskAnswers;
}

const DELAY_MAX_SECONDS = 900;

/** Does what one message asks for. */
export const fireTimer = (ports: TimerPorts, text: string): Promise<void> => {
  const message = TimerMessage.parse(JSON.parse(text));
  switch (message.kind) {
    case 'feed-tick':
      return planTick(ports, message);
    case 'feed-resumed':
      return endWait(ports, message);
    case 'feed-pressure':
      return watchPressure(ports, message);
  }
};

/** Lets a feed plan the tick a timer was set for; one that is early is sent again for the rest of its wait. */
const planTick = async (ports: TimerPorts, message: FeedTimerMessage): Promise<void> => {
  const { mailbox, queues, nowMs } = ports;
  const leftMs = message.beforeMs - 1 - nowMs();
  if (leftMs > 0) {
    const delaySeconds = Math.min(DELAY_MAX_SECONDS, Math.ceil(leftMs / 1000));
    await queues.send([{ queue: 'timers', body: message, delaySeconds }]);
    return;
  }
  await followDepth(ports, message.feedStream);
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

/** Lets the execution of a halt that is over end; without its token it finds out by itself at its next reminder. */
const endWait = async (
  { tokens, answers }: TimerPorts,
  { kind: _kind, ...place }: FeedResumedMessage,
): Promise<void> => {
  const token = await tokens.read(place);
  if (token !== undefined) await answers.succeed(token);
};
