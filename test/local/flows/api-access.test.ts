/** Keys, granted roles and workspaces over the API, as the template wires them. */
import { beforeEach, describe, expect, it } from 'vitest';

import { defaultLimits } from '#contracts/config.ts';
import { apiOf, bootTestCloud, inMain, tokenOf } from '#test/support/cloud.ts';
import type { Answer, Api, TestCloud } from '#test/support/cloud.ts';
import { claimOne, deploy, trigger } from '#test/support/cloud-assets.ts';
import { commitsIn, itemsOf } from '#test/support/cloud-stores.ts';

const KEY = { name: 'ci', role: 'operator', workspaces: ['main'] };

let cloud: TestCloud;
let api: Api;
beforeEach(async () => {
  cloud = await bootTestCloud();
  api = apiOf(cloud);
});

interface Created {
  readonly keyId: string;
  readonly secret: string;
}
const createdIn = ({ body }: Answer): Created => {
  const { apiKey, secret } = body as unknown as { apiKey: { keyId: string }; secret: string };
  return { keyId: apiKey.keyId, secret };
};
const createKey = async (over: object = {}): Promise<Created> =>
  createdIn(await api.ask('POST', '/v1/api-keys', { body: { ...KEY, ...over } }));

/** Until every function has forgotten what it knew of the tenant. */
const untilRead = () => cloud.advance(defaultLimits.accessKeptMs);

const statusOf = async (answer: Promise<Answer>): Promise<unknown> => {
  const { status, body } = await answer;
  return status < 300 ? status : [status, body['code']];
};

describe('an API key', () => {
  it('does what its role may in its workspaces, and acts under its own name', async () => {
    await deploy(api, { a: [] });
    const { keyId, secret } = await createKey();
    const withKey = { bearer: secret };

    const started = await api.must('POST', inMain('/runs'), { selection: ['demo.a'] }, withKey);
    expect(
      await statusOf(api.ask('POST', inMain('/workers/claim'), { ...withKey, body: { workerId: 'w' } })),
    ).toBe(200);
    expect(await statusOf(api.ask('GET', inMain('/runs'), withKey))).toBe(200);
    expect(await statusOf(api.ask('GET', inMain('/feeds'), withKey))).toBe(200);
    expect(await statusOf(api.ask('POST', inMain('/manifests'), { ...withKey, body: {} }))).toEqual([
      403,
      'forbidden',
    ]);
    expect(await statusOf(api.ask('GET', '/v1/workspaces/other/runs', withKey))).toEqual([404, 'not_found']);
    expect(await statusOf(api.ask('GET', '/v1/api-keys', withKey))).toEqual([403, 'forbidden']);
    const commits = await commitsIn(cloud);
    const ofRun = commits.find(({ stream }) => stream.endsWith(String(started['runId'])));
    expect(ofRun?.events[0]?.actor).toEqual({ kind: 'api-key', id: keyId });
  });

  it('shows its secret once and leaves it nowhere', async () => {
    const headers = { 'idempotency-key': 'once' };
    const first = await api.ask('POST', '/v1/api-keys', { body: KEY, headers });
    const { keyId, secret } = createdIn(first);
    await api.ask('GET', inMain('/runs'), { bearer: secret });
    await cloud.settle();

    const again = await api.ask('POST', '/v1/api-keys', { body: KEY, headers });
    const other = api.ask('POST', '/v1/api-keys', { body: { ...KEY, name: 'other' }, headers });
    expect([first.status, again.status, again.body]).toEqual([201, 200, { apiKey: first.body['apiKey'] }]);
    expect(await statusOf(other)).toEqual([409, 'idempotency_key_reused']);
    expect(await api.must('GET', '/v1/api-keys')).toEqual({ apiKeys: [first.body['apiKey']] });
    const tail = secret.split('_').slice(3).join('_');
    const stored = (
      await Promise.all(['ledger', 'views', 'control'].map((table) => itemsOf(cloud, table)))
    ).flat();
    expect(JSON.stringify(await commitsIn(cloud))).toContain(keyId);
    expect(JSON.stringify([stored, await commitsIn(cloud), cloud.logged])).not.toContain(tail);
  });

  it('is refused in every function once it was revoked and the bound has passed', async () => {
    const { keyId, secret } = await createKey({ role: 'admin', workspaces: ['*'] });
    const paths = ['/v1/api-keys', inMain('/runs'), inMain('/feeds')];
    for (const path of paths) expect(await statusOf(api.ask('GET', path, { bearer: secret }))).toBe(200);

    expect(await api.must('DELETE', `/v1/api-keys/${keyId}`)).toEqual({ keyId, status: 'revoked' });

    expect(await statusOf(api.ask('GET', '/v1/api-keys', { bearer: secret }))).toEqual([
      401,
      'invalid_token',
    ]);
    await untilRead();
    for (const path of paths)
      expect(await statusOf(api.ask('GET', path, { bearer: secret }))).toEqual([401, 'invalid_token']);
    expect(await statusOf(api.ask('DELETE', `/v1/api-keys/${keyId}`))).toEqual([404, 'api_key_not_found']);
    expect(await statusOf(api.ask('DELETE', '/v1/api-keys/nobody'))).toEqual([404, 'api_key_not_found']);
  });

  it('ends at its instant', async () => {
    const expiresAt = new Date(cloud.clock.nowMs() + 60_000).toISOString();
    const { secret } = await createKey({ expiresAt });

    expect(await statusOf(api.ask('GET', inMain('/runs'), { bearer: secret }))).toBe(200);
    await cloud.advance(60_000);
    expect(await statusOf(api.ask('GET', inMain('/runs'), { bearer: secret }))).toEqual([
      401,
      'token_expired',
    ]);
    expect(await statusOf(api.ask('POST', '/v1/api-keys', { body: { ...KEY, expiresAt } }))).toEqual([
      400,
      'invalid_request',
    ]);
  });

  it('repeats a creation whose key was revoked meanwhile with 404', async () => {
    const headers = { 'idempotency-key': 'gone' };
    const { keyId } = createdIn(await api.ask('POST', '/v1/api-keys', { body: KEY, headers }));
    await api.must('DELETE', `/v1/api-keys/${keyId}`);

    expect(await statusOf(api.ask('POST', '/v1/api-keys', { body: KEY, headers }))).toEqual([
      404,
      'api_key_not_found',
    ]);
  });

  it('has nothing to do with callbacks, whose tokens are no keys either', async () => {
    await deploy(api, { a: [] });
    await trigger(api, ['a']);
    const { secret } = await createKey();
    const task = await claimOne(api);

    const report = api.ask('POST', `/v1/callbacks/${task.taskId}/heartbeat`, {
      bearer: secret,
      body: { attempt: task.attempt, attemptId: task.attemptId, workerId: 'w' },
    });
    expect(await statusOf(report)).toEqual([401, 'invalid_token']);
    expect(await statusOf(api.ask('GET', inMain('/runs'), { bearer: task.taskToken }))).toEqual([
      401,
      'invalid_token',
    ]);
  });
});

