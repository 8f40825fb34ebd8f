import { beforeEach, describe, expect, it } from 'vitest';
import { ApiKeyId, TenantId, WorkspaceId } from '#contracts/ids.ts';
import type { Verification as TokenVerification } from '#adapters/tokens/access-token.ts';
import { mintApiKey } from '#adapters/tokens/api-key.ts';
import { accessAggregate, accessStream } from '#domain/access/access.ts';
import type { AccessCommand } from '#domain/access/decide.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { handleCommands } from '#functions/shared/command-handler.ts';
import { credentialVerifier } from '#functions/shared/credentials.ts';
import { commandPorts, requestOf } from '#test/support/ledger.ts';
import type { RememberingPorts } from '#test/support/ledger.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const KEPT_MS = 5_000;
const acme = TenantId.parse('acme');
const prod = WorkspaceId.parse('prod');
const keyId = ApiKeyId.parse('key_01JZZZZZZZZZZZZZZZZZZZZZZZ');
const bearer: TokenVerification = {
  kind: 'valid',
  bearer: { userId: 'ada', tenantId: acme, held: [{ workspaceId: prod, role: 'viewer' }] },
};

let stage: LocalStage;
let ports: RememberingPorts;
let reads: number;
let fault: Error | undefined;
beforeEach(async () => {
  stage = await localStage();
  ports = commandPorts(stage);
  reads = 0;
  fault = undefined;
});

const command = (wish: AccessCommand, tenant = 'acme') =>
  handleCommands(ports, accessAggregate, { requests: [requestOf(accessStream(tenant), wish)] });

const verifier = (keptMs = KEPT_MS, token: TokenVerification = bearer) => {
  const ledger: LedgerReader = {
    ...ports.ledger,
    tail: (...range) => {
      reads++;
      return fault ? Promise.reject(fault) : ports.ledger.tail(...range);
    },
  };
  return credentialVerifier({
    ledger,
    keptMs,
    nowMs: stage.clock.nowMs,
    verifyToken: () => Promise.resolve(token),
  });
};

const createKey = async (expiresAtMs?: number): Promise<string> => {
  const { text, secretHash } = mintApiKey(acme, keyId);
  const over = expiresAtMs === undefined ? {} : { expiresAtMs };
  const key = { keyId, name: 'ci', role: 'operator', workspaces: [prod], secretHash, ...over } as const;
  await command({ type: 'CreateApiKey', ...key });
  return text;
};

describe('an API key', () => {
  it('is a principal of its own, found with one read', async () => {
    const text = await createKey();

    expect(await verifier()(text)).toMatchObject({
      kind: 'valid',
      principal: {
        kind: 'api-key',
        userId: keyId,
        tenantId: 'acme',
        held: [{ workspaceId: 'prod', role: 'operator' }],
      },
    });
    expect(reads).toBe(1);
  });

  it('is expired from its instant on, without leeway', async () => {
    const text = await createKey(START_MS + 1_000);
    const verify = verifier();

    stage.clock.jump(START_MS + 999);
    expect(await verify(text)).toMatchObject({ kind: 'valid' });
    stage.clock.jump(START_MS + 1_000);
    expect(await verify(text)).toEqual({ kind: 'expired' });
  });

  it('is invalid with another secret, in another tenant, under another id, or when it is no key', async () => {
    const text = await createKey();
    const verify = verifier();
    const foreign = [
      mintApiKey(acme, keyId).text,
      text.replace('slk_acme', 'slk_other'),
      text.replace('01JZ', '01JY'),
      'slk_acme',
    ];

    for (const other of foreign) expect(await verify(other), other).toEqual({ kind: 'invalid' });
  });

  it('works at once when it is new, and costs a read each time when there is none', async () => {
    const verify = verifier();
    await verify('token');
    const text = await createKey();

    expect(await verify(text)).toMatchObject({ kind: 'valid' });
    expect(reads).toBe(2);
    for (const unknown of ['01JX', '01JY']) await verify(text.replace('01JZ', unknown));
    expect(reads).toBe(4);
  });

  it('is not raised by a role granted to somebody of its name', async () => {
    const text = await createKey();
    await command({ type: 'GrantRole', subject: keyId, workspaceId: '*', role: 'admin' });

    expect(await verifier()(text)).toMatchObject({ principal: { held: [{ role: 'operator' }] } });
  });

  it('acts after it was revoked for as long as access is kept, and not a millisecond more', async () => {
    const text = await createKey();
    const [verify, fresh] = [verifier(), verifier(0)];
    await verify(text);
    await command({ type: 'RevokeApiKey', keyId });

    expect(await fresh(text)).toEqual({ kind: 'invalid' });
    stage.clock.jump(START_MS + KEPT_MS - 1);
    expect(await verify(text)).toMatchObject({ kind: 'valid' });
    stage.clock.jump(START_MS + KEPT_MS);
    expect(await verify(text)).toEqual({ kind: 'invalid' });
  });
});

describe('a token', () => {
  it('holds what it claims and what is granted to its subject', async () => {
    await command({ type: 'GrantRole', subject: 'ada', workspaceId: '*', role: 'approver' });
    await command({ type: 'GrantRole', subject: 'bob', workspaceId: '*', role: 'admin' });

    const verified = await verifier()('token');

    expect(verified).toMatchObject({ kind: 'valid', principal: { kind: 'user', userId: 'ada' } });
    expect(verified.kind === 'valid' && verified.principal.held).toMatchObject([
      { workspaceId: 'prod', role: 'viewer' },
      { workspaceId: '*', role: 'approver' },
    ]);
  });

  it.each(['expired', 'invalid'] as const)('that is %s costs no read', async (kind) => {
    expect(await verifier(KEPT_MS, { kind })('token')).toEqual({ kind });
    expect(reads).toBe(0);
  });

  it('shares one read with those that come at the same time', async () => {
    const verify = verifier();

    await Promise.all([verify('token'), verify('token'), verify('token')]);

    expect(reads).toBe(1);
  });
});

it('a read that failed lets nobody in and is not kept', async () => {
  const verify = verifier();
  fault = new Error('the table is away');

  await expect(verify('token')).rejects.toThrow('the table is away');
  fault = undefined;
  expect(await verify('token')).toMatchObject({ kind: 'valid' });
});

it('the access of a hundred tenants is kept, and the oldest gives way', async () => {
  const verify = verifier();
  const tenants = Array.from({ length: 101 }, (_, index) => TenantId.parse(`t${index}`));
  const show = async (index: number) => {
    const tenantId = tenants[index] ?? acme;
    const { text, secretHash } = mintApiKey(tenantId, keyId);
    const key = { keyId, name: 'ci', role: 'viewer', workspaces: [prod], secretHash } as const;
    if (reads < tenants.length) await command({ type: 'CreateApiKey', ...key }, tenantId);
    return verify(text);
  };
  for (const index of tenants.keys()) await show(index);

  expect(reads).toBe(101);
  await show(100);
  expect(reads).toBe(101);
  await show(0);
  expect(reads).toBe(102);
});
