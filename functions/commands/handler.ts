/** Consumes `commands`, one FIFO group per stream. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { sqsReceived } from '#adapters/sqs/received.ts';
import { decideQueued } from '#functions/shared/decide-queued.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { eachGroup } from '#functions/shared/queue-batch.ts';
import { actingOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('commands', source);
  const platform = platformOf(plugin);
  const acting = actingOf('commands', environment, platform);
  const received = sqsReceived(sqsClient(platform.plugin), environment.COMMANDS_QUEUE_URL);
  const ports = { ...acting, received };
  return async (event: SQSEvent): Promise<SQSBatchResponse> => {
    const answer = await eachGroup(event.Records, acting.telemetry, (group) => decideQueued(ports, group));
    acting.telemetry.flush();
    return answer;
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
