/** Role by route, through the front every API function has: who is let in, and how everybody else is answered. */
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { Role } from '#contracts/roles.ts';
import { pathVariables, routes } from '#contracts/routes.ts';
import type { OperationId } from '#contracts/routes.ts';
import { httpHandler } from '#functions/shared/http.ts';
import type { Operation } from '#functions/shared/http.ts';
import { person, verified } from '#test/support/principals.ts';

type Admitted = readonly Role[] | 'everybody' | 'task-token' | 'tenant-admin';

const readers = ['viewer', 'operator', 'approver', 'developer', 'admin'] as const;
const operators = ['operator', 'developer', 'admin'] as const;
const approvers = ['approver', 'admin'] as const;
const developers = ['developer', 'admin'] as const;

/** Written out by hand, so that a change of a route's access is seen twice. */
const admitted: Readonly<Record<OperationId, Admitted>> = {
  getHealth: 'everybody',
  getReady: 'everybody',
  deployManifest: developers,
  listAssets: readers,
  listSchedules: readers,
  listPartitions: readers,
  summarizePartitions: readers,
  listManifests: readers,
  getManifest: readers,
  triggerRun: operators,
  backfillRunKey: operators,
  cancelRun: operators,
  getRunTask: readers,
  listTaskAttempts: readers,
  rerunRun: operators,
  listRuns: readers,
  getRun: readers,
  listRunTasks: readers,
  getRunWhy: readers,
  listLimits: readers,
  getLimit: readers,
  setLimit: operators,
  removeLimit: operators,
  listExecutionLocations: readers,
  setExecutionLocation: developers,
  removeExecutionLocation: developers,
  listRunEvents: readers,
  streamRunEvents: readers,
  reportOutputVisibility: operators,
  reportAttemptVisibility: 'task-token',
  uploadRunLog: operators,
  readRunLogs: readers,
  uploadAttemptLog: 'task-token',
  claimTasks: operators,
  reportTaskStarted: 'task-token',
  reportTaskHeartbeat: 'task-token',
  reportTaskCompleted: 'task-token',
  listFeeds: readers,
  getFeed: readers,
  putFeed: developers,
  planFeedTicks: developers,
  startFeed: operators,
  drainFeed: operators,
  stopFeed: operators,
  getFeedHealth: readers,
  resumeFeed: approvers,
  listFeedRuns: readers,
  listFeedOutputs: readers,
  replayFeed: readers,
  listFeedBuffer: readers,
  listFeedSymbols: readers,
  listFeedGates: readers,
  listFeedAnalyses: readers,
  listFeedRegimes: readers,
  getFeedDashboard: readers,
  getTenant: 'tenant-admin',
  configureTenant: 'tenant-admin',
  listWorkspaces: 'tenant-admin',
  registerWorkspace: 'tenant-admin',
  closeWorkspace: 'tenant-admin',
  createApiKey: 'tenant-admin',
  listApiKeys: 'tenant-admin',
  revokeApiKey: 'tenant-admin',
  grantRole: 'tenant-admin',
  listRoleGrants: 'tenant-admin',
  revokeRole: 'tenant-admin',
  listAudit: 'tenant-admin',
};

const served: Operation = () => Promise.resolve({ status: 200, body: { served: true } });
const operations = Object.fromEntries(routes.map(({ operationId }) => [operationId, served]));
const telemetry = { count: () => undefined, log: () => undefined, flush: () => undefined };

/** The bearer of a token is its role in the workspace `main`, or with `every-` before it in all of them. */
const handler = httpHandler({
  operations,
  verify: (token) => {
    if (token === 'old') return Promise.resolve({ kind: 'expired' });
    const role = Role.safeParse(token.replace('every-', ''));
    const workspaceId = token.startsWith('every-') ? '*' : 'main';
    return Promise.resolve(
      role.success ? verified(person({ workspaceId, role: role.data })) : { kind: 'invalid' },
    );
  },
  telemetry,
  bodyBytesMax: 1_024,
  nowMs: () => 0,
});

