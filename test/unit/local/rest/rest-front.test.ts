import { request as httpRequest } from 'node:http';

import { afterEach, describe, expect, it } from 'vitest';

import { activityCounter } from '#local/kernel/activity.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import { FunctionError } from '#local/lambda/lambda-host.ts';
import type { LambdaHost, StreamListener } from '#local/lambda/lambda-host.ts';
import { gatewayFaults } from '#local/rest/gateway-error.ts';
import { BODY_BYTES_MAX, requestFront, restFront } from '#local/rest/rest-front.ts';
import type { GatewayFault } from '#local/rest/gateway-error.ts';
import type { Resource } from '#local/template/resolve-stack.ts';
import type { RestFront } from '#local/rest/rest-front.ts';
import type { RestRequest } from '#local/rest/rest-message.ts';
import { listenRest } from '#local/rest/rest-server.ts';
import type { RestServer } from '#local/rest/rest-server.ts';
import { routeTree } from '#local/rest/route-tree.ts';

type Answer = (event: Readonly<Record<string, unknown>>, listener: StreamListener) => unknown;

const answerFault = gatewayFaults([]);
const frontOf = (answer: Answer): RestFront => {
  const host: LambdaHost = {
    invoke: async (_, event, listener = {}) => answer(event as Readonly<Record<string, unknown>>, listener),
    restart: () => Promise.resolve(),
    counts: () => ({}),
    close: () => Promise.resolve(),
  };
  return restFront({
    findRoute: routeTree([
      { method: 'POST', resourcePath: '/v1/{id}', functionReference: 'fn', streams: false },
    ]),
    answerFault,
    host,
    clock: virtualClock(1_800_000_000_000),
    stage: 'dev',
    accountId: '000000000000',
    apiId: 'api',
    log: () => undefined,
  });
};
const ask = async (answer: Answer, given: Partial<RestRequest> = {}) => {
  const { status, headers, body } = await requestFront(frontOf(answer), {
    method: 'POST',
    target: '/v1/a',
    headers: {},
    body: new Uint8Array(),
    sourceIp: '127.0.0.1',
    ...given,
  });
  const text = Buffer.from(body).toString();
  return { status, headers, text, json: () => JSON.parse(text) as unknown };
};
const echo: Answer = (event) => ({ statusCode: 200, body: JSON.stringify(event) });

describe('the REST front', () => {
  it('hands a proxy event to the function', async () => {
    const answered = await ask(echo, {
      target: '/v1/a%20b?x=1&x=2&y=',
      headers: { host: 'localhost:4600', 'x-request-id': 'req-1', accept: ['a', 'b'] },
      body: Buffer.from('{"ä":1}'),
    });
    expect(answered.json()).toMatchObject({
      resource: '/v1/{id}',
      path: '/v1/a%20b',
      httpMethod: 'POST',
      headers: { host: 'localhost:4600', accept: 'b', 'x-request-id': 'req-1' },
      multiValueHeaders: { accept: ['a', 'b'] },
      queryStringParameters: { x: '2', y: '' },
      multiValueQueryStringParameters: { x: ['1', '2'], y: [''] },
      pathParameters: { id: 'a b' },
      requestContext: {
        requestId: 'req-1',
        stage: 'dev',
        domainName: 'localhost:4600',
        path: '/dev/v1/a%20b',
        identity: { sourceIp: '127.0.0.1' },
      },
      body: '{"ä":1}',
      isBase64Encoded: false,
    });
    expect(answered.headers['x-request-id']).toEqual(['req-1']);
  });

  it.each([
    ['[::1]:4600', '[::1]:4600'],
    ['LocalHost:4600', 'localhost:4600'],
    ['127.0.0.1', '127.0.0.1'],
  ])('names the host %s with its port', async (host, domainName) => {
    const answered = await ask(echo, { headers: { host } });

    expect(answered.json()).toMatchObject({ requestContext: { domainName } });
  });

  it('passes bytes that are no text as base64, both ways', async () => {
    const bytes = Uint8Array.from([0xff, 0x00]);
    const seen = (await ask(echo, { body: bytes })).json();
    expect(seen).toMatchObject({ body: '/wA=', isBase64Encoded: true });
    const answered = await ask(() => ({ statusCode: 200, body: 'aGk=', isBase64Encoded: true }));
    expect(answered.text).toBe('hi');
  });

  it('says null where there is nothing', async () => {
    expect((await ask(echo)).json()).toMatchObject({ queryStringParameters: null, body: null });
  });

  it('streams an answer as it comes', async () => {
    const answered = await ask((_, { onMeta, onChunk }) => {
      onMeta?.({ statusCode: 202, headers: { 'Content-Type': 'text/event-stream' } });
      onChunk?.(Buffer.from('a'));
      onChunk?.(Buffer.from('b'));
    });
    expect(answered).toMatchObject({ status: 202, text: 'ab' });
    expect(answered.headers['content-type']).toEqual(['text/event-stream']);
  });

  it('mints a request id when the given one is no plain word', async () => {
    const { headers } = await ask(echo, { headers: { 'x-request-id': 'a b\r\n' } });
    expect(headers['x-request-id']?.[0]).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['an unknown route', echo, { target: '/nowhere' }, 404, 'route_not_found'],
    ['an unknown method', echo, { method: 'PATCH' }, 404, 'route_not_found'],
    ['a body over the limit', echo, { body: new Uint8Array(BODY_BYTES_MAX + 1) }, 413, 'payload_too_large'],
    ['a malformed answer', () => ({ body: 'no status' }), {}, 502, 'internal'],
    [
      'a broken function',
      () => {
        throw new Error('secret detail');
      },
      {},
      502,
      'internal',
    ],
    [
      'a function out of time',
      () => {
        throw new FunctionError('Sandbox.Timedout', 'Task timed out');
      },
      {},
      504,
      'internal',
    ],
  ])('answers %s in the error contract', async (...[, answer, given, status, code]) => {
    const answered = await ask(answer, { ...given, headers: { 'x-request-id': 'r' } });
    expect(answered.status).toBe(status);
    expect(answered.json()).toMatchObject({ code, requestId: 'r', message: expect.any(String) });
    expect(answered.text).not.toContain('secret detail');
    expect(answered.headers['x-request-id']).toEqual(['r']);
  });

  it('accepts a body of exactly the limit', async () => {
    const answered = await ask(() => ({ statusCode: 204 }), { body: new Uint8Array(BODY_BYTES_MAX) });
    expect(answered.status).toBe(204);
  });
});

