/** The workspaces of a tenant, and whether they must be registered. */
import type * as z from 'zod';
import type { TenantView, WorkspaceView } from '#contracts/access/answers.ts';
import { ConfigureTenantRequest, RegisterWorkspaceRequest } from '#contracts/access/requests.ts';
import { WorkspaceId } from '#contracts/ids.ts';
import type { Access, Workspace } from '#domain/access/state.ts';
import { accessOf, instant, pageOf, settle } from '#functions/api-access/access-ports.ts';
import type { AccessPorts } from '#functions/api-access/access-ports.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { ApiRequest, Operation } from '#functions/shared/http.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { tenantCallerOf } from '#functions/shared/request.ts';

/** One page of the registered workspaces, the closed ones among them. */
export const listWorkspaces =
  (ports: AccessPorts): Operation =>
  async (request) => {
    const { page, ...cursor } = pageOf(request, 'workspaces', (await accessOf(ports, request)).workspaces);
    return { status: 200, body: { workspaces: page.map(viewOf), ...cursor } };
  };

/** Registers a workspace, renames it, or opens it again. */
export const registerWorkspace =
  (ports: AccessPorts): Operation =>
  async (request) => {
    refuseSecrets(request.body);
    const { displayName } = parseBody(RegisterWorkspaceRequest, request.body);
    const workspaceId = workspaceOf(request);
    const name = displayName === undefined ? {} : { displayName };
    const command = { type: 'RegisterWorkspace', workspaceId, ...name } as const;
    const { access } = await settle(ports, request, { operationId: 'registerWorkspace', command });
    return { status: 200, body: registered(access, workspaceId) };
  };

/** Closes a workspace: 200, or 404 when it is not registered. */
export const closeWorkspace =
  (ports: AccessPorts): Operation =>
  async (request) => {
    const workspaceId = workspaceOf(request);
    const command = { type: 'CloseWorkspace', workspaceId } as const;
    const { access } = await settle(ports, request, { operationId: 'closeWorkspace', command });
    return { status: 200, body: registered(access, workspaceId) };
  };

/** The tenant as the ledger has it. */
export const getTenant =
  (ports: AccessPorts): Operation =>
  async (request) => ({ status: 200, body: tenantOf(request, await accessOf(ports, request)) });

/** Sets which workspaces there are. */
export const configureTenant =
  (ports: AccessPorts): Operation =>
  async (request) => {
    const { workspacePolicy } = parseBody(ConfigureTenantRequest, request.body);
    const command = { type: 'ConfigureTenant', workspacePolicy } as const;
    const { access } = await settle(ports, request, { operationId: 'configureTenant', command });
    return { status: 200, body: tenantOf(request, access) };
  };

const workspaceOf = ({ path }: ApiRequest): WorkspaceId => {
  const workspaceId = WorkspaceId.safeParse(path['workspaceId']);
  if (!workspaceId.success)
    throw new ApiError('invalid_request', 'a workspace is named with 1 to 63 characters of a-z, 0-9 and -');
  return workspaceId.data;
};

const registered = ({ workspaces }: Access, workspaceId: WorkspaceId): WorkspaceView => {
  const workspace = workspaces.get(workspaceId);
  if (!workspace) throw new Error(`the registered workspace ${workspaceId} left no state`);
  return viewOf([workspaceId, workspace]);
};

const viewOf = ([workspaceId, workspace]: readonly [WorkspaceId, Workspace]): WorkspaceView => {
  const { displayName, closed, atMs, by } = workspace;
  return {
    workspaceId,
    ...(displayName === undefined ? {} : { displayName }),
    status: closed ? 'closed' : 'open',
    registeredAt: instant(atMs),
    registeredBy: by,
    ...(closed ? { closedAt: instant(closed.atMs), closedBy: closed.by } : {}),
  };
};

const tenantOf = (
  request: ApiRequest,
  { workspacePolicy, keys, grants, workspaces }: Access,
): z.infer<typeof TenantView> => ({
  tenantId: tenantCallerOf(request).tenantId,
  workspacePolicy,
  apiKeyCount: keys.size,
  roleGrantCount: grants.size,
  workspaceCount: workspaces.size,
});
