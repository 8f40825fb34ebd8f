/** Creating, listing and revoking API keys. */
import { ulid } from 'ulid';
import type { ApiKeyView } from '#contracts/access/answers.ts';
import { CreateApiKeyRequest } from '#contracts/access/requests.ts';
import { ApiKeyId } from '#contracts/ids.ts';
import { mintApiKey } from '#adapters/tokens/api-key.ts';
import type { ApiKey } from '#domain/access/state.ts';
import { accessOf, instant, pageOf, settle } from '#functions/api-access/access-ports.ts';
import type { AccessPorts } from '#functions/api-access/access-ports.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { parseBody } from '#functions/shared/http.ts';
import type { Operation } from '#functions/shared/http.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { tenantCallerOf } from '#functions/shared/request.ts';

/** Creates a key: 201 with its secret, or 200 without it when the Idempotency-Key had created it before. */
export const createApiKey =
  (ports: AccessPorts): Operation =>
  async (request) => {
    refuseSecrets(request.body);
    const { name, role, workspaces, expiresAt } = parseBody(CreateApiKeyRequest, request.body);
    const fresh = `key_${ulid(ports.nowMs())}` as ApiKeyId;
    const { text, secretHash } = mintApiKey(tenantCallerOf(request).tenantId, fresh);
    const { access, events, isRepeat } = await settle(ports, request, {
      operationId: 'createApiKey',
      command: {
        type: 'CreateApiKey',
        keyId: fresh,
        name,
        role,
        workspaces,
        secretHash,
        ...(expiresAt === undefined ? {} : { expiresAtMs: Date.parse(expiresAt) }),
      },
    });
    const keyId = ApiKeyId.parse(events[0]?.data['keyId']);
    const key = access.keys.get(keyId);
    if (!key) throw keyNotFound(keyId);
    const apiKey = viewOf([keyId, key]);
    return isRepeat ? { status: 200, body: { apiKey } } : { status: 201, body: { apiKey, secret: text } };
  };

/** One page of the keys that were not revoked. */
export const listApiKeys =
  (ports: AccessPorts): Operation =>
  async (request) => {
    const { page, ...cursor } = pageOf(request, 'api-keys', (await accessOf(ports, request)).keys);
    return { status: 200, body: { apiKeys: page.map(viewOf), ...cursor } };
  };

/** Revokes a key: 200, or 404 when there is none. */
export const revokeApiKey =
  (ports: AccessPorts): Operation =>
  async (request) => {
    const keyId = ApiKeyId.safeParse(request.path['keyId']);
    if (!keyId.success) throw keyNotFound(String(request.path['keyId']));
    const command = { type: 'RevokeApiKey', keyId: keyId.data } as const;
    await settle(ports, request, { operationId: 'revokeApiKey', command });
    return { status: 200, body: { keyId: keyId.data, status: 'revoked' } };
  };

const keyNotFound = (keyId: string): ApiError =>
  new ApiError('api_key_not_found', `there is no API key ${keyId}, or it was revoked`);

const viewOf = ([keyId, key]: readonly [ApiKeyId, ApiKey]): ApiKeyView => ({
  keyId,
  name: key.name,
  role: key.role,
  workspaces: [...key.workspaces],
  createdAt: instant(key.atMs),
  createdBy: key.by,
  ...(key.expiresAtMs === undefined ? {} : { expiresAt: instant(key.expiresAtMs) }),
});
