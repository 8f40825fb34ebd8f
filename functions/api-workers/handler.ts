/** Serves claims of workers. */
import { readEnvironment } from '#contracts/config.ts';
import { dynamoClaims } from '#adapters/dynamodb/claims.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { claimTasks } from '#functions/api-workers/claim.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { httpHandler } from '#functions/shared/http.ts';
import { runLoader } from '#functions/shared/load-run.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { rateLimitOf } from '#functions/shared/rate-limit.ts';
import { actingOf, taskTokensOf, verifierOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('api-workers', source);
  const platform = platformOf(plugin);
  const acting = actingOf('api-workers', environment, platform);
  const control = {
    client: dynamodbClient(platform.plugin),
    table: environment.CONTROL_TABLE,
    nowMs: platform.nowMs,
  };
  const ports = {
    ...acting,
    ...platform,
    loadRun: runLoader(acting),
    callbackQueueTasksMin: environment.LIMITS.callbackQueueTasksMin,
    claims: dynamoClaims(control),
    tokens: taskTokensOf(environment, platform),
  };
  return httpHandler({
    operations: { claimTasks: claimTasks(ports) },
    verify: verifierOf(environment, platform, acting.ledger),
    limit: rateLimitOf(acting, environment.LIMITS),
    telemetry: acting.telemetry,
    bodyBytesMax: environment.LIMITS.requestBytesMax,
    nowMs: platform.nowMs,
  });
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
