/** Keeps an attempt alive and hears whether its work is still wanted. */
import * as z from 'zod';
import { HeartbeatResponse } from '#contracts/runs/callbacks.ts';
import { taskDefaults } from '#contracts/runs/limits.ts';
import { TaskStopped } from '#cli/worker-kit/failure.ts';
import { pauseFor } from '#cli/worker-kit/pause.ts';
import type { Answer } from '#cli/worker-kit/request.ts';

const BEATS_PER_TIMEOUT = 5;
const EVERY_MIN_MS = 5_000;
const EVERY_MAX_MS = 60_000;
const MESSAGE_LENGTH_MAX = 1_024;

/** Between two beats: a fifth of the timeout, 5 to 60 seconds. */
export const beatEveryMs = (heartbeatTimeoutSec: number = taskDefaults.heartbeatTimeoutSec): number =>
  Math.min(Math.max((heartbeatTimeoutSec * 1000) / BEATS_PER_TIMEOUT, EVERY_MIN_MS), EVERY_MAX_MS);

/** What the next beat tells of the work. */
export interface Progress {
  readonly progressPct: number;
  readonly message?: string;
}

/** Progress as callbacks take it: a whole percentage from 0 to 100 and a message of 1,024 characters at most. */
export const progressOf = (pct: number, message?: string): Progress => ({
  progressPct: Math.round(Math.min(100, Math.max(0, pct)) || 0),
  ...(message === undefined ? {} : { message: message.slice(0, MESSAGE_LENGTH_MAX) }),
});

export interface Heart {
  readonly everyMs: number;
  readonly send: (progress: Progress | object) => Promise<Answer>;
  /** The latest progress, or nothing. */
  readonly progress: () => Progress | undefined;
  /** Told once that the work should stop. */
  readonly stop: (reason: TaskStopped) => void;
  readonly onEvent: (text: string) => void;
  /** Ends the beats. */
  readonly over: AbortSignal;
}

// The attempt goes on whatever else the answer says or leaves out.
const Told = z.object({ shouldCancel: z.boolean(), cancelReason: HeartbeatResponse.shape.cancelReason });

/** Beats until it is over or the attempt is unwanted; a beat that is not answered is made up for by the next. */
export const keepBeating = async (heart: Heart): Promise<void> => {
  const { everyMs, over } = heart;
  const isOver = (): boolean => over.aborted;
  let told: Progress | undefined;
  for (;;) {
    await pauseFor(everyMs, over);
    if (isOver()) return;
    const progress = heart.progress();
    const answer = await heart.send(progress === told ? {} : { ...progress });
    if (isOver()) return;
    switch (answer.kind) {
      case 'taken':
        told = progress;
        obey(heart, answer.body);
        break;
      case 'unwanted':
        heart.stop(new TaskStopped('unwanted'));
        return;
      case 'faulty':
      case 'again':
        heart.onEvent(`heartbeat failed: ${answer.message}`);
        break;
    }
  }
};

const obey = ({ stop }: Heart, body: unknown): void => {
  const told = Told.safeParse(body);
  if (told.success && told.data.shouldCancel)
    stop(new TaskStopped(told.data.cancelReason ?? 'user_requested'));
};
