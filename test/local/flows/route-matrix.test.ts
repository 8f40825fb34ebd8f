/**
 * Every route × everything a caller may show, from the route table: no token, garbage, what is over, a foreign tenant, a
 * foreign workspace, each role by token, by key and by grant, and a task token. The client holds each answer to what its
 * route documents.
 */
import { describe, expect, it } from 'vitest';

import { Role, satisfiesRole } from '#contracts/roles.ts';
import { routes } from '#contracts/routes.ts';
import type { Route } from '#contracts/routes.ts';
import { apiOf, bootTestCloud, inMain, tokenOf } from '#test/support/cloud.ts';
import type { Answer, Api } from '#test/support/cloud.ts';
import { claimOne, deploy, trigger } from '#test/support/cloud-assets.ts';
import { startFeed } from '#test/support/cloud-market.ts';
import { commitsIn } from '#test/support/cloud-stores.ts';

const guarded = routes.filter(({ access }) => access !== 'public');
const forRoles = guarded.filter(({ access }) => access !== 'task-token');
const callbacks = guarded.filter(({ access }) => access === 'task-token');
const nameOf = ({ method, path }: Route): string => `${method} ${path}`;

/** Names that exist nowhere, of the form their route wants. */
const nobody: Readonly<Record<string, string>> = {
  workspaceId: 'main',
  taskId: 'ct1_bm9ib2R5',
  feedId: 'nobody',
};
const pathOf = ({ path }: Route, names: Readonly<Record<string, string>> = {}): string =>
  path.replaceAll(/\{([^}]+)\}/g, (_, name: string) => names[name] ?? nobody[name] ?? 'nobody');

const report = { attempt: 1, attemptId: `att_${'0'.repeat(24)}`, workerId: 'w', outcome: 'SUCCEEDED' };
const bodyOf = ({ access, operationId }: Route): object => {
  if (access !== 'task-token') return {};
  const { outcome: _outcome, ...others } = report;
  if (operationId === 'reportAttemptVisibility') return { ...others, visibilityState: 'VISIBLE' };
  return operationId === 'reportTaskCompleted' ? report : others;
};

/** Asks each route the same way; the answers that are not as expected, all at once. */
const matrix = async (
  api: Api,
  asked: readonly Route[],
  show: {
    readonly bearer: string | null;
    readonly names?: Readonly<Record<string, string>>;
    readonly expected: (route: Route, answer: Answer) => boolean;
  },
): Promise<readonly string[]> => {
  const wrong: string[] = [];
  for (const route of asked) {
    const body = route.mutating ? { body: bodyOf(route) } : {};
    const answer = await api.ask(route.method, pathOf(route, show.names), { bearer: show.bearer, ...body });
    if (!show.expected(route, answer))
      wrong.push(`${nameOf(route)} answered ${answer.status} ${String(answer.body['code'])}`);
  }
  return wrong;
};

const refusedAs =
  (status: number, code: string) =>
  (_route: Route, answer: Answer): boolean =>
    answer.status === status && answer.body['code'] === code;

const boot = async (): Promise<Api> => apiOf(await bootTestCloud());

/** What a caller of one role meets: let in, as far as the credential goes, exactly where the table says. */
const asTheTableSays =
  (role: Role, everywhere: boolean) =>
  (route: Route, answer: Answer): boolean => {
    const reaches = route.reach !== 'tenant' || everywhere;
    const isAdmitted = reaches && satisfiesRole(role, route.access as Role);
    const isForbidden = answer.status === 403 && answer.body['code'] === 'forbidden';
    return isForbidden !== isAdmitted && answer.status !== 401 && answer.status < 500;
  };

