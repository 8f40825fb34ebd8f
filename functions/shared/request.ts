/** Who calls and how the command it causes is identified. */
import { randomUUID } from 'node:crypto';
import type { Actor } from '#contracts/event.ts';
import { WorkspaceId } from '#contracts/ids.ts';
import type { TenantId } from '#contracts/ids.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import type { Principal } from '#functions/shared/admission.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import type { ApiRequest } from '#functions/shared/http.ts';

/** What a command needs besides its stream and content. */
export interface CommandIdentity {
  readonly commandId: string;
  readonly requestHash?: string;
  readonly actor: Actor;
  readonly correlationId: string;
}

/** The caller of a route of the tenant. */
export interface TenantCaller {
  readonly tenantId: TenantId;
  readonly userId: string;
  readonly actor: Actor;
  /** The command id is the caller's Idempotency-Key, scoped to the operation, or fresh without one. */
  readonly commandIdentity: (operationId: string) => CommandIdentity;
}

export interface Caller extends TenantCaller {
  readonly workspaceId: WorkspaceId;
}

/** The caller of a workspace route. */
export const callerOf = (request: ApiRequest): Caller => {
  const principal = principalOf(request);
  const workspaceId = WorkspaceId.safeParse(request.path['workspaceId']);
  if (!workspaceId.success) throw new ApiError('not_found', 'there is no such workspace');
  const place = `${principal.tenantId}/${workspaceId.data}`;
  const content = request.body ?? null;
  return { ...caller(request, principal, { place, content }), workspaceId: workspaceId.data };
};

/** The caller of a route that reaches over the whole tenant. */
export const tenantCallerOf = (request: ApiRequest): TenantCaller => {
  const principal = principalOf(request);
  // All resources of a tenant share one stream: what a repeat must be alike in is the path too.
  const content = [request.path, request.body ?? null];
  return caller(request, principal, { place: principal.tenantId, content });
};

const principalOf = ({ principal }: ApiRequest): Principal => {
  if (!principal) throw new Error('a route that needs a role was served without a principal');
  return principal;
};

const caller = (
  { idempotencyKey, requestId }: ApiRequest,
  { kind, userId, tenantId }: Principal,
  { place, content }: { readonly place: string; readonly content: unknown },
): TenantCaller => {
  const actor: Actor = { kind, id: userId };
  return {
    tenantId,
    userId,
    actor,
    commandIdentity: (operationId) => ({
      actor,
      correlationId: requestId,
      ...(idempotencyKey === undefined
        ? { commandId: randomUUID() }
        : {
            commandId: `key:${sha256Hex(`${place}/${operationId}/${idempotencyKey}`).slice(0, 32)}`,
            requestHash: sha256Hex(canonicalJson(content)).slice(0, 32),
          }),
    }),
  };
};
