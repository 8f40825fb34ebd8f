/** What a caller holds where: the roles of their token, those granted to them, or those of their key. */
import type { RoleScope } from '#contracts/access/words.ts';
import type { WorkspaceId } from '#contracts/ids.ts';
import { satisfiesRole } from '#contracts/roles.ts';
import type { Role } from '#contracts/roles.ts';
import type { Access } from '#domain/access/state.ts';

/** A role, and where it is held. */
export interface HeldRole {
  readonly workspaceId: RoleScope;
  readonly role: Role;
}

/** Roles granted to a person. */
export const grantedRoles = ({ grants }: Access, subject: string): readonly HeldRole[] =>
  [...grants.values()].filter((grant) => grant.subject === subject);

/** Whether anything may happen in a workspace: it was not closed and, where that is asked, it is registered. */
export const isWorkspaceOpen = (
  { workspacePolicy, workspaces }: Access,
  workspaceId: WorkspaceId,
): boolean => {
  const known = workspaces.get(workspaceId);
  return known ? known.closed === undefined : workspacePolicy === 'open';
};

/** What somebody may do at one place. `foreign`: they hold no role there, and it is not for them to know of it. */
export type Standing = 'foreign' | 'insufficient' | 'sufficient';

/** The standing in a workspace, or in the tenant as a whole (`*`), towards what needs a role. */
export const standingOf = (held: readonly HeldRole[], place: RoleScope, required: Role): Standing => {
  const here = held.filter(({ workspaceId }) => workspaceId === '*' || workspaceId === place);
  if (here.length === 0) return 'foreign';
  return here.some(({ role }) => satisfiesRole(role, required)) ? 'sufficient' : 'insufficient';
};
