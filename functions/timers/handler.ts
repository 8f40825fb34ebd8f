/** Consumes `timers`: ticks of feeds whose clock is live, delayed by the queue itself. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { eachMessage } from '#functions/shared/queue-batch.ts';
import { actingOf } from '#functions/shared/wiring.ts';
import { fireTimer } from '#functions/timers/timers.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const platform = platformOf(plugin);
  const acting = actingOf('timers', readEnvironment('timers', source), platform);
  const ports = { ...acting, nowMs: platform.nowMs };
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const answer = await eachMessage(event.Records, acting.telemetry, ({ body }) => fireTimer(ports, body));
    acting.telemetry.flush();
    return answer;
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
