/** What the access routes answer. */
import * as z from 'zod';
import { RoleScope, WorkspacePolicy } from '#contracts/access/words.ts';
import { ApiKeyId, RoleGrantId, TenantId, WorkspaceId } from '#contracts/ids.ts';
import { Role } from '#contracts/roles.ts';

const instant = z.iso.datetime();
const nextCursor = z.string().optional();

/** An API key without its secret. */
export const ApiKeyView = z.strictObject({
  keyId: ApiKeyId,
  name: z.string(),
  role: Role,
  workspaces: z.array(RoleScope),
  createdAt: instant,
  createdBy: z.string(),
  /** From then on it is refused with `token_expired`. */
  expiresAt: instant.optional(),
});
export type ApiKeyView = z.infer<typeof ApiKeyView>;

/** Answer of `POST /v1/api-keys`. */
export const CreatedApiKey = z.strictObject({
  apiKey: ApiKeyView,
  /** The bearer to send. It is shown this once; a repeat of the request answers without it. */
  secret: z.string().optional(),
});

/** Answer of `DELETE /v1/api-keys/{keyId}`. */
export const RevokedApiKey = z.strictObject({ keyId: ApiKeyId, status: z.literal('revoked') });

/** Answer of `GET /v1/api-keys`. */
export const ApiKeyPage = z.strictObject({ apiKeys: z.array(ApiKeyView), nextCursor });

/** One role of one person in one workspace or in all. */
export const RoleGrantView = z.strictObject({
  grantId: RoleGrantId,
  subject: z.string(),
  workspaceId: RoleScope,
  role: Role,
  grantedAt: instant,
  grantedBy: z.string(),
});
export type RoleGrantView = z.infer<typeof RoleGrantView>;

/** Answer of `DELETE /v1/role-grants/{grantId}`. */
export const RevokedRole = z.strictObject({ grantId: RoleGrantId, status: z.literal('revoked') });

/** Answer of `GET /v1/role-grants`. */
export const RoleGrantPage = z.strictObject({ roleGrants: z.array(RoleGrantView), nextCursor });

/** A registered workspace. */
export const WorkspaceView = z.strictObject({
  workspaceId: WorkspaceId,
  displayName: z.string().optional(),
  status: z.enum(['open', 'closed']),
  registeredAt: instant,
  registeredBy: z.string(),
  closedAt: instant.optional(),
  closedBy: z.string().optional(),
});
export type WorkspaceView = z.infer<typeof WorkspaceView>;

/** Answer of `GET /v1/workspaces`. */
export const WorkspacePage = z.strictObject({ workspaces: z.array(WorkspaceView), nextCursor });

/** Answer of `GET` and `PUT /v1/tenant`. */
export const TenantView = z.strictObject({
  tenantId: TenantId,
  workspacePolicy: WorkspacePolicy,
  apiKeyCount: z.int().min(0),
  roleGrantCount: z.int().min(0),
  workspaceCount: z.int().min(0),
});
