/** A tenant that registers a workspace, hands out a key and a role, and takes all of it back. */
import { ApiKeyId } from '#contracts/ids.ts';
import { accessAggregate, accessStream } from '#domain/access/access.ts';
import { roleGrantId } from '#domain/access/decide.ts';
import { auditAggregate, auditStream } from '#domain/audit/audit.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import { ledgerSamples, sampleFile, SAMPLE_START_MS } from '#test/contract/samples/sample.ts';
import type { Samples } from '#test/contract/samples/sample.ts';
import { scopeOf } from '#test/contract/samples/scope.ts';
import { StreamHarness } from '#test/support/market-harness.ts';

const { tenantId, workspaceId } = scopeOf;
const keyId = ApiKeyId.parse('key_01KDZ3NQ0000000000000CAFE0');
const expiresAtMs = SAMPLE_START_MS + 90 * 86_400_000;
const made = { createdAt: new Date(SAMPLE_START_MS).toISOString(), createdBy: 'ada@example.com' };
const grant = { subject: 'bob@example.com', workspaceId, role: 'operator' } as const;
const wish = { name: 'nightly deploys', role: 'developer', workspaces: [workspaceId] } as const;

/** Samples of access: the requests, what they record, and what admins get. */
export const accessSamples = (): Samples => {
  const harness = new StreamHarness(accessAggregate, accessStream(tenantId));
  harness.nowMs = SAMPLE_START_MS;
  harness.send({ type: 'RegisterWorkspace', workspaceId, displayName: 'Main' });
  harness.send({ type: 'ConfigureTenant', workspacePolicy: 'registered' });
  harness.send({ type: 'CreateApiKey', keyId, ...wish, secretHash: sha256Hex('sample'), expiresAtMs });
  harness.send({ type: 'GrantRole', ...grant });
  harness.send({ type: 'RevokeApiKey', keyId });
  harness.send({ type: 'RevokeRole', grantId: roleGrantId(grant) });
  harness.send({ type: 'CloseWorkspace', workspaceId });
  const apiKey = { keyId, ...wish, ...made, expiresAt: new Date(expiresAtMs).toISOString() };
  const roleGrant = {
    grantId: roleGrantId(grant),
    ...grant,
    grantedAt: made.createdAt,
    grantedBy: made.createdBy,
  };
  const workspace = {
    workspaceId,
    displayName: 'Main',
    status: 'closed',
    registeredAt: made.createdAt,
    registeredBy: made.createdBy,
    closedAt: made.createdAt,
    closedBy: made.createdBy,
  };
  const audits = new StreamHarness(auditAggregate, auditStream(tenantId, '01KDZ3NQ000000000000000001'));
  audits.nowMs = SAMPLE_START_MS;
  const data = {
    requestId: '0d0a2b8e-5a8a-4c9f-9d53-6f4d1a3d5c11',
    operationId: 'createApiKey',
    resource: '/v1/api-keys',
    status: 403,
    code: 'forbidden',
  };
  audits.send({ type: 'AuditRequest', data });
  const actor = { kind: 'user' as const, id: 'bob@example.com' };
  return {
    ...ledgerSamples('audit', audits.events, () => actor),
    [sampleFile('answers', 'AuditPage')]: {
      requests: [{ auditId: '01KDZ3NQ000000000000000001', ...data, at: made.createdAt, actor }],
    },
    ...ledgerSamples('access', harness.events, () => ({ kind: 'user', id: made.createdBy })),
    [sampleFile('requests', 'CreateApiKeyRequest')]: { ...wish, expiresAt: apiKey.expiresAt },
    [sampleFile('requests', 'GrantRoleRequest')]: grant,
    [sampleFile('requests', 'RegisterWorkspaceRequest')]: { displayName: 'Main' },
    [sampleFile('requests', 'ConfigureTenantRequest')]: { workspacePolicy: 'registered' },
    [sampleFile('answers', 'ApiKey')]: apiKey,
    [sampleFile('answers', 'CreatedApiKey')]: { apiKey, secret: 'shown-this-once' },
    [sampleFile('answers', 'RevokedApiKey')]: { keyId, status: 'revoked' },
    [sampleFile('answers', 'ApiKeyPage')]: { apiKeys: [apiKey] },
    [sampleFile('answers', 'RoleGrant')]: roleGrant,
    [sampleFile('answers', 'RevokedRole')]: { grantId: roleGrant.grantId, status: 'revoked' },
    [sampleFile('answers', 'RoleGrantPage')]: { roleGrants: [roleGrant] },
    [sampleFile('answers', 'Workspace')]: workspace,
    [sampleFile('answers', 'WorkspacePage')]: { workspaces: [workspace] },
    [sampleFile('answers', 'Tenant')]: {
      tenantId,
      workspacePolicy: 'registered',
      apiKeyCount: 1,
      roleGrantCount: 1,
      workspaceCount: 1,
    },
  };
};
