/** Consumes `inline-runs`: one run per message, several runs at once. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runInline } from '#functions/run-inline/run-inline.ts';
import { runners } from '#functions/run-inline/runners.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { eachMessage } from '#functions/shared/queue-batch.ts';
import { actingOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('run-inline', source);
  const platform = platformOf(plugin);
  const acting = actingOf('run-inline', environment, platform);
  const ports = {
    ...acting,
    loadRun: async (stream: string) => (await acting.loadWarm(runAggregate, stream)).state,
    perform: acting.ports.perform,
    runners,
    nowMs: platform.nowMs,
    inlineStepsMax: environment.LIMITS.inlineStepsMax,
  };
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const answer = await eachMessage(event.Records, acting.telemetry, ({ body, attributes }) =>
      runInline(ports, { body, isRepeat: Number(attributes.ApproximateReceiveCount) > 1 }),
    );
    acting.telemetry.flush();
    return answer;
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