describe('every route', () => {
  it('refuses whoever shows nothing, garbage, or what is over', async () => {
    const api = await boot();
    const over = tokenOf(api.cloud, {}, { exp: Math.floor(api.cloud.clock.nowMs() / 1000) - 3_600 });
    const revoked = await api.must('POST', '/v1/api-keys', { name: 'k', role: 'admin', workspaces: ['*'] });
    const { apiKey, secret } = revoked as unknown as { apiKey: { keyId: string }; secret: string };
    await api.must('DELETE', `/v1/api-keys/${apiKey.keyId}`);

    const shown = async (bearer: string | null, status: number, code: string) =>
      matrix(api, guarded, { bearer, expected: refusedAs(status, code) });
    expect(await shown(null, 401, 'missing_token')).toEqual([]);
    for (const bearer of ['garbage', `${api.token}x`, secret])
      expect(await shown(bearer, 401, 'invalid_token')).toEqual([]);
    expect(await matrix(api, forRoles, { bearer: over, expected: refusedAs(401, 'token_expired') })).toEqual(
      [],
    );
  });

  it.each(Role.options)('is for its role and those that include it: %s', async (role) => {
    const api = await boot();
    const key = await api.must('POST', '/v1/api-keys', { name: 'k', role, workspaces: ['*'] });
    await api.must('POST', '/v1/role-grants', { subject: 'bob', workspaceId: 'main', role });
    const granted = tokenOf(api.cloud, {}, { sub: 'bob', workspace_id: undefined, role: undefined });

    for (const bearer of [tokenOf(api.cloud, { role, workspaceId: 'main' }), granted])
      expect(await matrix(api, forRoles, { bearer, expected: asTheTableSays(role, false) })).toEqual([]);
    const bearer = String(key['secret']);
    expect(await matrix(api, forRoles, { bearer, expected: asTheTableSays(role, true) })).toEqual([]);
  });

  it('answers 404 in a foreign workspace, whatever the role, and 403 where it reaches over the tenant', async () => {
    const api = await boot();
    const key = await api.must('POST', '/v1/api-keys', { name: 'k', role: 'admin', workspaces: ['other'] });
    const tokens = Role.options.map((role) => tokenOf(api.cloud, { role, workspaceId: 'other' }));
    const expected = (route: Route, answer: Answer): boolean =>
      route.reach === 'tenant'
        ? refusedAs(403, 'forbidden')(route, answer)
        : refusedAs(404, 'not_found')(route, answer);
    for (const bearer of [...tokens, String(key['secret'])])
      expect(await matrix(api, forRoles, { bearer, expected })).toEqual([]);
  });

  it('takes a task token for its own callbacks and nothing else', async () => {
    const api = await boot();
    await deploy(api, { a: [] });
    await trigger(api, ['a']);
    const { taskToken } = await claimOne(api);

    const other = refusedAs(401, 'invalid_token');
    expect(await matrix(api, forRoles, { bearer: taskToken, expected: other })).toEqual([]);
    expect(await matrix(api, callbacks, { bearer: taskToken, expected: other })).toEqual([]);
    expect(await matrix(api, callbacks, { bearer: api.token, expected: other })).toEqual([]);
  });

  it('shows nothing of what exists to another tenant, another workspace or a role too small, and changes nothing', async () => {
    const api = await boot();
    await startFeed(api);
    await deploy(api, { a: [] });
    const runId = await trigger(api, ['a']);
    const key = await api.must('POST', '/v1/api-keys', { name: 'k', role: 'viewer', workspaces: ['main'] });
    const { keyId } = key['apiKey'] as { keyId: string };
    const { grantId } = await api.must('POST', '/v1/role-grants', {
      subject: 'bob',
      workspaceId: 'main',
      role: 'viewer',
    });
    const { taskId } = await claimOne(api);
    await api.cloud.settle();
    const { manifests } = await api.must('GET', inMain('/manifests'));
    const [{ manifestId } = { manifestId: '' }] = manifests as readonly { manifestId: string }[];
    const names = { runId, manifestId, feedId: 'feed', keyId, grantId: String(grantId), taskId };
    const secrets = [runId, manifestId, keyId, String(grantId), 'tester'];
    const facts = async () =>
      (await commitsIn(api.cloud)).filter(({ stream }) => /^(?!audit#)[a-z-]+#local/.test(stream)).length;
    const before = await facts();
    expect(manifestId).toMatch(/^man_/);

    // Their own audit tells them what they asked for, names and all, and nothing of what others did.
    const hidden = ({ operationId }: Route, { status, body }: Answer): boolean =>
      status < 500 &&
      !(operationId === 'listAudit' ? ['tester'] : secrets).some((id) =>
        JSON.stringify({ ...body, message: '' }).includes(id),
      );
    for (const bearer of [
      tokenOf(api.cloud, { tenantId: 'stranger' }, { sub: 'stranger' }),
      tokenOf(api.cloud, { workspaceId: 'other' }),
      tokenOf(api.cloud, {}, { workspace_id: undefined, role: undefined }),
    ])
      expect(await matrix(api, guarded, { bearer, names, expected: hidden })).toEqual([]);
    const changing = forRoles.filter(({ mutating }) => mutating);
    const viewer = tokenOf(api.cloud, { role: 'viewer' });
    expect(
      await matrix(api, changing, { bearer: viewer, names, expected: refusedAs(403, 'forbidden') }),
    ).toEqual([]);
    await api.cloud.settle();
    expect(await facts()).toBe(before);
  });
});
