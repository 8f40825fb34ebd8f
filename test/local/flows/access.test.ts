import { beforeEach, describe, expect, it } from 'vitest';

import { routes } from '#contracts/routes.ts';
import type { Route } from '#contracts/routes.ts';
import { isAudited } from '#functions/shared/auditing.ts';
import { apiOf, bootTestCloud, inMain, tokenOf } from '#test/support/cloud.ts';
import type { Api, TestCloud } from '#test/support/cloud.ts';
import { deploy, readRun, trigger } from '#test/support/cloud-assets.ts';
import { commitsIn } from '#test/support/cloud-stores.ts';

let cloud: TestCloud;
let api: Api;
beforeEach(async () => {
  cloud = await bootTestCloud();
  api = apiOf(cloud);
});

/** A path of the route in workspace `main` with names that exist nowhere. */
const pathOf = ({ path }: Route): string =>
  path.replace('{workspaceId}', 'main').replaceAll(/\{[^}]+\}/g, 'nobody');

const guarded = routes.filter(({ access }) => access !== 'public');
const forRoles = guarded.filter(({ access }) => access !== 'task-token');

describe('every route', () => {
  it('is open to nobody but for health and readiness', () => {
    expect(routes.filter(({ access }) => access === 'public').map(({ path }) => path)).toEqual([
      '/health',
      '/ready',
    ]);
  });

  it('refuses who shows nothing, whatever header or flag they send', async () => {
    const attempts: readonly Readonly<Record<string, string>>[] = [
      {},
      { 'x-api-key': 'admin' },
      { 'x-user': 'admin', 'x-role': 'admin', 'x-tenant-id': 'local' },
      { 'x-sluice-debug': 'true', 'x-amzn-oidc-data': 'admin', 'x-forwarded-for': '127.0.0.1' },
      { authorization: 'Bearer' },
      { authorization: '' },
      { cookie: `token=${api.token}` },
      { 'x-authorization': `Bearer ${api.token}` },
    ];
    const query = `?token=${api.token}&access_token=${api.token}&debug=1&role=admin`;
    for (const route of guarded)
      for (const headers of attempts) {
        const answer = await api.ask(route.method, `${pathOf(route)}${query}`, { bearer: null, headers });
        expect([route.path, headers, answer.status, answer.body['code']]).toEqual([
          route.path,
          headers,
          401,
          'missing_token',
        ]);
      }
  });
});

describe('a tenant', () => {
  it('sees and touches nothing of another one', async () => {
    await deploy(api, { a: [] });
    const runId = await trigger(api, ['a']);
    await cloud.settle();
    const stranger = apiOf(cloud, { tenantId: 'stranger' });
    expect(await stranger.must('GET', inMain('/runs'))).toEqual({ runs: [] });
    expect(await stranger.must('GET', inMain('/manifests'))).toEqual({ manifests: [] });
    expect(await stranger.must('POST', inMain('/workers/claim'), { workerId: 'w' })).toEqual({ tasks: [] });
    for (const path of ['', '/tasks', '/why', '/events'])
      expect(await stranger.ask('GET', inMain(`/runs/${runId}${path}`))).toMatchObject({ status: 404 });
    expect(await readRun(api, runId)).toMatchObject({ state: 'RUNNING' });
  });

  it('cannot reach another workspace through an encoded or crooked path', async () => {
    const bearer = tokenOf(cloud, { workspaceId: 'mine' });
    for (const path of [
      '/v1/workspaces/mine%2F..%2Fmain/runs',
      '/v1/workspaces/mine/../main/runs',
      '/v1/workspaces/Main/runs',
      '/v1/workspaces/%6Dain/runs',
      '/v1/workspaces/*/runs',
      '/v1//workspaces/main/runs',
    ]) {
      const answer = await api.ask('GET', path, { bearer });
      expect([path, [404, 403].includes(answer.status)]).toEqual([path, true]);
    }
  });
});

describe('a refused request', () => {
  it('leaves no trace in the ledger but that a known caller was refused', async () => {
    const traces = async () => (await commitsIn(cloud)).filter(({ stream }) => !stream.startsWith('audit#'));
    const before = (await traces()).length;
    for (const route of guarded) await api.ask(route.method, pathOf(route), { bearer: null, body: {} });
    for (const route of forRoles)
      await api.ask(route.method, pathOf(route), {
        bearer: tokenOf(cloud, { workspaceId: 'other' }),
        body: {},
      });
    expect(await traces()).toHaveLength(before);
    const audited = (await commitsIn(cloud)).flatMap(({ events }) => events);
    expect(audited.map(({ data }) => data['operationId']).sort()).toEqual(
      forRoles
        .filter(isAudited)
        .map(({ operationId }) => operationId)
        .sort(),
    );
    expect(new Set(audited.map(({ data }) => data['code']))).toEqual(new Set(['not_found', 'forbidden']));
  });
});
