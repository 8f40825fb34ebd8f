/** Facts of the stream `access#tenant`: who may do what in the workspaces of a tenant. */
import * as z from 'zod';
import { Instant, RoleScope, Subject, WorkspacePolicy } from '#contracts/access/words.ts';
import { ApiKeyId, RoleGrantId, WorkspaceId } from '#contracts/ids.ts';
import { Role } from '#contracts/roles.ts';

const event = <Type extends string, Data extends z.ZodRawShape>(type: Type, data: Data) =>
  z.strictObject({
    type: z.literal(type),
    idempotencyKey: z.string(),
    data: z.strictObject(data).readonly(),
  });

/** The shapes of every fact; the secret of a key is in none of them. */
export const AccessEvent = z.discriminatedUnion('type', [
  event('ApiKeyCreated', {
    keyId: ApiKeyId,
    name: z.string(),
    role: Role,
    workspaces: z.array(RoleScope),
    /** SHA-256 of the secret, in hex. */
    secretHash: z.string(),
    expiresAtMs: Instant.optional(),
  }),
  event('ApiKeyRevoked', { keyId: ApiKeyId }),
  event('RoleGranted', { grantId: RoleGrantId, subject: Subject, workspaceId: RoleScope, role: Role }),
  event('RoleRevoked', { grantId: RoleGrantId }),
  event('WorkspaceRegistered', { workspaceId: WorkspaceId, displayName: z.string().optional() }),
  event('WorkspaceClosed', { workspaceId: WorkspaceId }),
  event('TenantConfigured', { workspacePolicy: WorkspacePolicy }),
]);
export type AccessEvent = Readonly<z.infer<typeof AccessEvent>>;
