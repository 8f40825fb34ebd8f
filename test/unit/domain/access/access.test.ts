import { describe, expect, it } from 'vitest';
import type { AccessEvent } from '#contracts/access/access-events.ts';
import { ApiKeyId, WorkspaceId } from '#contracts/ids.ts';
import { accessAggregate, accessStream } from '#domain/access/access.ts';
import { accessLimits, roleGrantId } from '#domain/access/decide.ts';
import type { AccessCommand } from '#domain/access/decide.ts';
import { given as givenAny } from '#test/support/decider.ts';

const NOW_MS = 1_000_000;
const numbered = (number: number) => ApiKeyId.parse(`key_${String(number).padStart(26, '0')}`);
const keyId = numbered(1);
const main = WorkspaceId.parse('main');
const create: Extract<AccessCommand, { readonly type: 'CreateApiKey' }> = {
  type: 'CreateApiKey',
  keyId,
  name: 'ci',
  role: 'operator',
  workspaces: [main],
  secretHash: 'a'.repeat(64),
};
const grant = { type: 'GrantRole', subject: 'ada', workspaceId: main, role: 'developer' } as const;
const grantId = roleGrantId(grant);
const register = { type: 'RegisterWorkspace', workspaceId: main, displayName: 'Main' } as const;
const close = { type: 'CloseWorkspace', workspaceId: main } as const;
const made = { atMs: NOW_MS, by: 'test' };

const given = (...commands: readonly AccessCommand[]) =>
  givenAny<ReturnType<typeof accessAggregate.initialState>, AccessCommand, AccessEvent>(accessAggregate, {
    stream: accessStream('acme'),
    nowMs: NOW_MS,
  }).after(...commands);

describe('an API key', () => {
  it('is created with the hash of its secret, each workspace once', () => {
    const { state } = given()
      .when({ ...create, workspaces: [main, main], expiresAtMs: NOW_MS + 1 })
      .thenRecords({
        type: 'ApiKeyCreated',
        idempotencyKey: `api-key:${keyId}`,
        data: { keyId, name: 'ci', role: 'operator', workspaces: ['main'], expiresAtMs: NOW_MS + 1 },
      });

    expect(state().keys.get(keyId)).toEqual({
      name: 'ci',
      role: 'operator',
      workspaces: ['main'],
      secretHash: create.secretHash,
      expiresAtMs: NOW_MS + 1,
      ...made,
    });
  });

  it('is refused when it would be over at once', () => {
    given()
      .when({ ...create, expiresAtMs: NOW_MS })
      .thenRefuses({ code: 'invalid_request' });
  });

  it('is revoked once, and is then unknown', () => {
    const revoke = { type: 'RevokeApiKey', keyId } as const;
    const story = given(create).when(revoke).thenRecords({ type: 'ApiKeyRevoked', data: { keyId } });

    expect(story.state().keys.size).toBe(0);
    story.when(revoke).thenRefuses({ code: 'api_key_not_found' });
  });

  it('is refused above the bound, and makes room when it is revoked', () => {
    const all = Array.from({ length: accessLimits.apiKeysMax }, (_, index) => ({
      ...create,
      keyId: numbered(index),
    }));
    const story = given(...all.slice(1))
      .when({ ...create, keyId: numbered(0) })
      .thenRecords({ type: 'ApiKeyCreated' });

    story
      .when({ ...create, keyId: numbered(900) })
      .thenRefuses({ code: 'access_limit_reached', details: { limit: accessLimits.apiKeysMax } });
    story
      .after({ type: 'RevokeApiKey', keyId: numbered(7) })
      .when({ ...create, keyId: numbered(900) })
      .thenRecords({ type: 'ApiKeyCreated' });
  });
});

