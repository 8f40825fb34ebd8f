/** Granting, listing and revoking roles. */
import type { RoleGrantView } from '#contracts/access/answers.ts';
import { GrantRoleRequest } from '#contracts/access/requests.ts';
import { RoleGrantId } from '#contracts/ids.ts';
import { roleGrantId } from '#domain/access/decide.ts';
import type { RoleGrant } from '#domain/access/state.ts';
import { accessOf, instant, pageOf, settle } from '#functions/api-access/access-ports.ts';
import type { AccessPorts } from '#functions/api-access/access-ports.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { Operation } from '#functions/shared/http.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';

/** Grants a role: 201, or 200 when the person has it there already. */
export const grantRole =
  (ports: AccessPorts): Operation =>
  async (request) => {
    refuseSecrets(request.body);
    const wish = parseBody(GrantRoleRequest, request.body);
    const command = { type: 'GrantRole', ...wish } as const;
    const { access, events, isRepeat } = await settle(ports, request, { operationId: 'grantRole', command });
    const grantId = roleGrantId(wish);
    const grant = access.grants.get(grantId);
    if (!grant) throw grantNotFound(grantId);
    const isNew = events.length > 0 && !isRepeat;
    return { status: isNew ? 201 : 200, body: viewOf([grantId, grant]) };
  };

/** One page of the grants in force. */
export const listRoleGrants =
  (ports: AccessPorts): Operation =>
  async (request) => {
    const { page, ...cursor } = pageOf(request, 'role-grants', (await accessOf(ports, request)).grants);
    return { status: 200, body: { roleGrants: page.map(viewOf), ...cursor } };
  };

/** Takes a granted role away: 200, or 404 when there is no such grant. */
export const revokeRole =
  (ports: AccessPorts): Operation =>
  async (request) => {
    const grantId = RoleGrantId.safeParse(request.path['grantId']);
    if (!grantId.success) throw grantNotFound(String(request.path['grantId']));
    const command = { type: 'RevokeRole', grantId: grantId.data } as const;
    await settle(ports, request, { operationId: 'revokeRole', command });
    return { status: 200, body: { grantId: grantId.data, status: 'revoked' } };
  };

const grantNotFound = (grantId: string): ApiError =>
  new ApiError('role_grant_not_found', `there is no role grant ${grantId}, or it was revoked`);

const viewOf = ([grantId, grant]: readonly [RoleGrantId, RoleGrant]): RoleGrantView => ({
  grantId,
  subject: grant.subject,
  workspaceId: grant.workspaceId,
  role: grant.role,
  grantedAt: instant(grant.atMs),
  grantedBy: grant.by,
});
