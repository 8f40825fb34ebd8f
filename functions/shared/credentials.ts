/**
 * What a bearer is worth: a token of the issuer, with the roles granted to its subject beside those it claims, or an
 * API key. Either costs one read of the tenant's access, which is kept for a while; a key that is unknown costs another.
 */
import type { TenantId } from '#contracts/ids.ts';
import type { Verification as TokenVerification } from '#adapters/tokens/access-token.ts';
import { isApiKeyText, isSameHash, readApiKey } from '#adapters/tokens/api-key.ts';
import { accessAggregate, accessStream } from '#domain/access/access.ts';
import { grantedRoles } from '#domain/access/standing.ts';
import type { Access } from '#domain/access/state.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { Verification, Verify } from '#functions/shared/admission.ts';
import { loadStream } from '#functions/shared/load.ts';

export interface CredentialPorts {
  readonly ledger: LedgerReader;
  readonly verifyToken: (token: string) => Promise<TokenVerification>;
  readonly nowMs: () => number;
  /** How long a tenant's access is kept once it was read; 0 reads it for each request. */
  readonly keptMs: number;
}

/** Verifies bearers of both kinds. */
export const credentialVerifier = (ports: CredentialPorts): Verify => {
  const kept = keptAccess(ports);
  return (bearer) =>
    isApiKeyText(bearer) ? verifyKey(ports, kept, bearer) : verifyToken(ports, kept, bearer);
};

interface KeptAccess {
  /** What was read less than `keptMs` ago, or a fresh read; requests that come together share one. */
  readonly of: (tenantId: TenantId) => Promise<Access>;
  /** What is in force now. */
  readonly read: (tenantId: TenantId) => Promise<Access>;
}

const verifyToken = async (ports: CredentialPorts, kept: KeptAccess, text: string): Promise<Verification> => {
  const verified = await ports.verifyToken(text);
  if (verified.kind !== 'valid') return verified;
  const { userId, tenantId, held } = verified.bearer;
  const access = await kept.of(tenantId);
  const all = [...held, ...grantedRoles(access, userId)];
  return { kind: 'valid', access, principal: { kind: 'user', userId, tenantId, held: all } };
};

const verifyKey = async (
  { nowMs }: CredentialPorts,
  kept: KeptAccess,
  text: string,
): Promise<Verification> => {
  const shown = readApiKey(text);
  if (!shown) return { kind: 'invalid' };
  const { tenantId, keyId, secretHash } = shown;
  let access = await kept.of(tenantId);
  // A key that is not known yet may be new, and works at once.
  if (!access.keys.has(keyId)) access = await kept.read(tenantId);
  const key = access.keys.get(keyId);
  if (!key || !isSameHash(key.secretHash, secretHash)) return { kind: 'invalid' };
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= nowMs()) return { kind: 'expired' };
  const held = key.workspaces.map((workspaceId) => ({ workspaceId, role: key.role }));
  return { kind: 'valid', access, principal: { kind: 'api-key', userId: keyId, tenantId, held } };
};

const TENANTS_MAX = 100;

const keptAccess = ({ ledger, nowMs, keptMs }: CredentialPorts): KeptAccess => {
  const kept = new Map<string, { readonly untilMs: number; readonly access: Promise<Access> }>();
  const read: KeptAccess['read'] = (tenantId) => {
    kept.delete(tenantId);
    const [oldest] = kept.keys();
    if (kept.size >= TENANTS_MAX && oldest !== undefined) kept.delete(oldest);
    const access = loadStream(ledger, accessAggregate, accessStream(tenantId)).then(({ state }) => state);
    const entry = { untilMs: nowMs() + keptMs, access };
    kept.set(tenantId, entry);
    // A read that failed is not kept.
    access.catch(() => {
      if (kept.get(tenantId) === entry) kept.delete(tenantId);
    });
    return access;
  };
  const of: KeptAccess['of'] = (tenantId) => {
    const known = kept.get(tenantId);
    return known && nowMs() < known.untilMs ? known.access : read(tenantId);
  };
  return { of, read };
};
