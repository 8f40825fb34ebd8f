/** Verifies bearer tokens of the configured OIDC issuer: signature, issuer, audience, times and our claims. */
import { createRemoteJWKSet, customFetch, errors, jwtVerify } from 'jose';
import * as z from 'zod';
import { Role } from '#contracts/roles.ts';

/** Who calls, for which tenant and workspace, with which role. */
export interface Principal {
  readonly userId: string;
  readonly tenantId: string;
  /** A workspace, or `*` for every workspace of the tenant. */
  readonly workspaceId: string;
  readonly role: Role;
}

export interface AccessTokenSetting {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  readonly nowMs: () => number;
  readonly fetch?: typeof fetch;
}

export type Verification =
  | { readonly kind: 'valid'; readonly principal: Principal }
  | { readonly kind: 'expired' }
  | { readonly kind: 'invalid' };

const Claims = z.object({
  sub: z.string().min(1),
  tenant_id: z.string().min(1),
  workspace_id: z.string().min(1),
  role: Role,
});

const ALGORITHMS = ['ES256', 'RS256'];
const LEEWAY_S = 60;

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
      const claims = Claims.safeParse(payload);
      if (!claims.success) return { kind: 'invalid' };
      const { sub, tenant_id, workspace_id, role } = claims.data;
      return {
        kind: 'valid',
        principal: { userId: sub, tenantId: tenant_id, workspaceId: workspace_id, role },
      };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { kind: 'expired' };
      if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout))
        return { kind: 'invalid' };
      throw error;
    }
  };
};
