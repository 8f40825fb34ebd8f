import http from 'node:http';
import http2 from 'node:http2';
import net from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDispatcher } from '#local/dispatch/dispatcher.ts';
import { createFaults } from '#local/dispatch/faults.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import { memoryJournal } from '#local/kernel/journal.ts';
import { BODY_MAX_BYTES, type Listening } from '#local/wire/listen.ts';
import { createWire } from '#local/wire/wire.ts';
import { echoEngine } from '#test/unit/local/wire/echo-engine.ts';

const headers = {
  authorization: 'AWS4-HMAC-SHA256 Credential=any',
  'content-type': 'application/x-amz-json-1.0',
  'x-amz-target': 'AmazonSQS.SendMessage',
};

const wire = createWire({
  dispatcher: createDispatcher({
    engines: { sqs: echoEngine(['SendMessage', 'ReceiveMessage']) },
    journal: memoryJournal,
    faults: createFaults({
      rules: [{ service: 'sqs', operation: 'ReceiveMessage', kind: 'lost-answer' }],
      seed: 1,
      clock: virtualClock(0),
    }),
  }),
  accountId: '000000000000',
});

let listening: Listening = { port: 0, close: () => Promise.resolve() };
beforeAll(async () => {
  listening = await wire.listen(0);
});
afterAll(() => listening.close());

const url = (): string => `http://127.0.0.1:${listening.port}`;

/** One HTTP/2 exchange. */
const exchange2 = (session: http2.ClientHttp2Session, body: string, more = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const stream = session.request({ ':method': 'POST', ':path': '/', ...headers, ...more });
    let text = '';
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    stream.on('end', () => resolve(text));
    stream.on('error', reject);
    stream.end(body);
  });

it('speaks HTTP/1.1 and HTTP/2 on one port at once', async () => {
  const session = http2.connect(url());
  const big = JSON.stringify({ text: 'x'.repeat(300_000) });
  const [first, second, third] = await Promise.all([
    fetch(url(), { method: 'POST', headers, body: '{"by":1}' }).then((response) => response.json()),
    exchange2(session, '{"by":2}'),
    exchange2(session, big),
  ]);
  session.close();
  expect(first).toEqual({ echo: { by: 1 } });
  expect(second).toBe('{"echo":{"by":2}}');
  expect(third).toBe(`{"echo":${big}}`);
});

it('recognizes the protocol when the first bytes come one by one', async () => {
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = net.connect(listening.port, '127.0.0.1');
    const text = 'POST /health HTTP/1.1\r\nHost: local\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';
    socket.setNoDelay(true);
    let at = 0;
    const push = (): void => {
      socket.write(text.slice(at, at + 1));
      at++;
      if (at < 5) setImmediate(push);
      else socket.write(text.slice(at));
    };
    push();
    let received = '';
    socket.on('data', (chunk) => (received += chunk.toString()));
    socket.on('end', () => resolve(received));
    socket.on('error', reject);
  });
  expect(answer).toContain('HTTP/1.1 403');
});

it('answers health without a signature and nothing else', async () => {
  const health = await fetch(`${url()}/health`);
  expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
  expect((await fetch(`${url()}/health`, { method: 'POST' })).status).toBe(403);
  const { authorization: _, ...unsigned } = headers;
  const refused = await fetch(url(), { method: 'POST', headers: unsigned, body: '{}' });
  expect(refused.status).toBe(403);
  expect(await refused.text()).toContain('MissingAuthenticationTokenException');
});

it('refuses a body over the limit and takes one at the limit', async () => {
  const filled = (byteCount: number): string => `{"a":"${'x'.repeat(byteCount - 8)}"}`;
  const over = await fetch(url(), { method: 'POST', headers, body: filled(BODY_MAX_BYTES + 1) });
  expect(over.status).toBe(413);
  const within = await fetch(url(), { method: 'POST', headers, body: filled(BODY_MAX_BYTES) });
  expect(within.status).toBe(200);
});

it('breaks the connection when the answer is lost, on both versions', async () => {
  const lost = { 'x-amz-target': 'AmazonSQS.ReceiveMessage' };
  const code = await new Promise((resolve) => {
    const request = http.request(url(), { method: 'POST', headers: { ...headers, ...lost } }, resolve);
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    request.end('{}');
  });
  expect(code).toBe('ECONNRESET');

  const session = http2.connect(url());
  await expect(exchange2(session, '{}', lost)).rejects.toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' });
  expect(await exchange2(session, '{}')).toBe('{"echo":{}}');
  session.close();
});

it('rejects when the port is taken, and gives it back on closing', async () => {
  await expect(wire.listen(listening.port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const other = await wire.listen(0);
  const open = fetch(`http://127.0.0.1:${other.port}/health`);
  await open;
  await other.close();
  const again = await wire.listen(other.port);
  expect(again.port).toBe(other.port);
  await again.close();
});
