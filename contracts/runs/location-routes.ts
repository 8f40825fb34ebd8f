/** The routes of execution locations. */
import type { Route } from '#contracts/routes.ts';

const locations = '/v1/workspaces/{workspaceId}/execution-locations';

/** Part of the route table. */
export const locationRoutes = [
  {
    operationId: 'listExecutionLocations',
    method: 'GET',
    path: locations,
    function: 'api-runs',
    access: 'viewer',
    summary: 'Lists the execution locations of the workspace',
    mutating: false,
  },
  {
    operationId: 'setExecutionLocation',
    method: 'PUT',
    path: `${locations}/{executionLocationId}`,
    function: 'api-runs',
    access: 'developer',
    summary:
      'Has runs triggered from now on send the tasks of a worker queue to an SQS queue or a Lambda function',
    mutating: true,
  },
  {
    operationId: 'removeExecutionLocation',
    method: 'DELETE',
    path: `${locations}/{executionLocationId}`,
    function: 'api-runs',
    access: 'developer',
    summary: 'Removes an execution location: runs triggered from now on offer its tasks to claims',
    mutating: true,
  },
] as const satisfies readonly Route[];
