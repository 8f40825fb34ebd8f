/** Consumes `sweep`: looks at one stream per message. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as z from 'zod';
import { readEnvironment } from '#contracts/config.ts';
import type { Feed } from '#domain/market/feed/state.ts';
import type { Run } from '#domain/run/run.ts';
import { aggregateOf } from '#functions/shared/aggregates.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { eachMessage } from '#functions/shared/queue-batch.ts';
import { actingOf } from '#functions/shared/wiring.ts';
import { feedSweepCommand } from '#functions/sweep/feed-sweep.ts';
import { runSweepCommand } from '#functions/sweep/run-sweep.ts';
import { sweepStream } from '#functions/sweep/sweep.ts';
import type { SweepCommandOf } from '#functions/sweep/sweep.ts';

const SweepMessage = z.object({ stream: z.string().min(3) });

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const platform = platformOf(plugin);
  const { nowMs } = platform;
  const acting = actingOf('sweep', readEnvironment('sweep', source), platform);
  const sweepCommand: SweepCommandOf = (aggregate, state) => {
    switch (aggregate.kind) {
      case 'run':
        return runSweepCommand(acting.offers, state as Run, nowMs());
      case 'feed':
        return feedSweepCommand({ ...acting, nowMs }, state as Feed);
      default:
        return Promise.resolve(aggregate.sweepCommand(nowMs()));
    }
  };
  const ports = { ...acting, load: acting.loadWarm, nowMs, sweepCommand };
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const answer = await eachMessage(
      event.Records,
      acting.telemetry,
      async ({ body, messageId, attributes }) => {
        const { stream } = SweepMessage.parse(JSON.parse(body));
        await sweepStream(ports, aggregateOf(stream), {
          stream,
          messageId,
          isRepeat: Number(attributes.ApproximateReceiveCount) > 1,
        });
      },
    );
    acting.telemetry.flush();
    return answer;
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
