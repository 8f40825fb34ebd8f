/** What a feed owes: messages that run what it planned, and a timer for its next tick when its clock is live. */
import type { EngineRunsMessage } from '#contracts/market/engine-run.ts';
import type { FeedTimerMessage } from '#contracts/market/feed-timer.ts';
import type { Waiting } from '#domain/kernel/aggregate.ts';
import type { Effect, SendMessage } from '#domain/kernel/effect.ts';
import { sha256Base32 } from '#domain/kernel/hash.ts';
import { dispatchHeld, flowWaiting } from '#domain/market/feed/flow-control.ts';
import { takesRecords } from '#domain/market/feed/lifecycle.ts';
import { haltsWaiting, resumptions } from '#domain/market/feed/halts.ts';
import { pressureWatch } from '#domain/market/feed/pressure-watch.ts';
import { pruningWaiting } from '#domain/market/feed/pruning.ts';
import { recoveryEffects, recoveryWaiting } from '#domain/market/feed/recovery.ts';
import { pendingRuns, runMessages } from '#domain/market/feed/run-messages.ts';
import { spillWaiting } from '#domain/market/feed/spill.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import { nextTick } from '#domain/market/scheduler.ts';
import { orderKey, parseFeedStream } from '#domain/market/streams.ts';

/** How long planned runs may stay unacknowledged before the sweep looks after them. */
export const RUNS_DEADLINE_MS = 60_000;

const DELAY_MAX_SECONDS = 900;

/** FIFO group ids take printable ASCII only; a name that does not fit is replaced by its hash. */
const groupId = (key: string): string => (/^[\x21-\x7e]{1,128}$/.test(key) ? key : sha256Base32(key));

/**
 * The message as an effect. `generation` is 0 for the first send and rises with each repeat, because a FIFO queue
 * forgets a name only after five minutes and would swallow a repeat that is needed.
 */
export const sendRuns = (message: EngineRunsMessage, generation = 0): SendMessage => {
  const key = orderKey({ ...parseFeedStream(message.feedStream), symbol: message.symbol });
  const [first] = message.runs;
  const id = sha256Base32(`${message.feedStream}|${message.symbol}|${String(first?.runNo)}`);
  const name = `runs-${id}-${generation}`;
  return {
    kind: 'send-message',
    name,
    queue: 'engine-runs',
    body: message,
    groupId: groupId(key),
    deduplicationId: name,
  };
};

/** Whether time alone makes this feed plan. */
const hasLiveClock = (feed: ExistingFeed): boolean => takesRecords(feed) && feed.config.clock === 'arrival';

const timer = (feed: ExistingFeed, nowMs: number): readonly Effect[] => {
  if (!feed.isTimerOwed || !feed.schedule || !hasLiveClock(feed)) return [];
  const tickMs = nextTick(feed.config.scheduler, feed.schedule);
  const body: FeedTimerMessage = { kind: 'feed-tick', feedStream: feed.stream, beforeMs: tickMs + 1 };
  const delaySeconds = Math.ceil(Math.max(0, tickMs + 1 - nowMs) / 1000);
  return [
    {
      kind: 'send-message',
      name: `tick-${sha256Base32(feed.stream)}-${tickMs}`,
      queue: 'timers',
      body,
      delaySeconds: Math.min(DELAY_MAX_SECONDS, delaySeconds),
    },
  ];
};

/** Messages for the runs of the last commit that are not acknowledged, its timer, what is resumed, its recovery, its watch. */
export const outstandingOf = (feed: Feed, nowMs: number): readonly Effect[] => {
  if (feed.status === 'none') return [];
  const { planned } = feed;
  const runs = planned ? pendingRuns(planned, feed.symbols) : [];
  const messages = planned ? runMessages(feed, runs, planned.chunks) : [];
  return [
    ...messages.map((message) => sendRuns(message)),
    ...timer(feed, nowMs),
    ...dispatchHeld(feed),
    ...resumptions(feed.stream, feed.halts),
    ...recoveryEffects(feed),
    ...pressureWatch(feed),
  ];
};

/** Unacknowledged runs, the next tick of a feed whose clock is live, and what is halted. */
export const waitingOf = (feed: Feed): readonly Waiting[] => {
  if (feed.status === 'none') return [];
  const { unacknowledged, schedule, config } = feed;
  return [
    ...(unacknowledged
      ? [{ reason: 'engine-runs', deadlineMs: unacknowledged.sinceMs + RUNS_DEADLINE_MS }]
      : []),
    ...(schedule && hasLiveClock(feed)
      ? [{ reason: 'tick', deadlineMs: nextTick(config.scheduler, schedule) }]
      : []),
    ...flowWaiting(feed),
    ...haltsWaiting(feed.halts),
    ...recoveryWaiting(feed),
    ...pruningWaiting(feed),
    ...spillWaiting(feed),
  ];
};
