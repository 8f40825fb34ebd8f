import { afterEach, describe, expect, it, vi } from 'vitest';
import { answerOf, post } from '#cli/worker-kit/request.ts';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const request = { url: 'https://api.test/dev/v1/x', token: 'tok', body: { a: 1 }, timeoutMs: 1_000 };
const refusal = (more: object): string =>
  JSON.stringify({ code: 'c', message: 'm', requestId: 'r', ...more });

describe('an answer', () => {
  it.each([
    [200, '{"a":1}', { kind: 'taken', body: { a: 1 } }],
    [299, '[]', { kind: 'taken', body: [] }],
    [200, '<html>', { kind: 'again', message: 'the answer (200) is no JSON' }],
    [302, '', { kind: 'faulty', code: 'status_302', message: 'status 302' }],
    [400, refusal({ retryable: false }), { kind: 'faulty', code: 'c', message: 'm' }],
    [401, refusal({}), { kind: 'unwanted', code: 'c', message: 'm' }],
    [403, '{"message":"Forbidden"}', { kind: 'unwanted', code: 'status_403', message: 'status 403' }],
    [404, refusal({}), { kind: 'unwanted', code: 'c', message: 'm' }],
    [409, refusal({}), { kind: 'unwanted', code: 'c', message: 'm' }],
    [409, refusal({ retryable: true }), { kind: 'again', code: 'c', message: 'm' }],
    [410, refusal({}), { kind: 'unwanted', code: 'c', message: 'm' }],
    [413, refusal({}), { kind: 'faulty', code: 'c', message: 'm' }],
    [408, '', { kind: 'again', code: 'status_408', message: 'status 408' }],
    [429, refusal({ retryAfterMs: 7_000 }), { kind: 'again', code: 'c', message: 'm', afterMs: 7_000 }],
    [499, '', { kind: 'faulty', code: 'status_499', message: 'status 499' }],
    [500, refusal({ retryable: false }), { kind: 'again', code: 'c', message: 'm' }],
    [503, 'down', { kind: 'again', code: 'status_503', message: 'status 503' }],
  ])('of %i %s means %j', (status, text, expected) => {
    expect(answerOf(status, text)).toEqual(expected);
  });
});

describe('a request', () => {
  it.each([undefined, 'key-1'])(
    'carries token and body, and the key if it has one: %s',
    async (idempotencyKey) => {
      const fetched = vi.fn((_url: string, _init: RequestInit) =>
        Promise.resolve(new Response('{"ok":true}')),
      );
      vi.stubGlobal('fetch', fetched);

      const answer = await post({ ...request, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) });

      expect(answer).toEqual({ kind: 'taken', body: { ok: true } });
      const [url, init] = fetched.mock.calls[0] ?? [];
      expect([url, init?.method, init?.body, init?.redirect]).toEqual([
        request.url,
        'POST',
        '{"a":1}',
        'manual',
      ]);
      expect(init?.headers).toMatchObject({
        authorization: 'Bearer tok',
        'content-type': 'application/json',
      });
      expect(new Headers(init?.headers).get('idempotency-key')).toBe(idempotencyKey ?? null);
    },
  );

  it('that finds nobody is worth repeating, and its token stays out of the message', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed')));

    expect(await post(request)).toEqual({
      kind: 'again',
      message: 'https://api.test does not answer: fetch failed',
    });
  });

  /** A server that holds its answer back until the request is cut. */
  const holdBack = (): void =>
    void vi.stubGlobal(
      'fetch',
      (_url: string, { signal }: RequestInit) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error))),
    );

  it('is cut when its time is over', async () => {
    vi.useFakeTimers();
    holdBack();
    const answering = post(request);
    await vi.advanceTimersByTimeAsync(1_000);

    expect(await answering).toHaveProperty(
      'message',
      'https://api.test does not answer: no answer within 1000 ms',
    );
  });

  it.each([true, false])('is cut by its signal, had it come before: %s', async (isBefore) => {
    vi.useFakeTimers();
    holdBack();
    const cut = new AbortController();
    if (isBefore) cut.abort();
    const answering = post({ ...request, signal: cut.signal });
    cut.abort();

    expect(await answering).toEqual({
      kind: 'again',
      message: 'https://api.test does not answer: was cut off',
    });
    expect(vi.getTimerCount()).toBe(0);
  });
});
