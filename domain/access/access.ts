/**
 * Who may do what in the workspaces of a tenant, beside what the token issuer says (ADR 0014): API keys, granted roles
 * and registered workspaces. One stream `access#tenant`, small enough that every function folds the whole of it.
 */
import type { AccessEvent } from '#contracts/access/access-events.ts';
import type { WorkspacePolicy } from '#contracts/access/words.ts';
import type { RecordedEvent } from '#contracts/event.ts';
import type { ApiKeyId, RoleGrantId, WorkspaceId } from '#contracts/ids.ts';
import { decide } from '#domain/access/decide.ts';
import type { AccessCommand } from '#domain/access/decide.ts';
import type { Access, ApiKey, Made, RoleGrant, Workspace } from '#domain/access/state.ts';
import type { Aggregate } from '#domain/kernel/aggregate.ts';

/** The stream of a tenant's access. */
export const accessStream = (tenantId: string): string => `access#${tenantId}`;

const evolve = (access: Access, recorded: RecordedEvent): Access => {
  const event = recorded as unknown as AccessEvent;
  const made: Made = { atMs: recorded.occurredAtMs, by: recorded.actor.id };
  switch (event.type) {
    case 'ApiKeyCreated': {
      const { keyId, ...key } = event.data;
      access.keys.set(keyId, { ...key, ...made } as ApiKey);
      return access;
    }
    case 'ApiKeyRevoked':
      access.keys.delete(event.data.keyId);
      return access;
    case 'RoleGranted': {
      const { grantId, ...grant } = event.data;
      access.grants.set(grantId, { ...grant, ...made });
      return access;
    }
    case 'RoleRevoked':
      access.grants.delete(event.data.grantId);
      return access;
    case 'WorkspaceRegistered': {
      const { workspaceId, displayName } = event.data;
      const first = access.workspaces.get(workspaceId) ?? made;
      const name = displayName === undefined ? {} : { displayName };
      access.workspaces.set(workspaceId, { atMs: first.atMs, by: first.by, ...name });
      return access;
    }
    case 'WorkspaceClosed': {
      const { workspaceId } = event.data;
      const workspace = access.workspaces.get(workspaceId);
      if (workspace) access.workspaces.set(workspaceId, { ...workspace, closed: made });
      return access;
    }
    case 'TenantConfigured':
      access.workspacePolicy = event.data.workspacePolicy;
      return access;
  }
};

interface AccessText {
  readonly p: WorkspacePolicy;
  readonly k: readonly [ApiKeyId, ApiKey][];
  readonly g: readonly [RoleGrantId, RoleGrant][];
  readonly w: readonly [WorkspaceId, Workspace][];
}

/** The access of a tenant, as the command handler knows it. */
export const accessAggregate: Aggregate<Access, AccessCommand, AccessEvent> = {
  kind: 'access',
  foldVersion: 1,
  eventTypes: new Set([
    'ApiKeyCreated',
    'ApiKeyRevoked',
    'RoleGranted',
    'RoleRevoked',
    'WorkspaceRegistered',
    'WorkspaceClosed',
    'TenantConfigured',
  ]),
  initialState: () => ({
    workspacePolicy: 'open',
    keys: new Map(),
    grants: new Map(),
    workspaces: new Map(),
  }),
  decide,
  evolve,
  outstanding: () => [],
  waiting: () => [],
  sweepCommand: () => ({ type: 'SweepAccess' }),
  isTerminal: () => false,
  encodeState: ({ workspacePolicy, keys, grants, workspaces }) =>
    JSON.stringify({ p: workspacePolicy, k: [...keys], g: [...grants], w: [...workspaces] }),
  decodeState: (text) => {
    const { p, k, g, w } = JSON.parse(text) as AccessText;
    return { workspacePolicy: p, keys: new Map(k), grants: new Map(g), workspaces: new Map(w) };
  },
};