describe('gateway responses of a template', () => {
  const declare = (ResponseType: string, text: string, StatusCode?: string): Resource => ({
    stackName: 'api',
    logicalId: ResponseType,
    type: 'AWS::ApiGateway::GatewayResponse',
    ref: '',
    physicalName: '',
    region: '',
    accountId: '',
    awsUrl: '',
    behaviour: 'live',
    properties: {
      ResponseType,
      ResponseTemplates: { 'application/json': text },
      ...(StatusCode === undefined ? {} : { StatusCode }),
    },
  });

  it('speak for the gateway, the more special first', () => {
    const answerWith = gatewayFaults([
      declare('DEFAULT_5XX', '{"id":"$context.requestId"}'),
      declare('INTEGRATION_TIMEOUT', '"slow"', '503'),
    ]);
    const seen = (fault: GatewayFault): unknown => {
      const { status, body } = answerWith(fault, 'r');
      return [status, Buffer.from(body).toString()];
    };
    expect(seen('broken_function')).toEqual([502, '{"id":"r"}']);
    expect(seen('function_timeout')).toEqual([503, '"slow"']);
    expect(seen('no_route')).toEqual([404, expect.stringContaining('"code":"route_not_found"')]);
  });
});

describe('the REST server', () => {
  let server: RestServer | undefined;
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });
  const start = async (answer: Answer): Promise<string> => {
    server = await listenRest({ front: frontOf(answer), answerFault, activity: activityCounter(), port: 0 });
    return server.url;
  };

  it('listens on the loopback address and serves the front', async () => {
    const url = await start(echo);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    const answered = await fetch(`${url}/v1/a?q=1`, { method: 'POST', body: 'hello' });
    expect(await answered.json()).toMatchObject({ body: 'hello', queryStringParameters: { q: '1' } });
    expect(answered.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('refuses a body over the limit while it is still being sent', async () => {
    const url = await start(echo);
    const answered = await fetch(`${url}/v1/a`, { method: 'POST', body: Buffer.alloc(BODY_BYTES_MAX + 1) });
    expect(answered.status).toBe(413);
    expect(await answered.json()).toMatchObject({ code: 'payload_too_large' });
  });

  it.each([
    ['evil.example', 403],
    ['127.0.0.1.evil.example', 403],
    ['localhost:1234', 200],
    ['[::1]:80', 200],
  ])('looks at the host header %s', async (host, status) => {
    const url = new URL(await start(echo));
    const answered = await new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
      const sent = httpRequest(
        { port: url.port, host: url.hostname, path: '/v1/a', method: 'POST', headers: { host } },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('end', () => resolve({ status: response.statusCode, text }));
        },
      );
      sent.on('error', reject).end();
    });
    expect(answered.status).toBe(status);
    if (status === 403)
      expect(JSON.parse(answered.text)).toMatchObject({
        code: 'forbidden',
        message: 'this host name is not served; use 127.0.0.1',
      });
  });

  it('rejects with the error of the system when the port is taken', async () => {
    const url = new URL(await start(echo));
    await expect(
      listenRest({ front: frontOf(echo), answerFault, activity: activityCounter(), port: Number(url.port) }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
