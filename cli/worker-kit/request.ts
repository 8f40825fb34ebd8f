/** One request of a worker, and what its answer means to whoever asked. */
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { whenAborted } from '#cli/worker-kit/pause.ts';

export interface WorkerRequest {
  readonly url: string;
  readonly token: string;
  readonly body: unknown;
  readonly idempotencyKey?: string;
  /** How long an answer is waited for. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export type Answer =
  | { readonly kind: 'taken'; readonly body: unknown }
  /** It was not taken, or nobody knows: the same request is worth repeating, after so many ms if the server says so. */
  | { readonly kind: 'again'; readonly message: string; readonly afterMs?: number; readonly code?: string }
  /** 401, 403, 404, 409 and 410: the asker is not wanted, or no longer. */
  | { readonly kind: 'unwanted'; readonly code: string; readonly message: string }
  /** Any other refusal: the request has a fault, and would have it again. */
  | { readonly kind: 'faulty'; readonly code: string; readonly message: string };

/** Sends a request; it answers always and never throws. */
export type Post = (request: WorkerRequest) => Promise<Answer>;

/** Sends a request with `fetch`. Redirects are not followed: they would carry the token elsewhere. */
export const post: Post = async ({ url, token, body, idempotencyKey, timeoutMs, signal }) => {
  const cut = new AbortController();
  const timer = setTimeout(() => cut.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  const detach = signal ? whenAborted(signal, () => cut.abort(new Error('was cut off'))) : () => undefined;
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'x-request-id': randomUUID(),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: cut.signal,
    });
    return answerOf(response.status, await response.text());
  } catch (error) {
    return { kind: 'again', message: `${new URL(url).origin} does not answer: ${messageOf(error)}` };
  } finally {
    clearTimeout(timer);
    detach();
  }
};

const Refusal = z.object({
  code: z.string(),
  message: z.string(),
  retryable: z.boolean().default(false),
  retryAfterMs: z.int().min(0).optional(),
});

const UNWANTED = [401, 403, 404, 409, 410];
const AGAIN = [408, 429];

/** What a status and a body mean; whoever stands between worker and API may answer without our error body. */
export const answerOf = (status: number, text: string): Answer => {
  const body = parsed(text);
  if (status >= 200 && status < 300)
    return body === undefined
      ? { kind: 'again', message: `the answer (${status}) is no JSON` }
      : { kind: 'taken', body };
  const { code, message, retryable, retryAfterMs } = Refusal.catch({
    code: `status_${status}`,
    message: `status ${status}`,
    retryable: false,
  }).parse(body);
  if (retryable || status >= 500 || AGAIN.includes(status))
    return { kind: 'again', code, message, ...(retryAfterMs === undefined ? {} : { afterMs: retryAfterMs }) };
  return { kind: UNWANTED.includes(status) ? 'unwanted' : 'faulty', code, message };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** What an error says, whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
