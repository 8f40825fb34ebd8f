/**
 * Attempt-scoped task tokens (asset reference, section 7.2): HS256, minted when a worker claims a task, good for
 * exactly one attempt of one task. They are handed to the worker and stored nowhere.
 */
import { errors, jwtVerify, SignJWT } from 'jose';
import { webcrypto } from 'node:crypto';
import * as z from 'zod';

const Scope = z.object({
  taskId: z.string().min(1),
  tenantId: z.string().min(1),
  workspaceId: z.string().min(1),
  runId: z.string().min(1),
  attempt: z.int().min(1),
  attemptId: z.string().min(1),
});
/** What a token is good for. */
export type TaskTokenScope = z.infer<typeof Scope>;

export interface TaskTokenSetting {
  readonly secret: () => Promise<string>;
  readonly nowMs: () => number;
  /** Life of a token; default 24 hours, the reference's maximum. */
  readonly ttlMs: number;
}

export type TaskTokenVerification =
  | { readonly kind: 'valid'; readonly scope: TaskTokenScope }
  | { readonly kind: 'expired' }
  | { readonly kind: 'invalid' };

export interface TaskTokens {
  readonly mint: (scope: TaskTokenScope) => Promise<{ readonly token: string; readonly expiresAtMs: number }>;
  readonly verify: (token: string) => Promise<TaskTokenVerification>;
}

const ISSUER = 'sluice';
const AUDIENCE = 'sluice-callbacks';
const LEEWAY_S = 60;

/** Mints and verifies with the shared secret of the stage. */
export const taskTokens = ({ secret, nowMs, ttlMs }: TaskTokenSetting): TaskTokens => {
  const key = keyOf(secret);
  return {
    mint: async (scope) => {
      const issuedAtS = Math.floor(nowMs() / 1000);
      const expiresAtS = issuedAtS + Math.floor(ttlMs / 1000);
      const token = await new SignJWT({ ...scope })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt(issuedAtS)
        .setNotBefore(issuedAtS)
        .setExpirationTime(expiresAtS)
        .sign(await key());
      return { token, expiresAtMs: expiresAtS * 1000 };
    },
    verify: async (token) => {
      const secretKey = await key();
      try {
        const { payload } = await jwtVerify(token, secretKey, {
          issuer: ISSUER,
          audience: AUDIENCE,
          algorithms: ['HS256'],
          clockTolerance: LEEWAY_S,
          currentDate: new Date(nowMs()),
        });
        const scope = Scope.safeParse(payload);
        return scope.success ? { kind: 'valid', scope: scope.data } : { kind: 'invalid' };
      } catch (error) {
        if (error instanceof errors.JWTExpired) return { kind: 'expired' };
        if (error instanceof errors.JOSEError) return { kind: 'invalid' };
        throw error;
      }
    },
  };
};

/** The key of the secret, made again only when the secret has changed: making it costs as much as a signature. */
const keyOf = (secret: () => Promise<string>): (() => Promise<webcrypto.CryptoKey>) => {
  let made: { readonly text: string; readonly key: Promise<webcrypto.CryptoKey> } | undefined;
  return async () => {
    const text = await secret();
    if (made?.text !== text) made = { text, key: importSecret(text) };
    return made.key;
  };
};

const importSecret = (text: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey(
    'raw',
    new TextEncoder().encode(text),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign', 'verify'],
  );
