/** Consumes the ledger stream as a doorbell, and `publications` for what it could not deliver; publishes in order. */
import type { DynamoDBBatchResponse, DynamoDBStreamEvent, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { PublicationMessage } from '#contracts/delivery.ts';
import { dynamoCursors } from '#adapters/dynamodb/control.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { kinesisClient } from '#adapters/sdk/kinesis-client.ts';
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { kinesisOutputStream } from '#adapters/kinesis/output-stream.ts';
import { sqsQueues } from '#adapters/sqs/queues.ts';
import { feedDelivery } from '#functions/publish/feed-delivery.ts';
import { publish, publishStream } from '#functions/publish/publication.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { commitsOf } from '#functions/shared/ledger-records.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { eachMessage, isQueueEvent } from '#functions/shared/queue-batch.ts';
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
    queues: sqsQueues(sqsClient(platform.plugin), {
      commands: environment.COMMANDS_QUEUE_URL,
      publications: environment.PUBLICATIONS_QUEUE_URL,
    }),
    commands: feedDelivery,
    telemetry,
    nowMs: platform.nowMs,
    sleep: platform.sleep,
  };
  return async (event: DynamoDBStreamEvent | SQSEvent): Promise<DynamoDBBatchResponse | SQSBatchResponse> => {
    try {
      if (isQueueEvent(event))
        return await eachMessage(event.Records, telemetry, ({ body, messageId }) => {
          const { stream, ...look } = PublicationMessage.parse(JSON.parse(body));
          return publishStream(ports, stream, { ...look, holder: messageId });
        });
      await publish(ports, commitsOf(event.Records, telemetry));
      return { batchItemFailures: [] };
    } finally {
      telemetry.flush();
    }
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
