/** The routes of a feed's symbols and of its later layers; all of them read. */
import type { Route } from '#contracts/routes.ts';

const feed = '/v1/workspaces/{workspaceId}/feeds/{feedId}';
const read = { method: 'GET', function: 'api-feeds', access: 'viewer', mutating: false } as const;

/** Part of the route table. */
export const layerRoutes = [
  {
    ...read,
    operationId: 'listFeedSymbols',
    path: `${feed}/symbols`,
    summary: 'Lists the symbols of a feed and how far their runs have come',
  },
  {
    ...read,
    operationId: 'listFeedGates',
    path: `${feed}/gates`,
    summary: 'Tells per symbol whether one may act on what the engine said, and why',
  },
  {
    ...read,
    operationId: 'listFeedAnalyses',
    path: `${feed}/analysis`,
    summary: 'Answers per symbol what analysis modules made of the last run',
  },
  {
    ...read,
    operationId: 'listFeedRegimes',
    path: `${feed}/regimes`,
    summary: 'Answers per symbol the regime in force and how regimes behaved',
  },
  {
    ...read,
    operationId: 'getFeedDashboard',
    path: `${feed}/dashboard`,
    summary: 'Answers the dashboard view model of a feed, whole, for one page of its symbols',
  },
] as const satisfies readonly Route[];
