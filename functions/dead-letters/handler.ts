/** Consumes every dead-letter queue. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { takeDeadLetter } from '#functions/dead-letters/dead-letters.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { eachInTurn } from '#functions/shared/queue-batch.ts';
import { actingOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const acting = actingOf('dead-letters', readEnvironment('dead-letters', source), platformOf(plugin));
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const answer = await eachInTurn(event.Records, acting.telemetry, (record) =>
      takeDeadLetter(acting, record),
    );
    acting.telemetry.flush();
    return answer;
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
