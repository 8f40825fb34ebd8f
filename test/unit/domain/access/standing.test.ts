import { expect, it } from 'vitest';
import { WorkspaceId } from '#contracts/ids.ts';
import { Role, satisfiesRole } from '#contracts/roles.ts';
import { accessAggregate } from '#domain/access/access.ts';
import { roleGrantId } from '#domain/access/decide.ts';
import { grantedRoles, isWorkspaceOpen, standingOf } from '#domain/access/standing.ts';

const main = WorkspaceId.parse('main');
const other = WorkspaceId.parse('other');
const made = { atMs: 1, by: 'test' };

it.each(Role.options)('the role %s stands for itself and those it includes, where it is held', (role) => {
  for (const required of Role.options) {
    const expected = satisfiesRole(role, required) ? 'sufficient' : 'insufficient';

    expect(standingOf([{ workspaceId: main, role }], main, required)).toBe(expected);
    expect(standingOf([{ workspaceId: '*', role }], main, required)).toBe(expected);
    expect(standingOf([{ workspaceId: '*', role }], '*', required)).toBe(expected);
    expect(standingOf([{ workspaceId: main, role }], other, required)).toBe('foreign');
    expect(standingOf([{ workspaceId: main, role }], '*', required)).toBe('foreign');
  }
});

it('several roles add up', () => {
  const held = [
    { workspaceId: main, role: 'approver' },
    { workspaceId: main, role: 'operator' },
  ] as const;

  expect(standingOf(held, main, 'approver')).toBe('sufficient');
  expect(standingOf(held, main, 'operator')).toBe('sufficient');
  expect(standingOf(held, main, 'developer')).toBe('insufficient');
  expect(standingOf([], main, 'viewer')).toBe('foreign');
});

it('somebody holds what was granted to them, and nothing of what others hold', () => {
  const access = accessAggregate.initialState();
  const ada = { subject: 'ada', workspaceId: main, role: 'operator' } as const;
  const bob = { ...ada, subject: 'bob' };
  for (const grant of [ada, bob]) access.grants.set(roleGrantId(grant), { ...grant, ...made });

  expect(grantedRoles(access, 'ada')).toEqual([{ ...ada, ...made }]);
  expect(grantedRoles(access, 'eve')).toEqual([]);
});

it('a workspace is open unless it was closed or had to be registered', () => {
  const access = accessAggregate.initialState();

  expect(isWorkspaceOpen(access, main)).toBe(true);
  access.workspacePolicy = 'registered';
  expect(isWorkspaceOpen(access, main)).toBe(false);
  access.workspaces.set(main, made);
  expect(isWorkspaceOpen(access, main)).toBe(true);
  access.workspaces.set(main, { ...made, closed: made });
  expect(isWorkspaceOpen(access, main)).toBe(false);
  access.workspacePolicy = 'open';
  expect(isWorkspaceOpen(access, main)).toBe(false);
});
