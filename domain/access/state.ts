/** What is in force in one tenant: its API keys, granted roles and registered workspaces. */
import type { RoleScope, WorkspacePolicy } from '#contracts/access/words.ts';
import type { ApiKeyId, RoleGrantId, WorkspaceId } from '#contracts/ids.ts';
import type { Role } from '#contracts/roles.ts';

/** Who made it, and when. */
export interface Made {
  readonly atMs: number;
  readonly by: string;
}

/** A key that was not revoked. */
export interface ApiKey extends Made {
  readonly name: string;
  readonly role: Role;
  readonly workspaces: readonly RoleScope[];
  readonly secretHash: string;
  readonly expiresAtMs?: number;
}

/** A role somebody holds beside those of their token. */
export interface RoleGrant extends Made {
  readonly subject: string;
  readonly workspaceId: RoleScope;
  readonly role: Role;
}

/** A registered workspace. */
export interface Workspace extends Made {
  readonly displayName?: string;
  /** Present while it is closed. */
  readonly closed?: Made;
}

/** What is in force in one tenant. */
export interface Access {
  workspacePolicy: WorkspacePolicy;
  readonly keys: Map<ApiKeyId, ApiKey>;
  readonly grants: Map<RoleGrantId, RoleGrant>;
  readonly workspaces: Map<WorkspaceId, Workspace>;
}
