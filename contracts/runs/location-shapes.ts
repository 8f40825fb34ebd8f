/** What the routes of execution locations take and give. */
import type * as z from 'zod';
import type { RouteShape } from '#contracts/route-shapes.ts';
import {
  ExecutionLocation,
  ExecutionLocationList,
  ExecutionLocationQuery,
  RemovedExecutionLocation,
  SetExecutionLocationRequest,
} from '#contracts/runs/locations.ts';

const ok = (schema: z.ZodType): RouteShape['answers'] => ({ 200: { schema, when: 'Done' } });

/** Part of the shapes of all routes. */
export const locationShapes = {
  listExecutionLocations: {
    query: ExecutionLocationQuery,
    answers: ok(ExecutionLocationList),
    refusals: [],
  },
  setExecutionLocation: {
    body: SetExecutionLocationRequest,
    answers: ok(ExecutionLocation),
    refusals: [
      'location_not_found',
      'location_conflict',
      'location_archived',
      'too_many_locations',
      'queue_not_allowed',
      'function_not_allowed',
      'idempotency_key_reused',
    ],
  },
  removeExecutionLocation: {
    answers: ok(RemovedExecutionLocation),
    refusals: ['location_not_found', 'idempotency_key_reused'],
  },
} as const satisfies Readonly<Record<string, RouteShape>>;