describe('a granted role', () => {
  const grant = { subject: 'bob', workspaceId: 'main', role: 'operator' };
  const bob = (claims: object = {}) =>
    tokenOf(cloud, {}, { sub: 'bob', workspace_id: undefined, role: undefined, ...claims });

  it('lets somebody in whose token claims nothing, until it is taken away', async () => {
    expect(await statusOf(api.ask('GET', inMain('/runs'), { bearer: bob() }))).toEqual([404, 'not_found']);

    const granted = await api.ask('POST', '/v1/role-grants', { body: grant });
    const again = await api.ask('POST', '/v1/role-grants', { body: grant });
    await untilRead();

    expect([granted.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(granted.body);
    expect(await api.must('GET', '/v1/role-grants')).toEqual({ roleGrants: [granted.body] });
    expect(await statusOf(api.ask('GET', inMain('/runs'), { bearer: bob() }))).toBe(200);
    expect(await statusOf(api.ask('POST', inMain('/manifests'), { bearer: bob(), body: {} }))).toEqual([
      403,
      'forbidden',
    ]);
    const path = `/v1/role-grants/${String(granted.body['grantId'])}`;
    expect(await api.must('DELETE', path)).toMatchObject({ status: 'revoked' });
    await untilRead();
    expect(await statusOf(api.ask('GET', inMain('/runs'), { bearer: bob() }))).toEqual([404, 'not_found']);
    expect(await statusOf(api.ask('DELETE', path))).toEqual([404, 'role_grant_not_found']);
    expect(await statusOf(api.ask('DELETE', '/v1/role-grants/nobody'))).toEqual([
      404,
      'role_grant_not_found',
    ]);
  });

  it('adds to what a token claims, and makes an admin of the tenant only where it is for all of it', async () => {
    const viewer = bob({ workspace_id: '*', role: 'viewer' });
    await api.must('POST', '/v1/role-grants', { ...grant, role: 'admin' });
    expect(await statusOf(api.ask('GET', '/v1/tenant', { bearer: viewer }))).toEqual([403, 'forbidden']);

    await api.must('POST', '/v1/role-grants', { ...grant, role: 'admin', workspaceId: '*' });

    expect(await statusOf(api.ask('GET', '/v1/tenant', { bearer: viewer }))).toBe(200);
  });

  it('is not repeated by a key that granted another', async () => {
    const headers = { 'idempotency-key': 'k' };
    const first = await api.ask('POST', '/v1/role-grants', { body: grant, headers });
    const path = `/v1/role-grants/${String(first.body['grantId'])}`;

    expect((await api.ask('POST', '/v1/role-grants', { body: grant, headers })).status).toBe(200);
    expect(
      await statusOf(api.ask('POST', '/v1/role-grants', { body: { ...grant, role: 'viewer' }, headers })),
    ).toEqual([409, 'idempotency_key_reused']);
    expect((await api.ask('DELETE', path, { headers })).status).toBe(200);
    expect((await api.ask('DELETE', path, { headers })).status).toBe(200);
    expect(await statusOf(api.ask('DELETE', `${path.slice(0, -1)}a`, { headers }))).toEqual([
      409,
      'idempotency_key_reused',
    ]);
    expect(await statusOf(api.ask('POST', '/v1/role-grants', { body: grant, headers }))).toEqual([
      404,
      'role_grant_not_found',
    ]);
  });
});

describe('a workspace', () => {
  it('that was closed answers 404 to everybody until it is opened again, and loses nothing', async () => {
    await deploy(api, { a: [] });
    const runId = await trigger(api, ['a']);
    expect(await statusOf(api.ask('DELETE', '/v1/workspaces/main'))).toEqual([404, 'workspace_not_found']);
    await api.must('PUT', '/v1/workspaces/main', { displayName: 'Main' });

    const closed = await api.must('DELETE', '/v1/workspaces/main');
    await untilRead();

    expect(closed).toMatchObject({ workspaceId: 'main', status: 'closed', closedBy: 'tester' });
    for (const path of ['/runs', `/runs/${runId}`, '/feeds'])
      expect(await statusOf(api.ask('GET', inMain(path)))).toEqual([404, 'not_found']);
    expect(await statusOf(api.ask('GET', '/v1/workspaces/other/runs'))).toBe(200);
    expect(await api.must('PUT', '/v1/workspaces/main', {})).toMatchObject({ status: 'open' });
    await untilRead();
    expect(await statusOf(api.ask('GET', inMain(`/runs/${runId}`)))).toBe(200);
  });

  it('must be registered where the tenant asks for it', async () => {
    await api.must('PUT', '/v1/workspaces/main', {});
    const tenant = await api.must('PUT', '/v1/tenant', { workspacePolicy: 'registered' });

    expect(tenant).toEqual(await api.must('GET', '/v1/tenant'));
    expect(tenant).toEqual({
      tenantId: 'local',
      workspacePolicy: 'registered',
      apiKeyCount: 0,
      roleGrantCount: 0,
      workspaceCount: 1,
    });
    expect(await statusOf(api.ask('GET', inMain('/runs')))).toBe(200);
    expect(await statusOf(api.ask('GET', '/v1/workspaces/other/runs'))).toEqual([404, 'not_found']);
    const stranger = apiOf(cloud, { tenantId: 'stranger' });
    expect(await stranger.must('GET', '/v1/workspaces')).toEqual({ workspaces: [] });
    expect(await statusOf(stranger.ask('GET', '/v1/workspaces/other/runs'))).toBe(200);
  });

  it('is listed by name, page by page', async () => {
    for (const name of ['c', 'a', 'b']) await api.must('PUT', `/v1/workspaces/${name}`, {});

    const first = await api.must('GET', '/v1/workspaces?limit=2');
    const second = await api.must('GET', `/v1/workspaces?limit=2&cursor=${String(first['nextCursor'])}`);

    expect(first['workspaces']).toMatchObject([{ workspaceId: 'a' }, { workspaceId: 'b' }]);
    expect(second).toEqual({
      workspaces: [expect.objectContaining({ workspaceId: 'c', registeredBy: 'tester' })],
    });
    expect(await statusOf(api.ask('GET', `/v1/api-keys?cursor=${String(first['nextCursor'])}`))).toEqual([
      400,
      'invalid_cursor',
    ]);
    expect(await statusOf(api.ask('PUT', '/v1/workspaces/No', { body: {} }))).toEqual([
      400,
      'invalid_request',
    ]);
  });
});

describe('the audit', () => {
  it('tells who asked for which change and how it was answered, newest first and page by page', async () => {
    const { keyId, secret } = await createKey({ role: 'developer' });
    await api.must('PUT', inMain(''), {});
    await api.ask('POST', inMain('/manifests'), { bearer: secret, body: { a: 1 } });
    await api.ask('GET', inMain('/runs'), { bearer: secret });
    await api.ask('POST', '/v1/workspaces/other/runs', { bearer: secret, body: {} });
    await cloud.settle();

    const first = await api.must('GET', '/v1/audit?limit=3');
    const second = await api.must('GET', `/v1/audit?limit=3&cursor=${String(first['nextCursor'])}`);

    const all = [first, second].flatMap(({ requests }) => requests as readonly Record<string, unknown>[]);
    const told = (operationId: string) => all.find((item) => item['operationId'] === operationId);
    expect(all).toHaveLength(4);
    expect(second).not.toHaveProperty('nextCursor');
    expect(told('createApiKey')).toMatchObject({
      resource: '/v1/api-keys',
      status: 201,
      actor: { kind: 'user', id: 'tester' },
      at: '2026-11-20T00:00:00.000Z',
    });
    expect(told('deployManifest')).toMatchObject({
      status: 400,
      code: 'invalid_manifest',
      actor: { kind: 'api-key', id: keyId },
    });
    expect(told('triggerRun')).toMatchObject({ status: 404, code: 'not_found' });
    expect(await apiOf(cloud, { tenantId: 'stranger' }).must('GET', '/v1/audit')).toEqual({ requests: [] });
  });
});
