/** Wakes those who wait for messages of a queue: long receives one by one in their order, watchers all. */
import type { Timer } from '#local/kernel/clock.ts';
import type { Json } from '#local/kernel/engine.ts';
import type { SqsContext } from './context.ts';
import { bringUpToDate } from './context.ts';
import type { Queue } from './queue.ts';
import { hasReceivable } from './queue.ts';
import { queueDoesNotExist } from './refusal.ts';

/** What a receiver waits for, and until when. */
export interface Wait {
  readonly untilMs: number;
  /** Takes what is receivable, or answers undefined when nothing could be taken. */
  readonly take: () => Json | undefined;
}

/** Who waits for messages, and how they are woken. */
export interface Availability {
  /** Resolves with the first messages, or with none at the end of the wait. */
  readonly wait: (queue: Queue, wait: Wait) => Promise<Json>;
  /** Calls back whenever messages of the queue of that name may have become receivable. */
  readonly watch: (queueName: string, listener: () => void) => void;
  /** Looks after the queues touched since the last time; to be called after every operation. */
  readonly settle: () => void;
}

interface Waiter {
  readonly queue: Queue;
  readonly take: Wait['take'];
  readonly timer: Timer;
  readonly resolve: (answer: Json) => void;
  readonly reject: (error: Error) => void;
}

/** Nobody waits yet. */
export const createAvailability = (context: SqsContext): Availability => {
  const { clock } = context.setting;
  const waiters = new Map<string, Waiter[]>();
  const listeners = new Map<string, (() => void)[]>();
  const timers = new Map<string, Timer>();
  let isSettling = false;

  const serve = (queue: Queue): void => {
    const waiting = waiters.get(queue.name) ?? [];
    for (let first = waiting[0]; first && hasReceivable(queue); first = waiting[0]) {
      const answer = first.take();
      if (!answer) return;
      waiting.shift();
      clock.cancel(first.timer);
      first.resolve(answer);
    }
  };

  const dismiss = (queue: Queue): void => {
    const waiting = waiters.get(queue.name) ?? [];
    const gone = waiting.filter((waiter) => waiter.queue === queue);
    waiters.set(
      queue.name,
      waiting.filter((waiter) => waiter.queue !== queue),
    );
    for (const waiter of gone) {
      clock.cancel(waiter.timer);
      waiter.reject(queueDoesNotExist());
    }
  };

  /** Keeps one timer for the next instant at which a message becomes visible, while somebody would take it. */
  const arm = (queueName: string): void => {
    const isAwaited = (waiters.get(queueName)?.length ?? 0) > 0 || listeners.has(queueName);
    const dueAtMs = isAwaited ? context.state.queues.get(queueName)?.due[0]?.dueAtMs : undefined;
    const current = timers.get(queueName);
    if (current && dueAtMs !== undefined && current.atMs <= dueAtMs) return;
    if (current) clock.cancel(current);
    timers.delete(queueName);
    if (dueAtMs === undefined) return;
    const ring = (): void => {
      timers.delete(queueName);
      touch(queueName);
    };
    timers.set(queueName, clock.at(dueAtMs, ring));
  };

  const settleQueue = (queue: Queue): void => {
    if (context.state.queues.get(queue.name) === queue) {
      bringUpToDate(context, queue);
      serve(queue);
      const isNews = queue.hasNews && hasReceivable(queue);
      queue.hasNews = false;
      if (isNews) for (const listener of listeners.get(queue.name) ?? []) listener();
    } else {
      dismiss(queue);
    }
    arm(queue.name);
  };

  // A listener may call operations: what they touch is settled here, after the listener has returned.
  const settle = (): void => {
    if (isSettling) return;
    isSettling = true;
    try {
      for (const queue of context.touched) {
        context.touched.delete(queue);
        settleQueue(queue);
      }
    } finally {
      isSettling = false;
    }
  };

  const touch = (queueName: string): void => {
    const queue = context.state.queues.get(queueName);
    if (queue) context.touched.add(queue);
    settle();
  };

  return {
    settle,
    watch: (queueName, listener) => {
      listeners.set(queueName, [...(listeners.get(queueName) ?? []), listener]);
      arm(queueName);
    },
    wait: (queue, { untilMs, take }) =>
      new Promise<Json>((resolve, reject) => {
        const giveUp = (): void => {
          const waiting = waiters.get(queue.name) ?? [];
          waiters.set(
            queue.name,
            waiting.filter((other) => other !== waiter),
          );
          arm(queue.name);
          resolve({});
        };
        const waiter: Waiter = { queue, take, timer: clock.at(untilMs, giveUp), resolve, reject };
        waiters.set(queue.name, [...(waiters.get(queue.name) ?? []), waiter]);
        arm(queue.name);
      }),
  };
};
