/** `limit#tenant/workspace/limitId`: the stream of a limit. */
import { TenantId, WorkspaceId } from '#contracts/ids.ts';
import { LimitId } from '#contracts/runs/concurrency.ts';

export interface LimitScope {
  readonly tenantId: TenantId;
  readonly workspaceId: WorkspaceId;
  readonly limitId: LimitId;
}

/** The stream of a limit of a workspace. */
export const limitStream = ({
  tenantId,
  workspaceId,
  limitId,
}: Readonly<Record<keyof LimitScope, string>>): string => `limit#${tenantId}/${workspaceId}/${limitId}`;

/** Which limit a stream is of; throws for any other stream. */
export const limitScopeOf = (stream: string): LimitScope => {
  const [tenantId, workspaceId, limitId] = stream.slice(stream.indexOf('#') + 1).split('/');
  return {
    tenantId: TenantId.parse(tenantId),
    workspaceId: WorkspaceId.parse(workspaceId),
    limitId: LimitId.parse(limitId),
  };
};
