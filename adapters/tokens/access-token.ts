/**
 * Verifies bearer tokens of the configured OIDC issuer: signature, issuer, audience, times and our claims. From
 * Cognito it takes ID tokens, the only ones there that name an audience and carry our claims.
 */
import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import * as z from 'zod';
import { RoleScope } from '#contracts/access/words.ts';
import { TenantId } from '#contracts/ids.ts';
import { cognitoClaim, principalClaims, Role } from '#contracts/roles.ts';
import type { HeldRole } from '#domain/access/standing.ts';

/** Whom a token names, and which role it says they hold. */
export interface TokenBearer {
  readonly userId: string;
  readonly tenantId: TenantId;
  /** One role in one workspace or in all, or none: then granted roles are all the person has. */
  readonly held: readonly HeldRole[];
}

export interface AccessTokenSetting {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  readonly nowMs: () => number;
  readonly fetch?: typeof fetch;
}

export type Verification =
  | { readonly kind: 'valid'; readonly bearer: TokenBearer }
  | { readonly kind: 'expired' }
  | { readonly kind: 'invalid' };

/** The issuer's keys could not be read: nothing can be said about the token. */
export class IssuerUnavailableError extends Error {
  readonly code = 'unavailable';
  constructor(cause: unknown) {
    super('the token issuer does not answer; retry after a moment', { cause });
    this.name = 'IssuerUnavailableError';
  }
}

const Claims = z.object({
  sub: z.string().min(1).max(256),
  tenant_id: TenantId,
  workspace_id: RoleScope.optional(),
  role: Role.optional(),
});

/** Our claims by their plain names; one that stands there plainly is the one that counts. */
const plainClaims = (payload: JWTPayload): JWTPayload => ({
  ...payload,
  ...Object.fromEntries(
    principalClaims.map((claim) => [claim, payload[claim] ?? payload[cognitoClaim(claim)]]),
  ),
});

/** A role says nothing without its place, nor a place without a role: whoever has one of them was meant to have both. */
const heldBy = ({ workspace_id, role }: z.infer<typeof Claims>): readonly HeldRole[] | undefined => {
  if (workspace_id === undefined && role === undefined) return [];
  return workspace_id === undefined || role === undefined ? undefined : [{ workspaceId: workspace_id, role }];
};

const ALGORITHMS = ['ES256', 'RS256'];
const LEEWAY_S = 60;

/** What is wrong with a token, as against what is wrong with the issuer's keys. */
const FAULTS_OF_TOKENS: ReadonlySet<string> = new Set([
  errors.JWTInvalid.code,
  errors.JWTClaimValidationFailed.code,
  errors.JWSInvalid.code,
  errors.JWSSignatureVerificationFailed.code,
  errors.JWKSNoMatchingKey.code,
  errors.JWKSMultipleMatchingKeys.code,
  errors.JOSEAlgNotAllowed.code,
  errors.JOSENotSupported.code,
]);

/** A verifier that fetches the issuer's keys once and again when an unknown key id turns up. */
export const accessTokenVerifier = (
  setting: AccessTokenSetting,
): ((token: string) => Promise<Verification>) => {
  const keys = createRemoteJWKSet(new URL(setting.jwksUrl), {
    ...(setting.fetch ? { [customFetch]: setting.fetch } : {}),
  });
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer: setting.issuer,
        audience: setting.audience,
        algorithms: ALGORITHMS,
        clockTolerance: LEEWAY_S,
        currentDate: new Date(setting.nowMs()),
      });
      const claims = Claims.safeParse(plainClaims(payload));
      if (!claims.success) return { kind: 'invalid' };
      const held = heldBy(claims.data);
      if (!held) return { kind: 'invalid' };
      const { sub, tenant_id } = claims.data;
      return { kind: 'valid', bearer: { userId: sub, tenantId: tenant_id, held } };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { kind: 'expired' };
      if (error instanceof errors.JOSEError && FAULTS_OF_TOKENS.has(error.code)) return { kind: 'invalid' };
      throw new IssuerUnavailableError(error);
    }
  };
};
