/**
 * The HTTP routes: the gateway, the OpenAPI document, the client and the role matrix are made from this table.
 * One variable name per position of a path, and no `{id}:verb`.
 */
import { accessRoutes } from '#contracts/access/access-routes.ts';
import { layerRoutes } from '#contracts/market/layer-routes.ts';
import type { FunctionName } from '#contracts/naming.ts';
import type { Role } from '#contracts/roles.ts';
import { limitRoutes } from '#contracts/runs/limit-routes.ts';
import { locationRoutes } from '#contracts/runs/location-routes.ts';
import { partitionRoutes } from '#contracts/runs/partition-routes.ts';
import { runRoutes } from '#contracts/runs/run-routes.ts';

/** What a caller must show: at least this role, an attempt-scoped task token, or nothing. */
export type RouteAccess = Role | 'task-token' | 'public';

/** One route: who serves it and who may call it; what it takes and gives stands in `route-shapes.ts`. */
export interface Route {
  readonly operationId: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: `/${string}`;
  readonly function: FunctionName;
  readonly access: RouteAccess;
  readonly summary: string;
  /** Whether it may change anything; such a route takes an `Idempotency-Key`. */
  readonly mutating: boolean;
  /** Where the role must be held: in the workspace of the path (the default), or in every workspace of the tenant. */
  readonly reach?: 'tenant';
  /** Whether its answer is streamed; default false. */
  readonly streaming?: boolean;
}

const workspace = '/v1/workspaces/{workspaceId}';

const table = [
  {
    operationId: 'getHealth',
    method: 'GET',
    path: '/health',
    function: 'api-runs',
    access: 'public',
    summary: 'Tells that the process is alive',
    mutating: false,
  },
  {
    operationId: 'getReady',
    method: 'GET',
    path: '/ready',
    function: 'api-runs',
    access: 'public',
    summary: 'Tells whether the stores can be reached and every started feed is ready',
    mutating: false,
  },
  {
    operationId: 'deployManifest',
    method: 'POST',
    path: `${workspace}/manifests`,
    function: 'api-runs',
    access: 'developer',
    summary: 'Deploys a manifest of assets; all faults are listed at once',
    mutating: true,
  },
  {
    operationId: 'listManifests',
    method: 'GET',
    path: `${workspace}/manifests`,
    function: 'api-runs',
    access: 'viewer',
    summary: 'Lists the deployed manifests, newest first',
    mutating: false,
  },
  {
    operationId: 'getManifest',
    method: 'GET',
    path: `${workspace}/manifests/{manifestId}`,
    function: 'api-runs',
    access: 'viewer',
    summary: 'Answers one manifest as it was deployed',
    mutating: false,
  },
  ...partitionRoutes,
  ...runRoutes,
  ...limitRoutes,
  ...locationRoutes,
  {
    operationId: 'listFeeds',
    method: 'GET',
    path: `${workspace}/feeds`,
    function: 'api-feeds',
    access: 'viewer',
    summary: 'Lists the market feeds of a workspace',
    mutating: false,
  },
  {
    operationId: 'getFeed',
    method: 'GET',
    path: `${workspace}/feeds/{feedId}`,
    function: 'api-feeds',
    access: 'viewer',
    summary: 'Answers one feed as the ledger has it',
    mutating: false,
  },
  {
    operationId: 'putFeed',
    method: 'PUT',
    path: `${workspace}/feeds/{feedId}`,
    function: 'api-feeds',
    access: 'developer',
    summary: 'Creates and starts a feed, or changes the configuration of one that is drained',
    mutating: true,
  },
  {
    operationId: 'planFeedTicks',
    method: 'POST',
    path: `${workspace}/feeds/{feedId}/ticks`,
    function: 'api-feeds',
    access: 'developer',
    summary:
      'Tells a feed with clock `record` that its time has passed an instant, and plans the ticks up to it',
    mutating: true,
  },
  {
    operationId: 'startFeed',
    method: 'POST',
    path: `${workspace}/feeds/{feedId}/start`,
    function: 'api-feeds',
    access: 'operator',
    summary: 'Starts a feed that was created or drained',
    mutating: true,
  },
  {
    operationId: 'drainFeed',
    method: 'POST',
    path: `${workspace}/feeds/{feedId}/drain`,
    function: 'api-feeds',
    access: 'operator',
    summary: 'Stops the planning of a feed; what was planned is run',
    mutating: true,
  },
  {
    operationId: 'stopFeed',
    method: 'POST',
    path: `${workspace}/feeds/{feedId}/stop`,
    function: 'api-feeds',
    access: 'operator',
    summary: 'Ends a feed for good',
    mutating: true,
  },
  {
    operationId: 'getFeedHealth',
    method: 'GET',
    path: `${workspace}/feeds/{feedId}/health`,
    function: 'api-feeds',
    access: 'viewer',
    summary: 'Tells whether a feed runs, and what of it is paused',
    mutating: false,
  },
  {
    operationId: 'resumeFeed',
    method: 'POST',
    path: `${workspace}/feeds/{feedId}/resume`,
    function: 'api-feeds',
    access: 'approver',
    summary: 'Lets the halted deliveries of a feed go on; of several who ask, one wins',
    mutating: true,
  },
  {
    operationId: 'listFeedRuns',
    method: 'GET',
    path: `${workspace}/feeds/{feedId}/runs`,
    function: 'api-feeds',
    access: 'viewer',
    summary: 'Lists the engine runs of a feed, newest first',
    mutating: false,
  },
  {
    operationId: 'listFeedOutputs',
    method: 'GET',
    path: `${workspace}/feeds/{feedId}/outputs`,
    function: 'api-feeds',
    access: 'viewer',
    summary: 'Lists what a feed said, as the ledger recorded it, in the order of its plan',
    mutating: false,
  },
  {
    operationId: 'replayFeed',
    method: 'GET',
    path: `${workspace}/feeds/{feedId}/replay`,
    function: 'api-feeds',
    access: 'viewer',
    summary: 'Computes again what a feed said, from its plan and its buffer, in the order of its plan',
    mutating: false,
  },
  {
    operationId: 'listFeedBuffer',
    method: 'GET',
    path: `${workspace}/feeds/{feedId}/buffer`,
    function: 'api-feeds',
    access: 'viewer',
    summary: 'Lists the records of a feed that runs have read, in ingest order',
    mutating: false,
  },
  ...layerRoutes,
  ...accessRoutes,
] as const satisfies readonly Route[];

export type OperationId = (typeof table)[number]['operationId'];

/** Every route there is. */
export const routes: readonly (Route & { readonly operationId: OperationId })[] = table;

/** The names of the variables in a path, in order. */
export const pathVariables = (path: string): readonly string[] =>
  [...path.matchAll(/\{([^}]+)\}/g)].map(([, variable = '']) => variable);
