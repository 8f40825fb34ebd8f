/** Serves health, manifests and runs. */
import { readEnvironment } from '#contracts/config.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { dynamoViewReader } from '#adapters/dynamodb/views.ts';
import { listAssets, listSchedules } from '#functions/api-runs/assets.ts';
import { getHealth, getReady } from '#functions/api-runs/health.ts';
import { cancelRun } from '#functions/api-runs/cancel.ts';
import { readRunLogs, uploadRunLog } from '#functions/api-runs/logs.ts';
import { deployManifestOperation, getManifest, listManifests } from '#functions/api-runs/manifests.ts';
import { listPartitions, summarizePartitions } from '#functions/api-runs/partitions.ts';
import {
  getRun,
  getRunTask,
  listRunEvents,
  listRuns,
  listRunTasks,
  listTaskAttempts,
} from '#functions/api-runs/reads.ts';
import {
  listExecutionLocations,
  removeExecutionLocation,
  setExecutionLocation,
} from '#functions/api-runs/locations.ts';
import { getLimit, listLimits, removeLimit, setLimit } from '#functions/api-runs/limits.ts';
import { backfillRunKey } from '#functions/api-runs/run-key.ts';
import { rerunRun } from '#functions/api-runs/rerun.ts';
import { triggerRunOperation } from '#functions/api-runs/trigger.ts';
import { reportOutputVisibility } from '#functions/api-runs/visibility.ts';
import { getRunWhy } from '#functions/api-runs/why.ts';
import { auditOf } from '#functions/shared/auditing.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { httpHandler } from '#functions/shared/http.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { rateLimitOf } from '#functions/shared/rate-limit.ts';
import { actingOf, runIdSecretOf, verifierOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('api-runs', source);
  const platform = platformOf(plugin);
  const acting = actingOf('api-runs', environment, platform);
  const views = dynamoViewReader({ client: dynamodbClient(platform.plugin), table: environment.VIEWS_TABLE });
  const runIdSecret = runIdSecretOf(environment, platform);
  const ports = { ...acting, views, runIdSecret, nowMs: platform.nowMs, stage: environment.STAGE };
  const scope = { tenantId: environment.TENANT_ID, workspaceId: environment.WORKSPACE_ID };
  return httpHandler({
    operations: {
      getHealth,
      getReady: getReady({ ...ports, scope }),
      deployManifest: deployManifestOperation(ports),
      listAssets: listAssets(ports),
      listSchedules: listSchedules(ports),
      listPartitions: listPartitions(ports),
      summarizePartitions: summarizePartitions(ports),
      listManifests: listManifests(ports),
      getManifest: getManifest(ports),
      triggerRun: triggerRunOperation(ports),
      backfillRunKey: backfillRunKey(ports),
      cancelRun: cancelRun(ports),
      rerunRun: rerunRun(ports),
      listRuns: listRuns(ports),
      getRun: getRun(ports),
      listRunTasks: listRunTasks(ports),
      getRunTask: getRunTask(ports),
      listTaskAttempts: listTaskAttempts(ports),
      getRunWhy: getRunWhy(ports),
      listRunEvents: listRunEvents(ports),
      reportOutputVisibility: reportOutputVisibility(ports),
      uploadRunLog: uploadRunLog(ports),
      readRunLogs: readRunLogs(ports),
      listLimits: listLimits(ports),
      getLimit: getLimit(ports),
      setLimit: setLimit(ports),
      removeLimit: removeLimit(ports),
      listExecutionLocations: listExecutionLocations(ports),
      setExecutionLocation: setExecutionLocation(ports),
      removeExecutionLocation: removeExecutionLocation(ports),
    },
    verify: verifierOf(environment, platform, acting.ledger),
    audit: auditOf({ ...acting, nowMs: platform.nowMs }),
    limit: rateLimitOf(acting, environment.LIMITS),
    telemetry: acting.telemetry,
    bodyBytesMax: environment.LIMITS.requestBytesMax,
    bodyBytesMaxOf: {
      deployManifest: environment.LIMITS.manifestBytesMax,
      uploadRunLog: runLimits.logRequestBytesMax,
    },
    nowMs: platform.nowMs,
  });
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
