/** The routes of limits of concurrency. */
import type { Route } from '#contracts/routes.ts';

const limits = '/v1/workspaces/{workspaceId}/limits';

/** Part of the route table. */
export const limitRoutes = [
  {
    operationId: 'listLimits',
    method: 'GET',
    path: limits,
    function: 'api-runs',
    access: 'viewer',
    summary: 'Lists the limits of concurrency of the workspace with what holds and awaits a slot',
    mutating: false,
  },
  {
    operationId: 'getLimit',
    method: 'GET',
    path: `${limits}/{limitId}`,
    function: 'api-runs',
    access: 'viewer',
    summary: 'Answers one limit with its holders and its queue, as the ledger has it',
    mutating: false,
  },
  {
    operationId: 'setLimit',
    method: 'PUT',
    path: `${limits}/{limitId}`,
    function: 'api-runs',
    access: 'operator',
    summary: 'Sets how many attempts may be under way at once; deploys leave it alone',
    mutating: true,
  },
  {
    operationId: 'removeLimit',
    method: 'DELETE',
    path: `${limits}/{limitId}`,
    function: 'api-runs',
    access: 'operator',
    summary:
      'Removes a limit that was set: what the manifest declares holds again, or all who wait for it go',
    mutating: true,
  },
] as const satisfies readonly Route[];
