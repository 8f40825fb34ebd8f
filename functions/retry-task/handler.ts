/** Called by the `retry-task` state machine. */
import { readEnvironment } from '#contracts/config.ts';
import { retryTask } from '#functions/retry-task/retry-task.ts';
import type { RetryAnswer } from '#functions/retry-task/retry-task.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { actingOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const acting = actingOf('retry-task', readEnvironment('retry-task', source), platformOf(plugin));
  return async (event: unknown): Promise<RetryAnswer> => {
    try {
      return await retryTask(acting.mailbox, event);
    } finally {
      acting.telemetry.flush();
    }
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
