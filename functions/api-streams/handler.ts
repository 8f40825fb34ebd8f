/** Serves the streams of runs. */
import { readEnvironment } from '#contracts/config.ts';
import { dynamoRateBuckets } from '#adapters/dynamodb/rate-buckets.ts';
import { streamedHandler } from '#adapters/lambda/streamed-handler.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { streamRunEvents } from '#functions/api-streams/run-events.ts';
import { lazilyStreamed } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { httpStream } from '#functions/shared/http.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { rateLimitOf } from '#functions/shared/rate-limit.ts';
import { commitsOnlyOf, telemetryOf, verifierOf } from '#functions/shared/wiring.ts';

const createStream = (source: Source, plugin?: object) => {
  const environment = readEnvironment('api-streams', source);
  const platform = platformOf(plugin);
  const { nowMs, sleep } = platform;
  const ledger = commitsOnlyOf(environment, platform);
  const telemetry = telemetryOf('api-streams', environment, platform);
  const client = dynamodbClient(platform.plugin);
  const buckets = dynamoRateBuckets({ client, table: environment.CONTROL_TABLE, nowMs });
  return httpStream({
    operations: { streamRunEvents: streamRunEvents({ ledger, nowMs, sleep }) },
    verify: verifierOf(environment, platform, ledger),
    limit: rateLimitOf({ buckets, telemetry }, environment.LIMITS),
    telemetry,
    bodyBytesMax: environment.LIMITS.requestBytesMax,
    nowMs,
  });
};

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) =>
  streamedHandler(createStream(source, plugin));

/** What AWS calls; it builds itself at the first event. */
export const handler = streamedHandler(lazilyStreamed(createStream));
