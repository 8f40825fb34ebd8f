import { describe, expect, it } from 'vitest';
import { callerOf } from '#functions/shared/request.ts';
import type { ApiRequest } from '#functions/shared/http.ts';
import { person } from '#test/support/principals.ts';

const request = (more: Partial<ApiRequest> = {}): ApiRequest => ({
  requestId: 'r1',
  principal: person({ userId: 'ops' }),
  bearer: undefined,
  path: { workspaceId: 'prod' },
  query: {},
  idempotencyKey: undefined,
  body: undefined,
  baseUrl: 'https://api.test',
  ...more,
});

describe('the caller of a workspace route', () => {
  it.each([[{}], [{ workspaceId: '' }], [{ workspaceId: 'Prod' }], [{ workspaceId: 'a'.repeat(64) }]])(
    'does not exist at the path %j',
    (path) => {
      expect(() => callerOf(request({ path }))).toThrow(expect.objectContaining({ code: 'not_found' }));
    },
  );

  it('is a principal: a route that lets anybody in is none', () => {
    expect(() => callerOf(request({ principal: undefined }))).toThrow('without a principal');
  });

  it('commands under a fresh id without a key, and under one of its own with it', () => {
    const identity = (more: Partial<ApiRequest> = {}, operation = 'trigger') =>
      callerOf(request(more)).commandIdentity(operation);
    const keyed = { idempotencyKey: 'k', body: { a: 1 } };

    expect(identity().commandId).not.toBe(identity().commandId);
    expect(identity()).not.toHaveProperty('requestHash');
    expect(identity(keyed)).toEqual(identity({ ...keyed, body: { a: 1 }, requestId: 'r1' }));
    expect(identity({ ...keyed, body: { a: 2 } }).commandId).toBe(identity(keyed).commandId);
    expect(identity({ ...keyed, body: { a: 2 } }).requestHash).not.toBe(identity(keyed).requestHash);
    expect(identity(keyed, 'other').commandId).not.toBe(identity(keyed).commandId);
    expect(identity({ idempotencyKey: 'k' }).requestHash).toBe(
      identity({ idempotencyKey: 'k', body: null }).requestHash,
    );
  });
});
