/**
 * Everything that is refused, in one table: its code, its status, and a neighbour that went on. The neighbour is
 * a run whose only task is claimed before the refusal and completed after it.
 */
import { describe, expect, it } from 'vitest';

import { errorCatalogue } from '#contracts/errors.ts';
import type { ErrorCode } from '#contracts/errors.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import { apiOf, bootTestCloud, inMain, tokenOf } from '#test/support/cloud.ts';
import type { Answer, Api, Asked } from '#test/support/cloud.ts';
import { callback, claimOne, deploy, readRun, succeed, trigger } from '#test/support/cloud-assets.ts';

interface Scene {
  readonly api: Api;
  readonly runId: string;
  /** The task of the neighbour, claimed and at work. */
  readonly task: DispatchEnvelope;
}

interface Refusal {
  readonly code: ErrorCode;
  readonly ask: (scene: Scene) => Promise<Answer>;
  /** What the body says besides its code. */
  readonly says?: object;
}

const stage = async (): Promise<Scene> => {
  const api = apiOf(await bootTestCloud());
  await deploy(api, { a: { execution: { retry: { baseMs: 1_000 } } } });
  const runId = await trigger(api, ['a']);
  return { api, runId, task: await claimOne(api) };
};

const list = (asked: Asked) => (scene: Scene) => scene.api.ask('GET', inMain('/runs'), asked);
const listAs =
  (bearer: (scene: Scene) => string) =>
  (scene: Scene): Promise<Answer> =>
    scene.api.ask('GET', inMain('/runs'), { bearer: bearer(scene) });
const post = (path: string, asked: Asked) => (scene: Scene) => scene.api.ask('POST', inMain(path), asked);
const completed = (more: object) => (scene: Scene) =>
  callback(scene.api, 'completed', scene.task, { outcome: 'SUCCEEDED', ...more });
const json = { 'content-type': 'application/json' };

