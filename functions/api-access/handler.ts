/** Serves API keys, role grants and workspaces of a tenant. */
import { readEnvironment } from '#contracts/config.ts';
import { dynamoViewReader } from '#adapters/dynamodb/views.ts';
import { dynamodbClient } from '#adapters/sdk/dynamodb-client.ts';
import { createApiKey, listApiKeys, revokeApiKey } from '#functions/api-access/api-keys.ts';
import { listAudit } from '#functions/api-access/audit.ts';
import { grantRole, listRoleGrants, revokeRole } from '#functions/api-access/role-grants.ts';
import {
  closeWorkspace,
  configureTenant,
  getTenant,
  listWorkspaces,
  registerWorkspace,
} from '#functions/api-access/workspaces.ts';
import { auditOf } from '#functions/shared/auditing.ts';
import { lazily } from '#functions/shared/handler.ts';
import type { Source } from '#functions/shared/handler.ts';
import { httpHandler } from '#functions/shared/http.ts';
import { platformOf } from '#functions/shared/platform.ts';
import { rateLimitOf } from '#functions/shared/rate-limit.ts';
import { actingOf, verifierOf } from '#functions/shared/wiring.ts';

/** Builds the handler from its settings. */
export const createHandler = (source: Source, plugin?: object) => {
  const environment = readEnvironment('api-access', source);
  const platform = platformOf(plugin);
  const acting = actingOf('api-access', environment, platform);
  const views = dynamoViewReader({ client: dynamodbClient(platform.plugin), table: environment.VIEWS_TABLE });
  const ports = { ...acting, views, nowMs: platform.nowMs };
  return httpHandler({
    operations: {
      getTenant: getTenant(ports),
      configureTenant: configureTenant(ports),
      listWorkspaces: listWorkspaces(ports),
      registerWorkspace: registerWorkspace(ports),
      closeWorkspace: closeWorkspace(ports),
      createApiKey: createApiKey(ports),
      listApiKeys: listApiKeys(ports),
      revokeApiKey: revokeApiKey(ports),
      grantRole: grantRole(ports),
      listRoleGrants: listRoleGrants(ports),
      revokeRole: revokeRole(ports),
      listAudit: listAudit(ports),
    },
    // Whoever may hand out access is looked up each time: what was taken from them acts here at once.
    verify: verifierOf(environment, platform, acting.ledger, 0),
    audit: auditOf({ ...acting, nowMs: platform.nowMs }),
    limit: rateLimitOf(acting, environment.LIMITS),
    telemetry: acting.telemetry,
    bodyBytesMax: environment.LIMITS.requestBytesMax,
    nowMs: platform.nowMs,
  });
};

/** What AWS calls; it builds itself at the first event. */
export const handler = lazily(createHandler);
