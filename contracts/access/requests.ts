/** What the access routes take. */
import * as z from 'zod';
import { DisplayName, RoleScope, Subject, WorkspacePolicy } from '#contracts/access/words.ts';
import { Role } from '#contracts/roles.ts';

/** Workspaces one key may name. */
const KEY_WORKSPACES_MAX = 20;

/** Body of `POST /v1/api-keys`. */
export const CreateApiKeyRequest = z.strictObject({
  name: DisplayName,
  role: Role,
  /** Where it is good; `["*"]` for every workspace, now and later. */
  workspaces: z.array(RoleScope).min(1).max(KEY_WORKSPACES_MAX),
  /** When it ends by itself; it never does when absent. */
  expiresAt: z.iso.datetime({ offset: true }).optional(),
});
export type CreateApiKeyRequest = z.infer<typeof CreateApiKeyRequest>;

/** Body of `POST /v1/role-grants`. */
export const GrantRoleRequest = z.strictObject({ subject: Subject, workspaceId: RoleScope, role: Role });
export type GrantRoleRequest = z.infer<typeof GrantRoleRequest>;

/** Body of `PUT /v1/workspaces/{workspaceId}`. */
export const RegisterWorkspaceRequest = z.strictObject({ displayName: DisplayName.optional() });

/** Body of `PUT /v1/tenant`. */
export const ConfigureTenantRequest = z.strictObject({ workspacePolicy: WorkspacePolicy });
