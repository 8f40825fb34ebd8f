/** The routes of a tenant's keys, workspaces and grants; all are for admins of the whole tenant. */
import type { Route } from '#contracts/routes.ts';

const admin = { function: 'api-access', access: 'admin', reach: 'tenant' } as const;
const read = { ...admin, method: 'GET', mutating: false } as const;
const change = { ...admin, mutating: true } as const;

/** Part of the route table. */
export const accessRoutes = [
  {
    ...read,
    operationId: 'getTenant',
    path: '/v1/tenant',
    summary: 'Tells which workspaces the tenant lets in, and how many keys and grants it has',
  },
  {
    ...change,
    operationId: 'configureTenant',
    method: 'PUT',
    path: '/v1/tenant',
    summary: 'Sets whether a workspace must be registered to be used',
  },
  {
    ...read,
    operationId: 'listWorkspaces',
    path: '/v1/workspaces',
    summary: 'Lists the registered workspaces, by name',
  },
  {
    ...change,
    operationId: 'registerWorkspace',
    method: 'PUT',
    path: '/v1/workspaces/{workspaceId}',
    summary: 'Registers a workspace, changes its display name, or opens it again',
  },
  {
    ...change,
    operationId: 'closeWorkspace',
    method: 'DELETE',
    path: '/v1/workspaces/{workspaceId}',
    summary: 'Closes a workspace: from then on everything in it answers 404, and nothing is lost',
  },
  {
    ...change,
    operationId: 'createApiKey',
    method: 'POST',
    path: '/v1/api-keys',
    summary: 'Creates an API key; its secret is in this answer and nowhere else',
  },
  {
    ...read,
    operationId: 'listApiKeys',
    path: '/v1/api-keys',
    summary: 'Lists the API keys that were not revoked, by id, the oldest first',
  },
  {
    ...change,
    operationId: 'revokeApiKey',
    method: 'DELETE',
    path: '/v1/api-keys/{keyId}',
    summary: 'Revokes an API key for good',
  },
  {
    ...change,
    operationId: 'grantRole',
    method: 'POST',
    path: '/v1/role-grants',
    summary: 'Gives a person a role in a workspace, beside what their token says',
  },
  {
    ...read,
    operationId: 'listRoleGrants',
    path: '/v1/role-grants',
    summary: 'Lists the role grants in force, by id',
  },
  {
    ...change,
    operationId: 'revokeRole',
    method: 'DELETE',
    path: '/v1/role-grants/{grantId}',
    summary: 'Takes a granted role away',
  },
  {
    ...read,
    operationId: 'listAudit',
    path: '/v1/audit',
    summary: 'Lists who asked for which change and how it was answered, newest first',
  },
] as const satisfies readonly Route[];
