/** Serves market feeds. */
import { readEnvironment } from '#contracts/config.ts';
import { replayLimits } from '#contracts/market/feed-replay.ts';
import { dynamoViewReader } from '#adapters/dynamodb/views.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { executeRun } from '#domain/market/execute-run.ts';
import { listFeedBuffer } from '#functions/api-feeds/feed-buffer.ts';
import { listFeedOutputs, replayFeed } from '#functions/api-feeds/feed-outputs.ts';
import { moveFeed, planFeedTicks, putFeed, resumeFeed } from '#functions/api-feeds/feed-commands.ts';
import {
  getFeedDashboard,
  listFeedAnalyses,
  listFeedGates,
  listFeedRegimes,
} from '#functions/api-feeds/feed-layers.ts';
import {
  getFeed,
  getFeedHealth,
  listFeedRuns,
  listFeeds,
  listFeedSymbols,
} from '#functions/api-feeds/feed-reads.ts';
import { auditOf } from '#functions/shared/auditing.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { httpHandler } from '#functions/shared/http.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { rateLimitOf } from '#functions/shared/rate-limit.ts';
import { actingOf, verifierOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('api-feeds', source);
  const platform = platformOf(plugin);
  const acting = actingOf('api-feeds', environment, platform);
  const views = dynamoViewReader({ client: dynamodbClient(platform.plugin), table: environment.VIEWS_TABLE });
  const ports = { ...acting, views, nowMs: platform.nowMs, execute: executeRun, bounds: replayLimits };
  return httpHandler({
    operations: {
      putFeed: putFeed(ports),
      getFeed: getFeed(ports),
      listFeeds: listFeeds(ports),
      listFeedRuns: listFeedRuns(ports),
      planFeedTicks: planFeedTicks(ports),
      resumeFeed: resumeFeed(ports),
      startFeed: moveFeed(ports, 'StartFeed', 'startFeed'),
      drainFeed: moveFeed(ports, 'DrainFeed', 'drainFeed'),
      stopFeed: moveFeed(ports, 'StopFeed', 'stopFeed'),
      getFeedHealth: getFeedHealth(ports),
      listFeedOutputs: listFeedOutputs(ports),
      replayFeed: replayFeed(ports),
      listFeedBuffer: listFeedBuffer(ports),
      listFeedSymbols: listFeedSymbols(ports),
      listFeedGates: listFeedGates(ports),
      listFeedAnalyses: listFeedAnalyses(ports),
      listFeedRegimes: listFeedRegimes(ports),
      getFeedDashboard: getFeedDashboard(ports),
    },
    verify: verifierOf(environment, platform, acting.ledger),
    audit: auditOf({ ...acting, nowMs: platform.nowMs }),
    limit: rateLimitOf(acting, environment.LIMITS),
    telemetry: acting.telemetry,
    bodyBytesMax: environment.LIMITS.requestBytesMax,
    nowMs: platform.nowMs,
  });
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
