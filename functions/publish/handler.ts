/** Consumes the ledger stream as a doorbell and publishes outputs in order. */
import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { dynamoCursors } from '#adapters/dynamodb/control.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { kinesisClient } from '#adapters/sdk/kinesis-client.ts';
import { kinesisOutputStream } from '#adapters/kinesis/output-stream.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { commitsOf } from '#functions/shared/ledger-records.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { publish } from '#functions/shared/publication.ts';
import { commitsOnlyOf, telemetryOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('publish', source);
  const platform = platformOf(plugin);
  const telemetry = telemetryOf('publish', environment, platform);
  const client = dynamodbClient(platform.plugin);
  const ports = {
    ledger: commitsOnlyOf(environment, platform),
    cursors: dynamoCursors({ client, table: environment.CONTROL_TABLE, nowMs: platform.nowMs }),
    output: kinesisOutputStream(kinesisClient(platform.plugin), environment.OUTPUT_STREAM),
    telemetry,
    nowMs: platform.nowMs,
  };
  return async (event: DynamoDBStreamEvent): Promise<DynamoDBBatchResponse> => {
    try {
      await publish(ports, commitsOf(event.Records, telemetry));
      return { batchItemFailures: [] };
    } finally {
      telemetry.flush();
    }
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