describe('a granted role', () => {
  it('stands once for one person, place and role', () => {
    const { state } = given()
      .when(grant)
      .thenRecords({
        type: 'RoleGranted',
        data: { grantId, subject: 'ada', workspaceId: 'main', role: 'developer' },
      })
      .when(grant)
      .thenRecordsNothing();

    expect(state().grants).toEqual(
      new Map([[grantId, { subject: 'ada', workspaceId: 'main', role: 'developer', ...made }]]),
    );
    expect(roleGrantId({ ...grant, role: 'viewer' })).not.toBe(grantId);
    expect(roleGrantId({ ...grant, workspaceId: '*' })).not.toBe(grantId);
  });

  it('is revoked, and can be granted again', () => {
    const revoke = { type: 'RevokeRole', grantId } as const;

    given(grant)
      .when(revoke)
      .thenRecords({ type: 'RoleRevoked', data: { grantId } })
      .when(revoke)
      .thenRefuses({ code: 'role_grant_not_found' })
      .when(grant)
      .thenRecords({ type: 'RoleGranted' });
  });

  it('is refused above the bound', () => {
    const most = Array.from({ length: accessLimits.roleGrantsMax - 1 }, (_, index) => ({
      ...grant,
      subject: `person-${index}`,
    }));

    given(...most)
      .when(grant)
      .thenRecords({ type: 'RoleGranted' })
      .when({ ...grant, role: 'viewer' })
      .thenRefuses({ code: 'access_limit_reached', details: { limit: accessLimits.roleGrantsMax } });
  });
});

describe('a workspace', () => {
  it('is registered once, renamed, and loses its name when none is given', () => {
    const story = given()
      .when(register)
      .thenRecords({ type: 'WorkspaceRegistered', data: { workspaceId: 'main', displayName: 'Main' } })
      .when(register)
      .thenRecordsNothing()
      .at(NOW_MS + 5)
      .when({ type: 'RegisterWorkspace', workspaceId: main })
      .thenRecords({ type: 'WorkspaceRegistered' });

    expect(story.state().workspaces.get(main)).toEqual(made);
  });

  it('is closed, and opened by registering it again', () => {
    const closed = given(register).when(close).thenRecords({ type: 'WorkspaceClosed' });

    expect(closed.state().workspaces.get(main)).toEqual({ ...made, displayName: 'Main', closed: made });
    closed.when(close).thenRecordsNothing();
    const opened = closed.when(register).thenRecords({ type: 'WorkspaceRegistered' });
    expect(opened.state().workspaces.get(main)).toEqual({ ...made, displayName: 'Main' });
  });

  it('must be registered to be closed', () => {
    given().when(close).thenRefuses({ code: 'workspace_not_found' });
  });

  it('is refused above the bound, unless it is known', () => {
    const most = Array.from({ length: accessLimits.workspacesMax - 1 }, (_, index) => ({
      ...register,
      workspaceId: WorkspaceId.parse(`w${index}`),
    }));

    given(...most)
      .when(register)
      .thenRecords({ type: 'WorkspaceRegistered' })
      .when({ ...register, workspaceId: WorkspaceId.parse('other') })
      .thenRefuses({ code: 'access_limit_reached', details: { limit: accessLimits.workspacesMax } })
      .when({ ...register, displayName: 'Renamed' })
      .thenRecords({ type: 'WorkspaceRegistered' });
  });
});

it('sets whether workspaces must be registered', () => {
  const strict = { type: 'ConfigureTenant', workspacePolicy: 'registered' } as const;

  const { state } = given()
    .when({ ...strict, workspacePolicy: 'open' })
    .thenRecordsNothing()
    .when(strict)
    .thenRecords({ type: 'TenantConfigured', data: { workspacePolicy: 'registered' } });

  expect(state().workspacePolicy).toBe('registered');
});

it('waits for nothing, owes nothing and never ends', () => {
  const { state } = given(create);
  const { outstanding, waiting, isTerminal, sweepCommand } = accessAggregate;

  given(create).when(sweepCommand(NOW_MS)).thenRecordsNothing();
  expect([outstanding(state(), NOW_MS), waiting(state()), isTerminal(state())]).toEqual([[], [], false]);
});

it('takes the closing of a workspace it never saw for nothing', () => {
  const story = givenAny(
    accessAggregate,
    { stream: accessStream('acme'), nowMs: NOW_MS },
    {
      type: 'WorkspaceClosed',
      idempotencyKey: 'x',
      data: { workspaceId: main },
    },
  );

  expect(story.state().workspaces.size).toBe(0);
});
