/**
 * The text of an API key, `slk_<tenant>_<key id>_<secret>`: it names the tenant and the key, so that one read finds
 * what is to be compared. The secret has 256 random bits, so its plain hash cannot be guessed back.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { ApiKeyId, TenantId } from '#contracts/ids.ts';

const SECRET_BYTES = 32;
const FORM = /^slk_([a-z][a-z0-9-]{0,62})_([0-9A-HJKMNP-TV-Z]{26})_([A-Za-z0-9_-]{43})$/;

/** What a text shows that has the form of a key. */
export interface ShownApiKey {
  readonly tenantId: TenantId;
  readonly keyId: ApiKeyId;
  readonly secretHash: string;
}

/** Whether a bearer is meant to be an API key. */
export const isApiKeyText = (bearer: string): boolean => bearer.startsWith('slk_');

/** A new key's text, to be shown once, and the hash to keep. */
export const mintApiKey = (
  tenantId: TenantId,
  keyId: ApiKeyId,
): { readonly text: string; readonly secretHash: string } => {
  const secret = randomBytes(SECRET_BYTES).toString('base64url');
  return { text: `slk_${tenantId}_${keyId.slice('key_'.length)}_${secret}`, secretHash: hashOf(secret) };
};

/** The parts of a key's text; undefined for a text that is none. */
export const readApiKey = (bearer: string): ShownApiKey | undefined => {
  const [, tenant, key, secret] = FORM.exec(bearer) ?? [];
  if (tenant === undefined || secret === undefined) return undefined;
  return {
    tenantId: TenantId.parse(tenant),
    keyId: ApiKeyId.parse(`key_${key}`),
    secretHash: hashOf(secret),
  };
};

/** Compares two hashes in a time that tells nothing of where they differ. */
export const isSameHash = (one: string, other: string): boolean => {
  const [left, right] = [Buffer.from(one), Buffer.from(other)];
  return left.length === right.length && timingSafeEqual(left, right);
};

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
