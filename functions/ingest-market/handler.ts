/** Consumes the market stream of one workspace, shard by shard. */
import type { KinesisStreamBatchResponse, KinesisStreamEvent } from 'aws-lambda';
import { readEnvironment } from '#contracts/config.ts';
import { s3DocumentRelease } from '#adapters/s3/document-release.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { dynamoViewReader } from '#adapters/dynamodb/views.ts';
import { s3Client } from '#adapters/sdk/s3-client.ts';
import { sqsClient } from '#adapters/sdk/sqs-client.ts';
import { deadLetters } from '#adapters/sqs/dead-letters.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { ingestBatch } from '#functions/ingest-market/ingest-market.ts';
import { startedFeeds } from '#functions/ingest-market/started-feeds.ts';
import { lazily, remainingOf } from '#functions/shared/handler.ts';
import type { Invocation, Source } from '#functions/shared/handler.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { actingOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('ingest-market', source);
  const platform = platformOf(plugin);
  const acting = actingOf('ingest-market', environment, platform);
  const views = dynamoViewReader({ client: dynamodbClient(platform.plugin), table: environment.VIEWS_TABLE });
  const scope = { tenantId: environment.TENANT_ID, workspaceId: environment.WORKSPACE_ID };
  const ports = {
    ...acting,
    sleep: platform.sleep,
    nowMs: platform.nowMs,
    loadFeed: (stream: string) => acting.peekOrLoad(feedAggregate, stream),
    reloadFeed: async (stream: string) => (await acting.loadWarm(feedAggregate, stream)).state,
    release: s3DocumentRelease(s3Client(platform.plugin), environment.BLOBS_BUCKET),
    feeds: startedFeeds(views, scope),
    refuse: deadLetters(sqsClient(platform.plugin), environment.MARKET_DEAD_LETTERS_QUEUE_URL),
  };
  return async (event: KinesisStreamEvent, invocation?: Invocation): Promise<KinesisStreamBatchResponse> => {
    const remainingMs = remainingOf(invocation);
    try {
      await ingestBatch({ ...ports, remainingMs }, event.Records);
      return { batchItemFailures: [] };
    } finally {
      acting.telemetry.flush();
    }
  };
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
