/** What the routes of a tenant's keys, workspaces and grants take and give. */
import type * as z from 'zod';
import * as access from '#contracts/access/answers.ts';
import * as wishes from '#contracts/access/requests.ts';
import { AuditPage } from '#contracts/audit/audit.ts';
import type { RouteAnswer, RouteShape } from '#contracts/route-shapes.ts';
import { ListQuery } from '#contracts/runs/read.ts';

const answer = (schema: z.ZodType, when = 'Done'): RouteAnswer => ({ schema, when });
const ok = (schema: z.ZodType): RouteShape['answers'] => ({ 200: answer(schema) });

/** Part of the shapes of all routes. */
export const accessShapes = {
  listAudit: { query: ListQuery, answers: ok(AuditPage), refusals: ['invalid_cursor'] },
  getTenant: { answers: ok(access.TenantView), refusals: [] },
  configureTenant: {
    body: wishes.ConfigureTenantRequest,
    answers: ok(access.TenantView),
    refusals: ['idempotency_key_reused'],
  },
  listWorkspaces: { query: ListQuery, answers: ok(access.WorkspacePage), refusals: ['invalid_cursor'] },
  registerWorkspace: {
    body: wishes.RegisterWorkspaceRequest,
    answers: ok(access.WorkspaceView),
    refusals: ['access_limit_reached', 'idempotency_key_reused'],
  },
  closeWorkspace: {
    answers: ok(access.WorkspaceView),
    refusals: ['workspace_not_found', 'idempotency_key_reused'],
  },
  createApiKey: {
    body: wishes.CreateApiKeyRequest,
    answers: {
      200: answer(
        access.CreatedApiKey,
        'The `Idempotency-Key` had created this key before; without its secret',
      ),
      201: answer(access.CreatedApiKey, 'The key exists from now on; its secret is shown this once'),
    },
    refusals: ['access_limit_reached', 'api_key_not_found', 'idempotency_key_reused'],
  },
  listApiKeys: { query: ListQuery, answers: ok(access.ApiKeyPage), refusals: ['invalid_cursor'] },
  revokeApiKey: {
    answers: ok(access.RevokedApiKey),
    refusals: ['api_key_not_found', 'idempotency_key_reused'],
  },
  grantRole: {
    body: wishes.GrantRoleRequest,
    answers: {
      200: answer(access.RoleGrantView, 'The person has this role there already'),
      201: answer(access.RoleGrantView, 'The role is granted from now on'),
    },
    refusals: ['access_limit_reached', 'role_grant_not_found', 'idempotency_key_reused'],
  },
  listRoleGrants: { query: ListQuery, answers: ok(access.RoleGrantPage), refusals: ['invalid_cursor'] },
  revokeRole: {
    answers: ok(access.RevokedRole),
    refusals: ['role_grant_not_found', 'idempotency_key_reused'],
  },
} as const satisfies Readonly<Record<string, RouteShape>>;
