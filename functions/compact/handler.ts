/** Consumes the ledger stream and keeps the read models; the only function that may write them. */
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { dynamoViewWriter } from '#adapters/dynamodb/views.ts';
import { projections } from '#functions/shared/aggregates.ts';
import { compact } from '#functions/shared/compaction.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { commitsOf } from '#functions/shared/ledger-records.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { storesOf, telemetryOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('compact', source);
  const platform = platformOf(plugin);
  const telemetry = telemetryOf('compact', environment, platform);
  const views = dynamoViewWriter({ client: dynamodbClient(platform.plugin), table: environment.VIEWS_TABLE });
  const { ledger } = storesOf(environment, platform);
  return async (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    try {
      await compact({ views, ledger, telemetry }, projections, commitsOf(event.Records, telemetry));
      return { batchItemFailures: [] };
    } finally {
      telemetry.flush();
    }
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
