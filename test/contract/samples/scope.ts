/** The tenant and workspace of every sample: those of a local stack. */
import { TenantId, WorkspaceId } from '#contracts/ids.ts';

export const scopeOf = { tenantId: TenantId.parse('local'), workspaceId: WorkspaceId.parse('main') } as const;
