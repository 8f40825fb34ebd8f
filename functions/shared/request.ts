/** Who calls and how the command it causes is identified. */
import { randomUUID } from 'node:crypto';
import type { Actor } from '#contracts/event.ts';
import type { TenantId, WorkspaceId } from '#contracts/ids.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import type { ApiRequest } from '#functions/shared/http.ts';

/** What a command needs besides its stream and content. */
export interface CommandIdentity {
  readonly commandId: string;
  readonly requestHash?: string;
  readonly actor: Actor;
  readonly correlationId: string;
}

export interface Caller {
  readonly tenantId: TenantId;
  readonly workspaceId: WorkspaceId;
  readonly userId: string;
  /** The command id is the caller's Idempotency-Key, scoped to the operation, or fresh without one. */
  readonly commandIdentity: (operationId: string) => CommandIdentity;
}

const WORKSPACE = /^[a-z][a-z0-9-]{0,62}$/;

/** The caller of a workspace route. */
export const callerOf = ({ principal, path, idempotencyKey, requestId, body }: ApiRequest): Caller => {
  const workspaceId = path['workspaceId'] ?? '';
  if (!principal) throw new Error('a workspace route was served without a principal');
  if (!WORKSPACE.test(workspaceId)) throw new ApiError('not_found', 'there is no such workspace');
  return {
    tenantId: principal.tenantId as TenantId,
    workspaceId: workspaceId as WorkspaceId,
    userId: principal.userId,
    commandIdentity: (operationId) => ({
      actor: { kind: 'user', id: principal.userId },
      correlationId: requestId,
      ...(idempotencyKey === undefined
        ? { commandId: randomUUID() }
        : {
            commandId: `key:${sha256Hex(`${principal.tenantId}/${workspaceId}/${operationId}/${idempotencyKey}`).slice(0, 32)}`,
            requestHash: sha256Hex(canonicalJson(body ?? null)).slice(0, 32),
          }),
    }),
  };
};
