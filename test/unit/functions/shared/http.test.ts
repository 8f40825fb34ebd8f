import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { accessTokenVerifier } from '#adapters/tokens/access-token.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { ContentionError } from '#functions/shared/command-handler.ts';
import { credentialVerifier } from '#functions/shared/credentials.ts';
import { httpHandler, httpStream, parseBody, parseQuery } from '#functions/shared/http.ts';
import type { ApiRequest, Operation } from '#functions/shared/http.ts';
import { adaptersOf, witness } from '#test/support/ledger.ts';
import type { Witness } from '#test/support/ledger.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import { answerOf, AUDIENCE, ISSUER, proxyEventOf, testIssuer } from '#test/support/ports-http.ts';
import type { TestIssuer, TestRequest } from '#test/support/ports-http.ts';
import { person, verified } from '#test/support/principals.ts';
import { rejectWith } from '#test/support/thrown.ts';

const RUNS = {
  path: '/v1/workspaces/prod/runs',
  resource: '/v1/workspaces/{workspaceId}/runs',
  parameters: { workspaceId: 'prod' },
};
const CALLBACK = {
  method: 'POST',
  path: '/v1/callbacks/ct1_x/started',
  resource: '/v1/callbacks/{taskId}/started',
  parameters: { taskId: 'ct1_x' },
};
const BODY_MAX = 1_000;

