/** The rules of a tenant's access: what may be created, how much of it, and what can be taken back. */
import type { AccessEvent } from '#contracts/access/access-events.ts';
import type { RoleScope, WorkspacePolicy } from '#contracts/access/words.ts';
import type { ApiKeyId, RoleGrantId, WorkspaceId } from '#contracts/ids.ts';
import { RoleGrantId as RoleGrantIdShape } from '#contracts/ids.ts';
import type { Role } from '#contracts/roles.ts';
import type { Access } from '#domain/access/state.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import { sha256Base32 } from '#domain/kernel/hash.ts';

/** How much of each a tenant may have at once. */
export const accessLimits = { apiKeysMax: 200, roleGrantsMax: 500, workspacesMax: 200 } as const;

export type AccessCommand =
  | {
      readonly type: 'CreateApiKey';
      readonly keyId: ApiKeyId;
      readonly name: string;
      readonly role: Role;
      readonly workspaces: readonly RoleScope[];
      readonly secretHash: string;
      readonly expiresAtMs?: number;
    }
  | { readonly type: 'RevokeApiKey'; readonly keyId: ApiKeyId }
  | {
      readonly type: 'GrantRole';
      readonly subject: string;
      readonly workspaceId: RoleScope;
      readonly role: Role;
    }
  | { readonly type: 'RevokeRole'; readonly grantId: RoleGrantId }
  | { readonly type: 'RegisterWorkspace'; readonly workspaceId: WorkspaceId; readonly displayName?: string }
  | { readonly type: 'CloseWorkspace'; readonly workspaceId: WorkspaceId }
  | { readonly type: 'ConfigureTenant'; readonly workspacePolicy: WorkspacePolicy }
  /** Does nothing: access waits for nothing, but every aggregate can be swept. */
  | { readonly type: 'SweepAccess' };

type Command<Type extends AccessCommand['type']> = Extract<AccessCommand, { readonly type: Type }>;
type Verdict = Decision<AccessEvent, Rejection>;

/** The same role of the same person in the same place has one id, so that granting it twice is granting it once. */
export const roleGrantId = ({
  subject,
  workspaceId,
  role,
}: Pick<Command<'GrantRole'>, 'subject' | 'workspaceId' | 'role'>): RoleGrantId =>
  RoleGrantIdShape.parse(`grant_${sha256Base32(JSON.stringify([subject, workspaceId, role]))}`);

/** Decides one command on what is in force. */
export const decide = (
  command: AccessCommand,
  access: Access,
  { nowMs }: { readonly nowMs: number },
): Verdict => {
  switch (command.type) {
    case 'CreateApiKey':
      return createApiKey(command, access, nowMs);
    case 'RevokeApiKey':
      return revokeApiKey(command, access);
    case 'GrantRole':
      return grantRole(command, access, nowMs);
    case 'RevokeRole':
      return revokeRole(command, access, nowMs);
    case 'RegisterWorkspace':
      return registerWorkspace(command, access, nowMs);
    case 'CloseWorkspace':
      return closeWorkspace(command, access, nowMs);
    case 'ConfigureTenant':
      return configureTenant(command, access, nowMs);
    case 'SweepAccess':
      return accept();
  }
};

const createApiKey = (
  { type: _type, workspaces, ...key }: Command<'CreateApiKey'>,
  { keys }: Access,
  nowMs: number,
): Verdict => {
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= nowMs)
    return reject({ code: 'invalid_request', message: 'expiresAt has passed; choose a later instant' });
  if (keys.size >= accessLimits.apiKeysMax) return full('API keys', accessLimits.apiKeysMax);
  return accept({
    type: 'ApiKeyCreated',
    idempotencyKey: `api-key:${key.keyId}`,
    data: { ...key, workspaces: [...new Set(workspaces)] },
  });
};

const revokeApiKey = ({ keyId }: Command<'RevokeApiKey'>, { keys }: Access): Verdict =>
  keys.has(keyId)
    ? accept({ type: 'ApiKeyRevoked', idempotencyKey: `api-key-revoked:${keyId}`, data: { keyId } })
    : reject({ code: 'api_key_not_found', message: `there is no API key ${keyId}, or it was revoked` });

const grantRole = (
  { subject, workspaceId, role }: Command<'GrantRole'>,
  { grants }: Access,
  nowMs: number,
): Verdict => {
  const grantId = roleGrantId({ subject, workspaceId, role });
  if (grants.has(grantId)) return accept();
  if (grants.size >= accessLimits.roleGrantsMax) return full('role grants', accessLimits.roleGrantsMax);
  return accept({
    type: 'RoleGranted',
    idempotencyKey: `role:${grantId}:${nowMs}`,
    data: { grantId, subject, workspaceId, role },
  });
};

const revokeRole = ({ grantId }: Command<'RevokeRole'>, { grants }: Access, nowMs: number): Verdict =>
  grants.has(grantId)
    ? accept({ type: 'RoleRevoked', idempotencyKey: `role-revoked:${grantId}:${nowMs}`, data: { grantId } })
    : reject({
        code: 'role_grant_not_found',
        message: `there is no role grant ${grantId}, or it was revoked`,
      });

const registerWorkspace = (
  { workspaceId, displayName }: Command<'RegisterWorkspace'>,
  { workspaces }: Access,
  nowMs: number,
): Verdict => {
  const known = workspaces.get(workspaceId);
  if (known && !known.closed && known.displayName === displayName) return accept();
  if (!known && workspaces.size >= accessLimits.workspacesMax)
    return full('workspaces', accessLimits.workspacesMax);
  return accept({
    type: 'WorkspaceRegistered',
    idempotencyKey: `workspace:${workspaceId}:${nowMs}`,
    data: { workspaceId, ...(displayName === undefined ? {} : { displayName }) },
  });
};

const closeWorkspace = (
  { workspaceId }: Command<'CloseWorkspace'>,
  { workspaces }: Access,
  nowMs: number,
): Verdict => {
  const known = workspaces.get(workspaceId);
  if (!known)
    return reject({
      code: 'workspace_not_found',
      message: `no workspace ${workspaceId} is registered; register it to close it`,
    });
  if (known.closed) return accept();
  return accept({
    type: 'WorkspaceClosed',
    idempotencyKey: `workspace-closed:${workspaceId}:${nowMs}`,
    data: { workspaceId },
  });
};

const configureTenant = (
  { workspacePolicy }: Command<'ConfigureTenant'>,
  access: Access,
  nowMs: number,
): Verdict =>
  access.workspacePolicy === workspacePolicy
    ? accept()
    : accept({
        type: 'TenantConfigured',
        idempotencyKey: `tenant:${workspacePolicy}:${nowMs}`,
        data: { workspacePolicy },
      });

const full = (what: string, limit: number): Verdict =>
  reject({
    code: 'access_limit_reached',
    message: `the tenant has ${limit} ${what}, which is as many as it may; take one back first`,
    details: { limit },
  });
