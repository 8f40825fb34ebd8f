/** Whether a partition is stale, and why: pure rules over what is known at the instant of the question. */
import type { StaleReason } from '#contracts/runs/partitions.ts';

/** A partition an asset was made from. */
export interface UpstreamPartition {
  readonly assetKey: string;
  readonly partitionKey: string;
  /** When it was last materialized; absent, never. */
  readonly materializedAtMs?: number;
}

export interface StalenessQuestion {
  readonly nowMs: number;
  /** The code version that is deployed. */
  readonly codeVersion: string;
  readonly maximumLagMinutes: number;
  /** The last success; absent, there was none. */
  readonly materialized?: { readonly atMs: number; readonly codeVersion?: string };
  readonly upstreams: readonly UpstreamPartition[];
}

/** Fresh, or stale for the first reason that holds. `sinceMs` is absent where no instant began it. */
export type Staleness =
  | { readonly isStale: false }
  | {
      readonly isStale: true;
      readonly reason: StaleReason;
      readonly sinceMs?: number;
      readonly causes: readonly UpstreamPartition[];
    };

const MINUTE_MS = 60_000;

/**
 * In this order: never materialized; made by other code than is deployed (since now); an upstream never materialized;
 * an upstream materialized later (since the first that was); older than the lag allows (since that deadline).
 */
export const staleness = (question: StalenessQuestion): Staleness => {
  const { nowMs, codeVersion, maximumLagMinutes, materialized, upstreams } = question;
  if (!materialized) return { isStale: true, reason: 'NEVER_MATERIALIZED', causes: [] };
  if (materialized.codeVersion !== codeVersion)
    return { isStale: true, reason: 'CODE_CHANGED', sinceMs: nowMs, causes: [] };
  const missing = upstreams.filter(({ materializedAtMs }) => materializedAtMs === undefined);
  if (missing.length > 0)
    return { isStale: true, reason: 'UPSTREAM_NEVER_MATERIALIZED', causes: [...missing].sort(byAge) };
  const [first, ...newer] = upstreams.filter((upstream) => ageOf(upstream) > materialized.atMs).sort(byAge);
  if (first)
    return { isStale: true, reason: 'UPSTREAM_CHANGED', sinceMs: ageOf(first), causes: [first, ...newer] };
  const deadlineMs = materialized.atMs + maximumLagMinutes * MINUTE_MS;
  return nowMs > deadlineMs
    ? { isStale: true, reason: 'FRESHNESS_POLICY', sinceMs: deadlineMs, causes: [] }
    : { isStale: false };
};

const ageOf = ({ materializedAtMs = 0 }: UpstreamPartition): number => materializedAtMs;

const byAge = (one: UpstreamPartition, other: UpstreamPartition): number =>
  ageOf(one) - ageOf(other) || (one.assetKey < other.assetKey ? -1 : 1);
