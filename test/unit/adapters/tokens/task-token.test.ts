import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { secretValues } from '#adapters/secrets/secret-values.ts';
import { secretsClient } from '#adapters/sdk/secrets-client.ts';
import { taskTokens } from '#adapters/tokens/task-token.ts';
import { localStage, START_MS } from '#test/support/ports.ts';

const SECRET = 'a secret of tests that is long enough for HS256';
const scope = {
  taskId: 'ct1_abc',
  tenantId: 'acme',
  workspaceId: 'prod',
  runId: 'run_00000000000000000000000001',
  attempt: 2,
  attemptId: 'att_000000000000000000000002',
};
let nowMs = START_MS;
const tokens = (secret = SECRET) =>
  taskTokens({ secret: () => Promise.resolve(secret), nowMs: () => nowMs, ttlMs: 60_000 });

const sign = (
  over: { readonly issuer?: string; readonly audience?: string; readonly claims?: object } = {},
) =>
  new SignJWT({ ...scope, ...over.claims })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(over.issuer ?? 'sluice')
    .setAudience(over.audience ?? 'sluice-callbacks')
    .setExpirationTime(START_MS / 1000 + 60)
    .sign(new TextEncoder().encode(SECRET));

describe('task tokens', () => {
  it('carry their scope back', async () => {
    nowMs = START_MS;
    const { token, expiresAtMs } = await tokens().mint(scope);

    expect(expiresAtMs).toBe(START_MS + 60_000);
    expect(await tokens().verify(token)).toEqual({ kind: 'valid', scope });
  });

  it('expire a minute of leeway after their life', async () => {
    nowMs = START_MS;
    const { token } = await tokens().mint(scope);

    nowMs = START_MS + 60_000 + 59_999;
    expect(await tokens().verify(token)).toMatchObject({ kind: 'valid' });
    nowMs = START_MS + 60_000 + 60_000;
    expect(await tokens().verify(token)).toEqual({ kind: 'expired' });
    nowMs = START_MS;
  });

  it('are refused when they are for something else or from somebody else', async () => {
    const { token } = await tokens('another secret that is long enough too').mint(scope);
    const refused = [
      token,
      await sign({ issuer: 'other' }),
      await sign({ audience: 'sluice-api' }),
      await sign({ claims: { attempt: 0 } }),
      await sign({ claims: { runId: undefined } }),
      new UnsecuredJWT(scope).setIssuer('sluice').setAudience('sluice-callbacks').encode(),
      'garbage',
      '',
    ];

    expect(await tokens().verify(await sign())).toMatchObject({ kind: 'valid' });
    for (const text of refused) expect(await tokens().verify(text), text).toEqual({ kind: 'invalid' });
  });

  it('follow a secret that is rotated', async () => {
    let secret = SECRET;
    const rotating = taskTokens({
      secret: () => Promise.resolve(secret),
      nowMs: () => nowMs,
      ttlMs: 60_000,
    });
    const { token: before } = await rotating.mint(scope);

    secret = 'the secret that came after the one before';
    const { token: after } = await rotating.mint(scope);

    expect(await rotating.verify(before)).toEqual({ kind: 'invalid' });
    expect(await rotating.verify(after)).toMatchObject({ kind: 'valid' });
    secret = SECRET;
    expect(await rotating.verify(before)).toMatchObject({ kind: 'valid' });
  });

  it('cannot be judged without the secret', async () => {
    const broken = taskTokens({
      secret: () => Promise.reject(new Error('no secret')),
      nowMs: () => nowMs,
      ttlMs: 1,
    });

    await expect(broken.verify('x')).rejects.toThrow('no secret');
  });
});

describe('secrets', () => {
  it('are read once in five minutes', async () => {
    const stage = await localStage();
    const secrets = secretValues(secretsClient(stage.plugin), stage.clock.nowMs);

    expect(await secrets.get('task-token-key')).toBe(SECRET);
    stage.clock.jump(START_MS + 299_999);
    await secrets.get('task-token-key');
    expect(stage.requests()).toEqual({ 'secretsmanager.GetSecretValue': 1 });
    stage.clock.jump(START_MS + 300_000);
    await secrets.get('task-token-key');
    expect(stage.requests()).toEqual({ 'secretsmanager.GetSecretValue': 1 });
  });

  it('that are missing or no text fail', async () => {
    const stage = await localStage();
    const secrets = secretValues(secretsClient(stage.plugin), stage.clock.nowMs);
    const binary = { Name: 'bytes', SecretBinary: 'AAAA', ClientRequestToken: 'b'.repeat(32) };
    await stage.dispatcher.call('secretsmanager', 'CreateSecret', binary);

    await expect(secrets.get('none')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(secrets.get('bytes')).rejects.toThrow('has no string value');
  });
});