describe('the front of the API', () => {
  let stage: ReturnType<typeof adaptersOf>;
  let issuer: TestIssuer;
  let token: string;
  let telemetry: Witness;
  let served: ApiRequest[];
  beforeAll(async () => {
    stage = adaptersOf(await localStage());
    issuer = await testIssuer();
    token = await issuer.token();
  });
  beforeEach(() => {
    telemetry = witness();
    served = [];
  });

  const call = (request: TestRequest, operation?: Operation, fetch = issuer.fetch) =>
    callRaw(proxyEventOf(request), operation, fetch);
  const callRaw = async (
    event: ReturnType<typeof proxyEventOf>,
    operation?: Operation,
    fetch = issuer.fetch,
  ) => {
    const serve: Operation =
      operation ??
      ((received) => {
        served.push(received);
        return Promise.resolve({ status: 200, body: { ok: true } });
      });
    const handle = httpHandler({
      operations: { getHealth: serve, listRuns: serve, triggerRun: serve, reportTaskStarted: serve },
      verify: credentialVerifier({
        ledger: stage.ledger,
        keptMs: 0,
        nowMs: () => START_MS,
        verifyToken: accessTokenVerifier({
          issuer: ISSUER,
          audience: AUDIENCE,
          jwksUrl: `${ISSUER}/jwks.json`,
          nowMs: () => START_MS,
          fetch,
        }),
      }),
      telemetry: { ...telemetry, flush: () => undefined },
      bodyBytesMax: BODY_MAX,
      bodyBytesMaxOf: { reportTaskStarted: BODY_MAX + 1 },
      nowMs: () => START_MS,
    });
    return answerOf(await handle(event));
  };

  it('takes larger bodies where an operation has a limit of its own', async () => {
    const report = { method: 'POST', path: '/v1/callbacks/t/started', token: 'task-token' };
    const started = { ...report, resource: '/v1/callbacks/{taskId}/started' };

    expect(await call({ ...started, text: `"${'x'.repeat(BODY_MAX - 1)}"` })).toMatchObject({ status: 200 });
    expect(await call({ ...started, text: `"${'x'.repeat(BODY_MAX)}"` })).toMatchObject({
      status: 413,
      body: { details: { limitBytes: BODY_MAX + 1 } },
    });
  });

  it('hands a checked request to its operation', async () => {
    const answer = await call({
      ...RUNS,
      method: 'POST',
      token,
      body: { a: 1 },
      query: { limit: '5' },
      headers: { 'Idempotency-Key': 'key-1', 'X-Request-Id': 'mine' },
    });

    expect(answer).toMatchObject({ status: 200, body: { ok: true }, headers: { 'x-request-id': 'mine' } });
    expect(served).toMatchObject([
      {
        requestId: 'mine',
        principal: {
          kind: 'user',
          userId: 'ops@acme.example',
          tenantId: 'acme',
          held: [{ workspaceId: 'prod', role: 'admin' }],
        },
        path: { workspaceId: 'prod' },
        query: { limit: '5' },
        idempotencyKey: 'key-1',
        body: { a: 1 },
        baseUrl: 'https://api.test/dev',
      },
    ]);
    expect(telemetry.counted).toEqual(
      new Map([
        ['RequestsServed', 1],
        ['RequestMs', 0],
      ]),
    );
  });

  it('serves health without a credential', async () => {
    expect(await call({ path: '/health' })).toMatchObject({ status: 200 });
  });

  it('leaves a task token to the operation that knows the task', async () => {
    await call({ ...CALLBACK, token: 'task-token', body: {} });

    expect(served).toMatchObject([{ bearer: 'task-token', principal: undefined }]);
  });

  interface Row {
    readonly code: string;
    readonly status: number;
    readonly request: TestRequest | (() => Promise<TestRequest>);
    readonly details?: object;
  }
  const expired = () => issuer.token({}, { expiresAtMs: START_MS - 120_000 });
  const foreignIssuer = () => issuer.token({}, { issuer: 'https://other.test' });
  const rows: readonly Row[] = [
    { code: 'missing_token', status: 401, request: RUNS },
    { code: 'missing_token', status: 401, request: CALLBACK },
    { code: 'missing_token', status: 401, request: { ...RUNS, headers: { Authorization: 'Basic abc' } } },
    { code: 'invalid_token', status: 401, request: { ...RUNS, token: 'nonsense' } },
    { code: 'invalid_token', status: 401, request: async () => ({ ...RUNS, token: await foreignIssuer() }) },
    { code: 'token_expired', status: 401, request: async () => ({ ...RUNS, token: await expired() }) },
    {
      code: 'forbidden',
      status: 403,
      request: async () => ({
        ...RUNS,
        method: 'POST',
        token: await issuer.token({ role: 'viewer' }),
        body: {},
      }),
      details: { requiredRole: 'operator' },
    },
    {
      code: 'not_found',
      status: 404,
      request: async () => ({ ...RUNS, token: await issuer.token({ workspace_id: 'other' }) }),
    },
    { code: 'route_not_found', status: 404, request: { path: '/v1/nothing' } },
    { code: 'route_not_found', status: 404, request: { path: '/v1/nothing', resource: '/{proxy+}' } },
    { code: 'method_not_allowed', status: 405, request: { ...RUNS, method: 'DELETE' } },
    { code: 'invalid_json', status: 400, request: async () => ({ ...(await trigger()), text: '{"a":' }) },
    {
      code: 'payload_too_large',
      status: 413,
      request: async () => ({ ...(await trigger()), text: `"${'x'.repeat(BODY_MAX - 1)}"` }),
      details: { limitBytes: BODY_MAX },
    },
    {
      code: 'invalid_request',
      status: 400,
      request: async () => ({ ...(await trigger()), text: `${'['.repeat(65)}${']'.repeat(65)}` }),
    },
    {
      code: 'invalid_request',
      status: 400,
      request: async () => ({ ...(await trigger()), text: '{"labels":{"__proto__":"x"}}' }),
    },
    {
      code: 'unsupported_media_type',
      status: 415,
      request: async () => ({
        ...(await trigger()),
        text: '[]',
        headers: { 'Content-Type': 'application/json-patch+json' },
      }),
    },
    {
      code: 'unsupported_media_type',
      status: 415,
      request: async () => ({ ...(await trigger()), text: 'a=1', headers: { 'Content-Type': 'text/plain' } }),
    },
    {
      code: 'invalid_request',
      status: 400,
      request: async () => ({ ...(await trigger()), headers: { 'idempotency-key': 'two words' } }),
    },
  ];
  const trigger = () => Promise.resolve({ ...RUNS, method: 'POST', token });

  it.each(rows.map((row, index) => [`${index + 1}`, row.code, row] as const))(
    'refuses what it must (%s: %s) and serves the next caller',
    async (_index, code, { status, request, details }) => {
      const answer = await call(typeof request === 'function' ? await request() : request);

      expect(answer).toMatchObject({
        status,
        headers: {
          'x-request-id': 'gateway-request',
          'content-type': 'application/json',
          'cache-control': 'no-store',
        },
        body: { code, requestId: 'gateway-request', retryable: false, ...(details ? { details } : {}) },
      });
      expect(telemetry.counted.get('RequestsRefused')).toBe(1);
      expect(served).toEqual([]);
      expect(await call({ ...RUNS, token })).toMatchObject({ status: 200 });
    },
  );

  it('bears a request without headers, and a query or a variable without a value', async () => {
    const event = proxyEventOf({ path: '/health' });
    const bare = {
      ...event,
      headers: null,
      queryStringParameters: { limit: null },
      pathParameters: { a: undefined },
    };

    expect(await callRaw(bare as unknown as typeof event)).toMatchObject({
      status: 200,
      headers: { 'x-request-id': 'gateway-request' },
    });
    expect(served).toMatchObject([{ query: { limit: '' }, path: { a: '' } }]);
  });

  it('takes quotes inside of strings for what they are', async () => {
    const text = `{"a":"${String.raw`\"[[[[`.repeat(40)}"}`;

    expect(await call({ ...(await trigger()), text })).toMatchObject({ status: 200 });
  });

  it.each([
    [new Error('broken'), { errorName: 'Error', errorMessage: 'broken' }],
    ['just text', { errorName: 'unknown', errorMessage: 'just text' }],
  ])('hides the fault %s from its caller and logs it', async (thrown, logged) => {
    const answer = await call({ ...RUNS, token }, () => rejectWith(thrown));

    expect(answer).toMatchObject({ status: 500, body: { code: 'internal', retryable: true } });
    expect(telemetry.logged).toMatchObject([{ level: 'error', fields: logged }]);
  });

  it('says which methods a path answers to one it does not, and nothing of the kind otherwise', async () => {
    const refused = await call({ ...RUNS, method: 'DELETE' });

    expect(refused).toMatchObject({ status: 405, headers: { allow: 'POST, GET' } });
    expect(refused.body['message']).toMatch(/does not answer DELETE; it answers POST and GET$/);
    expect((await call({ path: '/v1/nothing' })).headers).not.toHaveProperty('allow');
    expect((await call({ ...RUNS, token })).headers).not.toHaveProperty('allow');
  });

  it('takes a body of exactly the limit, and one in base64', async () => {
    const text = `"${'x'.repeat(BODY_MAX - 2)}"`;

    expect(await call({ ...(await trigger()), text })).toMatchObject({ status: 200 });
    const event = proxyEventOf({ ...(await trigger()), text: Buffer.from('{"é":1}').toString('base64') });
    const handle = httpHandler({
      operations: {
        triggerRun: ({ body }) => Promise.resolve({ status: 200, body }),
      },
      verify: () => Promise.resolve(verified(person())),
      telemetry: { ...telemetry, flush: () => undefined },
      bodyBytesMax: BODY_MAX,
      nowMs: () => START_MS,
    });
    expect(answerOf(await handle({ ...event, isBase64Encoded: true })).body).toEqual({ é: 1 });
  });

  it.each([
    ['given', 'abc-1._Z', 'abc-1._Z'],
    ['too long', 'x'.repeat(129), 'gateway-request'],
    ['with foreign characters', 'a b', 'gateway-request'],
  ])('answers a request id that is %s', async (_name, given, expected) => {
    const answer = await call({ path: '/health', headers: { 'x-request-id': given } });

    expect(answer.headers['x-request-id']).toBe(expected);
  });

  it('leaves a path that is no valid encoding to the operation', async () => {
    await call({ ...RUNS, token, parameters: { workspaceId: 'prod', odd: '%E0%A4' } });

    expect(served).toMatchObject([{ path: { odd: '%E0%A4' } }]);
  });

  it('tells callers when to come again', async () => {
    const answer = await call({ ...RUNS, token }, () => Promise.reject(new ContentionError('run#x', 8)));

    expect(answer).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { code: 'contention', retryable: true, retryAfterMs: 1_000 },
    });
  });

  it.each([
    ['throttles', { name: 'ProvisionedThroughputExceededException', $fault: 'client' }],
    ['has a fault', { name: 'InternalFailure', $fault: 'server', $metadata: { httpStatusCode: 500 } }],
    ['does not answer', { name: 'TimeoutError' }],
  ])('tells callers to come again when a service %s, and the log why', async (_case, members) => {
    const fault = Object.assign(new Error('of table sluice-dev-ledger'), members);
    const answer = await call({ ...RUNS, token }, () => Promise.reject(fault));

    expect(answer).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      body: { code: 'unavailable', message: 'a service Sluice needs is busy or does not answer' },
    });
    expect(telemetry.logged).toMatchObject([{ level: 'error', fields: { errorName: members.name } }]);
  });

  it('does not take a refusal of a service for its absence', async () => {
    const refusal = Object.assign(new Error('no'), { name: 'AccessDeniedException', $fault: 'client' });

    expect(await call({ ...RUNS, token }, () => Promise.reject(refusal))).toMatchObject({ status: 500 });
  });

  it('does not call a token bad while the issuer is away', async () => {
    const answer = await call({ ...RUNS, token }, undefined, () =>
      Promise.reject(new TypeError('fetch failed')),
    );

    expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable', retryable: true } });
  });

  it('says nothing of an unexpected fault but where to find it', async () => {
    const answer = await call({ ...RUNS, token }, () => Promise.reject(new Error('password=planted')));

    expect(answer).toMatchObject({ status: 500, body: { code: 'internal', requestId: 'gateway-request' } });
    expect(JSON.stringify(answer)).not.toContain('planted');
    expect(telemetry.logged).toMatchObject([{ level: 'error', fields: { requestId: 'gateway-request' } }]);
    expect(telemetry.counted.get('CommandsFailed')).toBe(1);
  });

  it('carries the details and members of a refusal', async () => {
    const refusal = new ApiError('stale_attempt', 'old', {
      details: { a: 1 },
      members: { error: 'stale_attempt' },
    });

    const answer = await call({ ...RUNS, token }, () => Promise.reject(refusal));

    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'stale_attempt', error: 'stale_attempt', details: { a: 1 } },
    });
  });
});

describe('parsing', () => {
  const Schema = z.strictObject({ a: z.int(), b: z.array(z.string()) });

  it('lists every issue with its place', () => {
    const parse = () => parseBody(Schema, { a: 'x', b: [1], c: 2 });

    expect(parse).toThrow(ApiError);
    try {
      parse();
    } catch (error) {
      expect(error).toMatchObject({
        code: 'invalid_request',
        details: { issues: [{ path: 'a' }, { path: 'b.0' }, {}] },
      });
    }
  });

  it('names three issues and counts the others, so that a misspelt member is seen beside the one that is missing', () => {
    const messageOf = (body: object): unknown => {
      try {
        return parseBody(Schema, body);
      } catch (error) {
        return error instanceof ApiError ? error.message : error;
      }
    };

    expect(messageOf({ aa: 1, b: [] })).toMatch(
      /^the body is not as described: a Invalid input: [^;]+; Unrecognized key: "aa"$/,
    );
    expect(messageOf({ a: 1, b: [1, 2, 3] })).toMatch(/^[^;]+; b\.1 [^;]+; b\.2 [^;]+number$/);
    expect(messageOf({ a: 1, b: [1, 2, 3, 4] })).toMatch(/; b\.2 [^;]+ and 1 more$/);
    expect(messageOf([])).toBe(
      'the body is not as described: Invalid input: expected object, received array',
    );
  });

  it('takes a missing body for an empty one', () => {
    expect(parseBody(z.object({}), undefined)).toEqual({});
    expect(parseQuery(z.object({ limit: z.coerce.number().default(5) }), {})).toEqual({ limit: 5 });
  });

  describe('streamed', () => {
    const witnessed = witness();
    const telemetry = { ...witnessed, flush: () => undefined };
    const streamed = async (chunks: () => AsyncGenerator<string>, writes: (text: string) => boolean) => {
      const heads: unknown[] = [];
      const sent: string[] = [];
      const serve: Operation = () =>
        Promise.resolve({ status: 200, contentType: 'text/event-stream', body: undefined, chunks: chunks() });
      const handle = httpStream({
        operations: { getHealth: serve },
        telemetry,
        bodyBytesMax: BODY_MAX,
        nowMs: () => START_MS,
      });
      await handle(proxyEventOf({ path: '/health' }), (head) => {
        heads.push(head);
        return {
          write: (text) => {
            sent.push(text);
            return Promise.resolve(writes(text));
          },
        };
      });
      return { heads, sent };
    };

    it('sends the head, then piece by piece, and stops when the receiver has gone', async () => {
      let given = 0;
      const { heads, sent } = await streamed(
        async function* () {
          for (;;) yield await Promise.resolve(`piece ${++given}`);
        },
        (text) => text !== 'piece 2',
      );
      expect(heads).toMatchObject([{ statusCode: 200, headers: { 'content-type': 'text/event-stream' } }]);
      expect(sent).toEqual(['piece 1', 'piece 2']);
      expect(given).toBe(2);
    });

    it('breaks off where what it tells cannot be read, and says so in the log', async () => {
      const { sent } = await streamed(
        async function* () {
          yield await Promise.resolve('one');
          throw new Error('the ledger is gone');
        },
        () => true,
      );
      expect(sent).toEqual(['one']);
      expect(JSON.stringify(witnessed.logged)).toContain('the ledger is gone');
    });
  });
});
