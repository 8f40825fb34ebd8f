/** Who may do what (docs/guide/design.md §8): every role reads, and each adds its own duty; `admin` does all. */
import * as z from 'zod';

/** A role as it stands in the `role` claim of a token. */
export const Role = z.enum(['viewer', 'operator', 'approver', 'developer', 'admin']);
export type Role = z.infer<typeof Role>;

/**
 * The roles each role includes, itself among them. A developer may also operate what was deployed; deciding
 * approvals belongs to approvers and admins alone, so that nobody decides over work by having deployed it.
 */
export const includedRoles: Readonly<Record<Role, readonly Role[]>> = {
  viewer: ['viewer'],
  operator: ['viewer', 'operator'],
  approver: ['viewer', 'approver'],
  developer: ['viewer', 'operator', 'developer'],
  admin: ['viewer', 'operator', 'approver', 'developer', 'admin'],
};

/** Whether a holder of `held` may use what asks for `required`. */
export const satisfiesRole = (held: Role, required: Role): boolean => includedRoles[held].includes(required);

/** The claims of a token that say for whom its holder acts, and as what. */
export const principalClaims = ['tenant_id', 'workspace_id', 'role'] as const;
export type PrincipalClaim = (typeof principalClaims)[number];

/** A claim as Cognito spells it: attributes that are no standard ones carry a prefix in its ID tokens. */
export const cognitoClaim = <Claim extends PrincipalClaim>(claim: Claim): `custom:${Claim}` =>
  `custom:${claim}`;
