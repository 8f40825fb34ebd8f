/**
 * How often a principal may ask. Claims of workers have a budget of their own, drawn some at a time, and callbacks have
 * none but their attempt: however many requests a person makes, no heartbeat is refused for it. The buckets are losable:
 * while they cannot be reached everybody is let in.
 */
import type { Limits } from '#contracts/config.ts';
import type { Route } from '#contracts/routes.ts';
import type { RateBuckets } from '#domain/ports/control.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { Principal } from '#functions/shared/admission.ts';
import { ApiError } from '#functions/shared/api-error.ts';

/** Lets a request pass or throws `rate_limited`. */
export type RateLimit = (principal: Principal, route: Route) => Promise<void>;

interface Budget {
  readonly kind: 'requests' | 'claims' | 'streams';
  readonly perMinute: number;
  readonly burst: number;
  /** Requests one write draws; what is left of them is used without another. */
  readonly drawnAtOnce: number;
}

const MINUTE_MS = 60_000;
const CLAIMS_DRAWN_AT_ONCE = 20;
const PRINCIPALS_MAX = 1_000;

/** Limits by the budgets of the configuration. */
export const rateLimitOf = (
  { buckets, telemetry }: { readonly buckets: RateBuckets; readonly telemetry: Telemetry },
  limits: Limits,
): RateLimit => {
  const requests: Budget = {
    kind: 'requests',
    perMinute: limits.requestsPerMinute,
    burst: limits.requestBurstMax,
    drawnAtOnce: 1,
  };
  const claims: Budget = {
    kind: 'claims',
    perMinute: limits.claimsPerMinute,
    burst: limits.claimBurstMax,
    drawnAtOnce: Math.min(CLAIMS_DRAWN_AT_ONCE, limits.claimBurstMax),
  };
  // A stream lasts two minutes at most: this bounds how many a principal may have open, too.
  const streams: Budget = {
    kind: 'streams',
    perMinute: limits.streamsPerMinute,
    burst: limits.streamBurstMax,
    drawnAtOnce: 1,
  };
  const drawn = new Map<string, number>();
  return async ({ tenantId, kind, userId }, route) => {
    const budget = route.streaming ? streams : route.function === 'api-workers' ? claims : requests;
    const name = `${budget.kind}#${tenantId}/${kind}/${userId}`;
    const left = drawn.get(name) ?? 0;
    if (left > 0) {
      drawn.set(name, left - 1);
      return;
    }
    await draw({ buckets, telemetry }, name, budget);
    if (drawn.size >= PRINCIPALS_MAX) drawn.clear();
    // Others may have drawn meanwhile: what they have left is not lost.
    drawn.set(name, (drawn.get(name) ?? 0) + budget.drawnAtOnce - 1);
  };
};

const draw = async (
  { buckets, telemetry }: { readonly buckets: RateBuckets; readonly telemetry: Telemetry },
  name: string,
  { kind, perMinute, burst, drawnAtOnce }: Budget,
): Promise<void> => {
  const eachMs = Math.ceil(MINUTE_MS / perMinute);
  const taken = await buckets.take({ name, count: drawnAtOnce, eachMs, burst }).catch((error: unknown) => {
    telemetry.log('warn', 'a rate bucket could not be reached; the request passes', {
      errorMessage: error instanceof Error ? error.message : String(error),
    });
    return { kind: 'taken' } as const;
  });
  if (taken.kind === 'taken') return;
  telemetry.count('RequestsLimited');
  throw new ApiError(
    'rate_limited',
    `this caller has made ${burst} ${kind} at once or ${perMinute} a minute`,
    {
      retryAfterMs: taken.retryAfterMs,
      details: { budget: kind, perMinute, burst },
    },
  );
};
