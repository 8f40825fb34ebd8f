/** What the routes of limits take and give. */
import type * as z from 'zod';
import type { RouteShape } from '#contracts/route-shapes.ts';
import { LimitItem, LimitList, LimitRead, SetLimitRequest } from '#contracts/runs/concurrency.ts';

const ok = (schema: z.ZodType): RouteShape['answers'] => ({ 200: { schema, when: 'Done' } });

/** Part of the shapes of all routes. */
export const limitShapes = {
  listLimits: { answers: ok(LimitList), refusals: [] },
  getLimit: { answers: ok(LimitRead), refusals: ['limit_not_found'] },
  setLimit: {
    body: SetLimitRequest,
    answers: ok(LimitItem),
    refusals: ['limit_not_found', 'too_many_limits', 'idempotency_key_reused'],
  },
  removeLimit: {
    answers: ok(LimitItem),
    refusals: ['limit_not_found', 'limit_declared', 'idempotency_key_reused'],
  },
} as const satisfies Readonly<Record<string, RouteShape>>;
