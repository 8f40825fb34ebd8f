/** Who calls, in tests of what lies behind the check. */
import type { RoleScope } from '#contracts/access/words.ts';
import { TenantId } from '#contracts/ids.ts';
import type { Role } from '#contracts/roles.ts';
import { accessAggregate } from '#domain/access/access.ts';
import type { Principal, Verification } from '#functions/shared/admission.ts';

/** A person with one role, an admin of every workspace of tenant `acme` unless told otherwise. */
export const person = ({
  userId = 'ada',
  tenantId = 'acme',
  workspaceId = '*',
  role = 'admin',
}: {
  readonly userId?: string;
  readonly tenantId?: string;
  readonly workspaceId?: string;
  readonly role?: Role;
} = {}): Principal => ({
  kind: 'user',
  userId,
  tenantId: TenantId.parse(tenantId),
  held: [{ workspaceId: workspaceId as RoleScope, role }],
});

/** What a verifier says of them in a tenant without keys, grants or registered workspaces. */
export const verified = (principal: Principal): Verification => ({
  kind: 'valid',
  principal,
  access: accessAggregate.initialState(),
});
