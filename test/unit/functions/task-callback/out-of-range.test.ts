import { expect, it } from 'vitest';
import { ApiError } from '#functions/shared/api-error.ts';
import type { ApiRequest } from '#functions/shared/http.ts';
import { callbackOperation } from '#functions/task-callback/task-callback.ts';
import type { CallbackPorts } from '#functions/task-callback/task-callback.ts';

const unreachable = (): never => {
  throw new Error('the body is checked before anything else');
};
const ports = {
  loadRun: unreachable,
  tokens: { verify: unreachable },
  telemetry: { count: () => undefined, log: () => undefined },
} as unknown as CallbackPorts;

const refusalOf = async (kind: 'started' | 'heartbeat', body: unknown): Promise<ApiError> => {
  try {
    await callbackOperation(ports, kind)({ body, path: {}, bearer: 'token' } as unknown as ApiRequest);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

it.each([
  ['started', { attempt: 0 }, 'invalid_argument'],
  ['started', { attempt: -1 }, 'invalid_argument'],
  ['heartbeat', { attempt: 1, progressPct: 101 }, 'invalid_argument'],
  ['heartbeat', { attempt: 1, progressPct: -1 }, 'invalid_argument'],
  ['heartbeat', { attempt: 1, progressPct: 100 }, 'invalid_request'],
  ['started', { attempt: '1' }, 'invalid_request'],
  ['started', {}, 'invalid_request'],
  ['started', null, 'invalid_request'],
  ['started', 'text', 'invalid_request'],
] as const)('a %s report of %j is refused with %s', async (kind, body, code) => {
  const refusal = await refusalOf(kind, body);

  expect(refusal.code).toBe(code);
  expect(refusal.members).toMatchObject({ error: code });
});
