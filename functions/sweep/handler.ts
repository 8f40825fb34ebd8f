/** Consumes `sweep`: looks at one stream per message. */
import type { SQSBatchResponse, SQSEvent } from 'aws-lambda';
import * as z from 'zod';
import { readEnvironment } from '#contracts/config.ts';
import { dynamoViewReader } from '#adapters/dynamodb/views.ts';
import { s3DocumentRelease } from '#adapters/s3/document-release.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { s3Client } from '#adapters/sdk/s3-client.ts';
import type { Limit } from '#domain/limit/limit.ts';
import type { Feed } from '#domain/market/feed/state.ts';
import type { Run } from '#domain/run/run.ts';
import { aggregateOf } from '#functions/shared/aggregates.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { eachMessage } from '#functions/shared/queue-batch.ts';
import { actingOf } from '#functions/shared/wiring.ts';
import { feedSweepCommand } from '#functions/sweep/feed-sweep.ts';
import { limitSweepCommand } from '#functions/sweep/limit-sweep.ts';
import { pruneFeed } from '#functions/sweep/prune-chunks.ts';
import { runSweepCommand } from '#functions/sweep/run-sweep.ts';
import { sweepStream } from '#functions/sweep/sweep.ts';
import type { SweepCommandOf } from '#functions/sweep/sweep.ts';

const SweepMessage = z.object({ stream: z.string().min(3) });

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const platform = platformOf(plugin);
  const { nowMs } = platform;
  const environment = readEnvironment('sweep', source);
  const acting = actingOf('sweep', environment, platform, { compactions: environment.COMPACTIONS_QUEUE_URL });
  const views = dynamoViewReader({ client: dynamodbClient(platform.plugin), table: environment.VIEWS_TABLE });
  const release = s3DocumentRelease(s3Client(platform.plugin), environment.BLOBS_BUCKET);
  const sweepCommand: SweepCommandOf = async (aggregate, state) => {
    switch (aggregate.kind) {
      case 'run':
        return runSweepCommand(acting.offers, state as Run, nowMs());
      case 'limit':
        return limitSweepCommand(acting.ledger, state as Limit, nowMs());
      case 'feed':
        await pruneFeed({ ...acting, release }, state as Feed);
        return feedSweepCommand({ ...acting, nowMs }, state as Feed);
      default:
        return aggregate.sweepCommand(nowMs());
    }
  };
  const ports = { ...acting, views, load: acting.loadWarm, nowMs, sweepCommand };
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