/** A token whose payload was changed after it was signed. */
const tampered = (token: string): string => {
  const [head = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  const forged = Buffer.from(JSON.stringify({ ...claims, role: 'admin', sub: 'mallory' })).toString(
    'base64url',
  );
  return `${head}.${forged}.${signature}`;
};

/** A token that says it needs no signature. */
const unsigned = (token: string): string => {
  const head = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
  return `${head}.${token.split('.')[1] ?? ''}.`;
};

const refusals: Readonly<Record<string, Refusal>> = {
  'a missing token': { code: 'missing_token', ask: list({ bearer: null }) },
  'another scheme': {
    code: 'missing_token',
    ask: ({ api }) =>
      api.ask('GET', inMain('/runs'), { bearer: null, headers: { authorization: `Basic ${api.token}` } }),
  },
  'a bad token': { code: 'invalid_token', ask: list({ bearer: 'not.a.token' }) },
  'a tampered token': {
    code: 'invalid_token',
    ask: listAs(({ api }) => tampered(tokenOf(api.cloud, { role: 'viewer' }))),
  },
  'an unsigned token': {
    code: 'invalid_token',
    ask: listAs(({ api }) => unsigned(api.token)),
  },
  'an expired token': {
    code: 'token_expired',
    ask: listAs(({ api }) =>
      tokenOf(api.cloud, {}, { exp: Math.floor(api.cloud.clock.nowMs() / 1000) - 61 }),
    ),
  },
  'a token of another issuer': {
    code: 'invalid_token',
    ask: listAs(({ api }) => tokenOf(api.cloud, {}, { iss: 'https://issuer.example' })),
  },
  'a token for another audience': {
    code: 'invalid_token',
    ask: listAs(({ api }) => tokenOf(api.cloud, {}, { aud: 'another' })),
  },
  'a token without a role': {
    code: 'invalid_token',
    ask: listAs(({ api }) => tokenOf(api.cloud, {}, { role: 'root' })),
  },
  'a role too low': {
    code: 'forbidden',
    ask: ({ api }) =>
      api.ask('POST', inMain('/runs'), {
        bearer: tokenOf(api.cloud, { role: 'viewer' }),
        body: { selection: ['demo.a'] },
      }),
    says: { details: { requiredRole: 'operator' } },
  },
  'a token of a foreign workspace': {
    code: 'not_found',
    ask: listAs(({ api }) => tokenOf(api.cloud, { workspaceId: 'other' })),
  },
  'a run of a foreign tenant': {
    code: 'run_not_found',
    ask: ({ api, runId }) =>
      api.ask('GET', inMain(`/runs/${runId}`), { bearer: tokenOf(api.cloud, { tenantId: 'another' }) }),
  },
  'an unknown route': {
    code: 'route_not_found',
    ask: ({ api }) => api.ask('GET', '/v1/nowhere'),
  },
  'an unknown method': {
    code: 'method_not_allowed',
    ask: ({ api }) => api.ask('DELETE', inMain('/runs')),
  },
  'an unknown run': {
    code: 'run_not_found',
    ask: ({ api }) => api.ask('GET', inMain('/runs/run_01JAAAAAAAAAAAAAAAAAAAAAAA')),
  },
  'an unknown feed': { code: 'feed_not_found', ask: ({ api }) => api.ask('GET', inMain('/feeds/none')) },
  'broken JSON': {
    code: 'invalid_json',
    ask: post('/runs', { body: '{"selection": ["demo.a"', headers: json }),
  },
  'another media type': {
    code: 'unsupported_media_type',
    ask: post('/runs', { body: 'selection=demo.a', headers: { 'content-type': 'text/plain' } }),
  },
  'a body over the limit': {
    code: 'payload_too_large',
    ask: post('/runs', { body: `{"selection":["${'a'.repeat(1_048_576)}"]}`, headers: json }),
    says: { details: { limitBytes: 1_048_576 } },
  },
  'a manifest with faults that is larger than any other body may be': {
    code: 'invalid_manifest',
    ask: post('/manifests', { body: `{"none":"${'a'.repeat(1_048_576)}"}`, headers: json }),
  },
  'a manifest over its own limit': {
    code: 'payload_too_large',
    ask: post('/manifests', { body: `{"none":"${'a'.repeat(6_291_456)}"}`, headers: json }),
    says: { details: { limitBytes: 6_291_456 } },
  },
  'an unknown field': {
    code: 'invalid_request',
    ask: post('/runs', { body: { selection: ['demo.a'], selektion: 1 } }),
  },
  'an unknown asset': { code: 'invalid_selection', ask: post('/runs', { body: { selection: ['demo.z'] } }) },
  'a run in a workspace without a manifest': {
    code: 'no_manifest',
    ask: ({ api }) => api.ask('POST', '/v1/workspaces/empty/runs', { body: { selection: ['demo.a'] } }),
  },
  'an asset key that is none': {
    code: 'invalid_asset_key',
    ask: ({ api }) => api.ask('GET', inMain('/partitions?assetKey=a')),
  },
  'a summary of an asset that has no partitions': {
    code: 'partitions_not_found',
    ask: ({ api }) => api.ask('GET', inMain('/assets/demo.a/partitions/summary')),
  },
  'a foreign cursor': {
    code: 'invalid_cursor',
    ask: ({ api }) => api.ask('GET', inMain('/runs?cursor=bm90LW91cnM')),
  },
  'a page over the limit': {
    code: 'invalid_request',
    ask: ({ api }) => api.ask('GET', inMain('/runs?limit=201')),
  },
  'a bad feed': {
    code: 'invalid_feed_config',
    ask: ({ api }) => api.ask('PUT', inMain('/feeds/bad'), { body: { sources: [] } }),
  },
  'a token of the API at a callback': {
    code: 'invalid_token',
    ask: ({ api, task }) =>
      callback(api, 'completed', { ...task, taskToken: api.token }, { outcome: 'SUCCEEDED' }),
    says: { error: 'invalid_token' },
  },
  'a task token at the API': {
    code: 'invalid_token',
    ask: listAs(({ task }) => task.taskToken),
  },
  'a callback without a token': {
    code: 'missing_token',
    ask: ({ api, task }) =>
      api.ask('POST', `/v1/callbacks/${task.taskId}/completed`, {
        bearer: null,
        body: { outcome: 'SUCCEEDED' },
      }),
  },
  'a callback about another task': {
    code: 'invalid_token',
    ask: ({ api, task }) =>
      api.ask('POST', `/v1/callbacks/${task.taskId.slice(0, -4)}AAAA/completed`, {
        bearer: task.taskToken,
        body: { attempt: 1, attemptId: task.attemptId, workerId: 'w1', outcome: 'SUCCEEDED' },
      }),
  },
  'a wrong attempt': {
    code: 'attempt_mismatch',
    ask: completed({ attempt: 2 }),
    says: { error: 'attempt_mismatch', expectedAttempt: 1, receivedAttempt: 2 },
  },
  'a wrong attempt id': {
    code: 'attempt_id_mismatch',
    ask: completed({ attemptId: 'att_000000000000000000000000' }),
    says: { receivedAttemptId: 'att_000000000000000000000000' },
  },
  'a callback with an unknown field': { code: 'invalid_request', ask: completed({ result2: {} }) },
  'a start by another worker': {
    code: 'attempt_already_started',
    ask: ({ api, task }) => callback(api, 'started', task, { workerId: 'w2' }),
  },
};

describe('a refused request', () => {
  it.each(Object.entries(refusals))(
    'for %s has its code and status, and its neighbour goes on',
    async (_, refusal) => {
      const scene = await stage();
      const answer = await refusal.ask(scene);
      expect(answer).toMatchObject({
        status: errorCatalogue[refusal.code].status,
        body: {
          code: refusal.code,
          retryable: errorCatalogue[refusal.code].retryable,
          requestId: expect.stringMatching(/./),
          message: expect.stringMatching(/./),
          ...refusal.says,
        },
      });
      const { api, task, runId } = scene;
      expect(await succeed(api, task)).toMatchObject({ status: 200 });
      expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
      await api.cloud.settle();
      expect(api.cloud.faultLines()).toEqual([]);
    },
  );
});
