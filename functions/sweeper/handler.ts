/** Runs each minute and asks for every overdue stream to be looked at. */
import { readEnvironment } from '#contracts/config.ts';
import { dynamoCursors, dynamoRearms } from '#adapters/dynamodb/control.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { sqsQueues } from '#adapters/sqs/queues.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { commitsOnlyOf, telemetryOf } from '#functions/shared/wiring.ts';
import { sweepOnce } from '#functions/sweeper/sweeper.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('sweeper', source);
  const platform = platformOf(plugin);
  const telemetry = telemetryOf('sweeper', environment, platform);
  const control = {
    client: dynamodbClient(platform.plugin),
    table: environment.CONTROL_TABLE,
    nowMs: platform.nowMs,
  };
  const url = environment.SWEEP_QUEUE_URL;
  const ports = {
    due: commitsOnlyOf(environment, platform),
    rearms: dynamoRearms(control),
    cursors: dynamoCursors(control),
    queues: sqsQueues(sqsClient(platform.plugin), { sweep: url }),
    telemetry,
    nowMs: platform.nowMs,
  };
  return async (): Promise<{ readonly streams: number }> => {
    try {
      return { streams: await sweepOnce(ports, environment.LIMITS) };
    } finally {
      telemetry.flush();
    }
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