const call = async (
  operationId: OperationId,
  { headers = {}, workspaceId = 'main' }: { headers?: Record<string, string>; workspaceId?: string } = {},
): Promise<{ status: number; code?: unknown; served?: unknown }> => {
  const route = routes.find((candidate) => candidate.operationId === operationId);
  if (!route) throw new Error(`there is no route ${operationId}`);
  const pathParameters = Object.fromEntries(
    pathVariables(route.path).map((name) => [name, name === 'workspaceId' ? workspaceId : 'x']),
  );
  const answer = await handler({
    resource: route.path,
    path: route.path,
    httpMethod: route.method,
    headers,
    pathParameters,
    queryStringParameters: null,
    body: null,
    requestContext: { requestId: 'request-1', stage: 'dev' },
  } as unknown as APIGatewayProxyEvent);
  return { status: answer.statusCode, ...(JSON.parse(answer.body) as object) };
};

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const ids = routes.map(({ operationId }) => operationId);
const guarded = ids.filter((id) => typeof admitted[id] !== 'string');

it('knows every route', () => {
  expect(Object.keys(admitted).sort()).toEqual([...ids].sort());
});

describe.each(guarded)('%s', (operationId) => {
  it.each(Role.options)('answers a token of role %s as the table says', async (role) => {
    const expected = (admitted[operationId] as readonly Role[]).includes(role)
      ? { status: 200, served: true }
      : { status: 403, code: 'forbidden' };

    expect(await call(operationId, bearer(role))).toMatchObject(expected);
  });

  it.each([
    ['no credential', {}, 401, 'missing_token'],
    ['an empty bearer', { headers: { authorization: 'Bearer ' } }, 401, 'missing_token'],
    ['another scheme', { headers: { authorization: 'Basic YWRtaW46YWRtaW4=' } }, 401, 'missing_token'],
    ['a malformed token', bearer('nobody'), 401, 'invalid_token'],
    ['an expired token', bearer('old'), 401, 'token_expired'],
    ['a token for another workspace', { ...bearer('admin'), workspaceId: 'theirs' }, 404, 'not_found'],
  ])('refuses %s', async (_case, request, status, code) => {
    expect(await call(operationId, request)).toMatchObject({ status, code });
  });

  it.each([
    { 'x-role': 'admin' },
    { 'x-amzn-oidc-identity': 'admin' },
    { 'x-forwarded-user': 'admin' },
    { cookie: 'token=admin' },
    { 'x-api-key': 'admin' },
  ])('is not opened by %j', async (headers) => {
    expect(await call(operationId, { headers })).toMatchObject({ status: 401, code: 'missing_token' });
  });
});

describe.each(ids.filter((id) => admitted[id] === 'tenant-admin'))('%s', (operationId) => {
  it.each(Role.options)(
    'is for admins of the whole tenant, which the role %s in one workspace is not',
    async (role) => {
      const isAdmin = role === 'admin';

      expect(await call(operationId, bearer(role))).toMatchObject({ status: 403, code: 'forbidden' });
      expect(await call(operationId, bearer(`every-${role}`))).toMatchObject({ status: isAdmin ? 200 : 403 });
    },
  );

  it('refuses who shows nothing, nonsense, or what is over', async () => {
    expect(await call(operationId)).toMatchObject({ status: 401, code: 'missing_token' });
    expect(await call(operationId, bearer('nobody'))).toMatchObject({ status: 401, code: 'invalid_token' });
    expect(await call(operationId, bearer('old'))).toMatchObject({ status: 401, code: 'token_expired' });
  });
});

it.each(ids.filter((id) => admitted[id] === 'everybody'))('%s is open to everybody', async (operationId) => {
  expect(await call(operationId)).toMatchObject({ status: 200, served: true });
});

it.each(ids.filter((id) => admitted[id] === 'task-token'))(
  '%s needs a bearer, which its operation verifies against the task',
  async (operationId) => {
    expect(await call(operationId)).toMatchObject({ status: 401, code: 'missing_token' });
    expect(await call(operationId, bearer('task'))).toMatchObject({ status: 200, served: true });
  },
);
