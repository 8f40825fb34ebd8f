/**
 * Who is let in: a credential, a role at the place the route reaches, and a workspace that is open. There is no way
 * around it but for routes the table calls public, and callbacks, whose task token their operation verifies.
 */
import { WorkspaceId } from '#contracts/ids.ts';
import type { TenantId } from '#contracts/ids.ts';
import type { Role } from '#contracts/roles.ts';
import type { Route } from '#contracts/routes.ts';
import { isWorkspaceOpen, standingOf } from '#domain/access/standing.ts';
import type { HeldRole } from '#domain/access/standing.ts';
import type { Access } from '#domain/access/state.ts';
import { ApiError } from '#functions/shared/api-error.ts';

/** Who calls: a person by the subject of their token, or an API key by its id. */
export interface Principal {
  readonly kind: 'user' | 'api-key';
  readonly userId: string;
  readonly tenantId: TenantId;
  readonly held: readonly HeldRole[];
}

/** What a bearer turned out to be; `access` is what is in force in the principal's tenant. */
export type Verification =
  | { readonly kind: 'valid'; readonly principal: Principal; readonly access: Access }
  | { readonly kind: 'expired' }
  | { readonly kind: 'invalid' };

export type Verify = (bearer: string) => Promise<Verification>;

/** A caller who is who they say. */
export type Known = Extract<Verification, { readonly kind: 'valid' }>;

/** Who shows the bearer, or undefined where the route asks for no principal; refuses nobody and anybody else. */
export const authenticate = async (
  verify: Verify | undefined,
  route: Route,
  bearer: string | undefined,
): Promise<Known | undefined> => {
  if (route.access === 'public') return undefined;
  if (bearer === undefined)
    throw new ApiError('missing_token', 'this route needs a credential; send Authorization: Bearer TOKEN');
  if (route.access === 'task-token') return undefined;
  if (!verify) throw new Error(`route ${route.operationId} has no verifier`);
  const verified = await verify(bearer);
  if (verified.kind === 'expired')
    throw new ApiError('token_expired', 'the token has expired; obtain a new one');
  if (verified.kind === 'invalid')
    throw new ApiError('invalid_token', 'the token is malformed, revoked, or not from the configured issuer');
  return verified;
};

/** Refuses a caller who may not do this at this place. */
export const authorise = (known: Known, { access, reach }: Route, workspaceId: string | undefined): void => {
  if (access === 'public' || access === 'task-token') return;
  if (reach === 'tenant') checkTenantRole(known.principal, access);
  else checkWorkspaceRole(known, access, workspaceId);
};

const checkTenantRole = ({ held }: Principal, requiredRole: Role): void => {
  if (standingOf(held, '*', requiredRole) === 'sufficient') return;
  const message = `this needs the role ${requiredRole} in every workspace of the tenant`;
  throw new ApiError('forbidden', message, { details: { requiredRole, workspaceId: '*' } });
};

/** A workspace that is foreign, closed or impossible is answered as if it did not exist. */
const checkWorkspaceRole = (
  { principal, access }: Known,
  requiredRole: Role,
  place: string | undefined,
): void => {
  const workspaceId = WorkspaceId.safeParse(place);
  const standing = workspaceId.success
    ? standingOf(principal.held, workspaceId.data, requiredRole)
    : 'foreign';
  if (!workspaceId.success || standing === 'foreign' || !isWorkspaceOpen(access, workspaceId.data))
    throw new ApiError('not_found', 'there is no such resource in this workspace');
  if (standing === 'insufficient')
    throw new ApiError('forbidden', `no role held here may do this; it needs ${requiredRole}`, {
      details: { requiredRole },
    });
};
