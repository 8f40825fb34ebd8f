import { generateKeyPair, exportJWK, SignJWT, UnsecuredJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { accessTokenVerifier } from '#adapters/tokens/access-token.ts';
import { START_MS } from '#test/support/ports.ts';

const ISSUER = 'https://issuer.test';
const AUDIENCE = 'sluice-api';
const claims = { sub: 'ops@acme.example', tenant_id: 'acme', workspace_id: 'prod', role: 'operator' };
const nowS = START_MS / 1000;

type Key = Awaited<ReturnType<typeof generateKeyPair>>;

describe('access tokens', () => {
  let key: Key;
  let foreign: Key;
  let jwks: string;
  beforeAll(async () => {
    key = await generateKeyPair('ES256', { extractable: true });
    foreign = await generateKeyPair('ES256', { extractable: true });
    const jwk = { ...(await exportJWK(key.publicKey)), kid: 'one', alg: 'ES256', use: 'sig' };
    jwks = JSON.stringify({ keys: [jwk] });
  });

  const verifier = (answer: () => Promise<Response> = () => Promise.resolve(new Response(jwks))) => {
    let fetches = 0;
    const verify = accessTokenVerifier({
      issuer: ISSUER,
      audience: AUDIENCE,
      jwksUrl: `${ISSUER}/jwks.json`,
      nowMs: () => START_MS,
      fetch: () => {
        fetches++;
        return answer();
      },
    });
    return { verify, fetches: () => fetches };
  };

  interface Over {
    readonly claims?: object;
    readonly issuer?: string;
    readonly audience?: string;
    readonly expiresAtS?: number;
    readonly notBeforeS?: number;
    readonly kid?: string;
    readonly signer?: Key;
  }

  const token = (over: Over = {}): Promise<string> =>
    new SignJWT({ ...claims, ...over.claims })
      .setProtectedHeader({ alg: 'ES256', kid: over.kid ?? 'one' })
      .setIssuer(over.issuer ?? ISSUER)
      .setAudience(over.audience ?? AUDIENCE)
      .setNotBefore(over.notBeforeS ?? nowS)
      .setExpirationTime(over.expiresAtS ?? nowS + 3_600)
      .sign((over.signer ?? key).privateKey);

  it('say who calls, for which workspace and with which role', async () => {
    expect(await verifier().verify(await token())).toEqual({
      kind: 'valid',
      bearer: {
        userId: 'ops@acme.example',
        tenantId: 'acme',
        held: [{ workspaceId: 'prod', role: 'operator' }],
      },
    });
    expect(await verifier().verify(await token({ claims: { workspace_id: '*' } }))).toMatchObject({
      bearer: { held: [{ workspaceId: '*' }] },
    });
  });

  const asCognito = {
    ...{ tenant_id: undefined, workspace_id: undefined, role: undefined, token_use: 'id' },
    ...{ 'custom:tenant_id': 'acme', 'custom:workspace_id': '*', 'custom:role': 'viewer' },
  };

  it('may be ID tokens of Cognito, where custom attributes carry a prefix', async () => {
    expect(await verifier().verify(await token({ claims: asCognito }))).toEqual({
      kind: 'valid',
      bearer: { userId: 'ops@acme.example', tenantId: 'acme', held: [{ workspaceId: '*', role: 'viewer' }] },
    });
  });

  it('count a claim that stands there plainly before one with the prefix', async () => {
    const both = { ...claims, 'custom:role': 'admin', 'custom:tenant_id': 'other' };

    expect(await verifier().verify(await token({ claims: both }))).toMatchObject({
      bearer: { tenantId: 'acme', held: [{ role: 'operator' }] },
    });
  });

  it('may claim nothing but who it is, and then hold what is granted to them', async () => {
    const bare = await token({ claims: { role: undefined, workspace_id: undefined } });

    expect(await verifier().verify(bare)).toEqual({
      kind: 'valid',
      bearer: { userId: 'ops@acme.example', tenantId: 'acme', held: [] },
    });
  });

  it('are no access tokens of Cognito, which name a client and no audience', async () => {
    const access = await new SignJWT({ ...claims, token_use: 'access', client_id: AUDIENCE })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuer(ISSUER)
      .setExpirationTime(nowS + 3_600)
      .sign(key.privateKey);

    expect(await verifier().verify(access)).toEqual({ kind: 'invalid' });
  });

  it('are read with keys that are fetched once', async () => {
    const { verify, fetches } = verifier();

    for (let count = 0; count < 3; count++) await verify(await token());

    expect(fetches()).toBe(1);
  });

  it('expire, with a minute of leeway', async () => {
    expect(await verifier().verify(await token({ expiresAtS: nowS - 59 }))).toMatchObject({ kind: 'valid' });
    expect(await verifier().verify(await token({ expiresAtS: nowS - 60 }))).toEqual({ kind: 'expired' });
  });

  it.each<readonly [string, Over]>([
    ['from another issuer', { issuer: 'https://other.test' }],
    ['for another audience', { audience: 'console' }],
    ['not valid yet', { notBeforeS: nowS + 61 }],
    ['under a key nobody knows', { kid: 'two' }],
    ['without a role', { claims: { role: undefined } }],
    ['with a role and no workspace', { claims: { workspace_id: undefined } }],
    ['with an unknown role', { claims: { role: 'root' } }],
    ['without a tenant', { claims: { tenant_id: undefined } }],
    ['with a tenant that reaches into another', { claims: { tenant_id: 'acme/prod' } }],
    ['with an unknown role of Cognito', { claims: { ...asCognito, 'custom:role': 'root' } }],
    ['with an impossible workspace', { claims: { workspace_id: 'Prod#1' } }],
  ])('are refused %s', async (_name, over) => {
    expect(await verifier().verify(await token(over))).toEqual({ kind: 'invalid' });
  });

  it('are refused when signed by somebody else, not at all, or with a secret', async () => {
    const secret = new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE);
    const tokens = [
      await token({ signer: foreign }),
      new UnsecuredJWT({ ...claims }).setIssuer(ISSUER).setAudience(AUDIENCE).encode(),
      await secret.sign(new TextEncoder().encode(jwks)),
      `${await token()}x`,
      'eyJhbGciOiJub25lIn0..',
      'no token at all',
      '',
    ];

    for (const text of tokens) expect(await verifier().verify(text), text).toEqual({ kind: 'invalid' });
  });

  it.each<readonly [string, () => Promise<Response>]>([
    ['does not answer', () => Promise.reject(new TypeError('fetch failed'))],
    ['answers 500', () => Promise.resolve(new Response('oops', { status: 500 }))],
    ['answers no JSON', () => Promise.resolve(new Response('<html>'))],
    ['answers no keys', () => Promise.resolve(new Response('{}'))],
  ])('are neither good nor bad while the issuer %s', async (_name, answer) => {
    await expect(verifier(answer).verify(await token())).rejects.toMatchObject({ code: 'unavailable' });
  });
});
