/** The routes that read what is deployed and how its partitions stand. */
import type { Route } from '#contracts/routes.ts';

const workspace = '/v1/workspaces/{workspaceId}';

/** Part of the route table. */
export const partitionRoutes = [
  {
    operationId: 'listAssets',
    method: 'GET',
    path: `${workspace}/assets`,
    function: 'api-runs',
    access: 'viewer',
    summary: 'Lists the assets of the deployed manifest, and those that a deploy removed',
    mutating: false,
  },
  {
    operationId: 'listSchedules',
    method: 'GET',
    path: `${workspace}/schedules`,
    function: 'api-runs',
    access: 'viewer',
    summary: 'Lists the schedules of the deployed manifest, and those that a deploy removed',
    mutating: false,
  },
  {
    operationId: 'listPartitions',
    method: 'GET',
    path: `${workspace}/partitions`,
    function: 'api-runs',
    access: 'viewer',
    summary: 'Lists the partitions of assets by key, with their lineage and whether they are stale',
    mutating: false,
  },
  {
    operationId: 'summarizePartitions',
    method: 'GET',
    path: `${workspace}/assets/{assetKey}/partitions/summary`,
    function: 'api-runs',
    access: 'viewer',
    summary: 'Counts the partitions of an asset by how they stand',
    mutating: false,
  },
] as const satisfies readonly Route[];
