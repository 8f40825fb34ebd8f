/**
 * Consumes the ledger stream, and `compactions` for what was found behind it, and keeps the read models; the only
 * function that may write them.
 */
import type { DynamoDBBatchResponse, DynamoDBStreamEvent, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { CompactionMessage } from '#contracts/delivery.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { dynamoViewWriter } from '#adapters/dynamodb/views.ts';
import { projections } from '#functions/shared/aggregates.ts';
import { compactBatch, compactStream } from '#functions/shared/compaction.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { commitsOf } from '#functions/shared/ledger-records.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { eachMessage, isQueueEvent } from '#functions/shared/queue-batch.ts';
import { storesOf, telemetryOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('compact', source);
  const platform = platformOf(plugin);
  const telemetry = telemetryOf('compact', environment, platform);
  const views = dynamoViewWriter({ client: dynamodbClient(platform.plugin), table: environment.VIEWS_TABLE });
  const { ledger } = storesOf(environment, platform);
  const ports = { views, ledger, telemetry, nowMs: platform.nowMs };
  return async (event: DynamoDBStreamEvent | SQSEvent): Promise<DynamoDBBatchResponse | SQSBatchResponse> => {
    try {
      if (isQueueEvent(event))
        return await eachMessage(event.Records, telemetry, ({ body }) =>
          compactStream(ports, projections, CompactionMessage.parse(JSON.parse(body)).stream),
        );
      await compactBatch(ports, projections, commitsOf(event.Records, telemetry));
      return { batchItemFailures: [] };
    } finally {
      telemetry.flush();
    }
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
