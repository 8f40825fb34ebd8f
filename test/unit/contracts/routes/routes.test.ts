import { describe, expect, it } from 'vitest';

import { functionNames } from '#contracts/naming.ts';
import { includedRoles, Role, satisfiesRole } from '#contracts/roles.ts';
import { pathVariables, routes } from '#contracts/routes.ts';

describe('the route table', () => {
  it('names each operation and each method of a path once', () => {
    expect(new Set(routes.map(({ operationId }) => operationId)).size).toBe(routes.length);
    expect(new Set(routes.map(({ method, path }) => `${method} ${path}`)).size).toBe(routes.length);
  });

  it('uses one variable name per position and no verbs behind a colon', () => {
    const variables = new Map<string, string>();
    for (const { path } of routes) {
      expect(path).not.toContain(':');
      const segments = path.split('/');
      segments.forEach((segment, index) => {
        if (!segment.startsWith('{')) return;
        const position = segments.slice(0, index).join('/');
        expect(variables.get(position) ?? segment).toBe(segment);
        variables.set(position, segment);
      });
    }
  });

  it('is served by functions that exist', () => {
    for (const route of routes) expect(functionNames).toContain(route.function);
  });

  it('opens nothing but health', () => {
    const open = routes.filter(({ access }) => access === 'public').map(({ path }) => path);

    expect(open).toEqual(['/health', '/ready']);
  });

  it('asks callbacks for a task token and every workspace route for a role', () => {
    for (const { path, access } of routes) {
      if (path.startsWith('/v1/callbacks/')) expect(access).toBe('task-token');
      if (path.startsWith('/v1/workspaces/')) expect(Role.safeParse(access).success).toBe(true);
    }
  });

  it('changes nothing on GET, and lets no viewer change anything', () => {
    for (const { method, mutating, access } of routes) {
      expect(mutating).toBe(method !== 'GET');
      if (mutating) expect(access).not.toBe('viewer');
    }
  });

  it('tells the variables of a path in order', () => {
    expect(pathVariables('/v1/workspaces/{workspaceId}/runs/{runId}')).toEqual(['workspaceId', 'runId']);
    expect(pathVariables('/health')).toEqual([]);
  });
});

describe('roles', () => {
  it.each([
    ['viewer', ['viewer']],
    ['operator', ['viewer', 'operator']],
    ['approver', ['viewer', 'approver']],
    ['developer', ['viewer', 'operator', 'developer']],
    ['admin', ['viewer', 'operator', 'approver', 'developer', 'admin']],
  ] as const)('%s may do what %j may', (held, expected) => {
    expect(Role.options.filter((required) => satisfiesRole(held, required))).toEqual(expected);
  });

  it('include what the roles they include may do', () => {
    for (const role of Role.options)
      for (const included of includedRoles[role])
        expect(includedRoles[role]).toEqual(expect.arrayContaining([...includedRoles[included]]));
  });
});
