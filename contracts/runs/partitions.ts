/** What readers get of the partitions of assets (asset reference, sections 8.10 and 15). */
import * as z from 'zod';
import { RunId } from '#contracts/ids.ts';
import { runLimits } from '#contracts/runs/limits.ts';

const instant = z.iso.datetime();

/** What became of an attempt at a partition. */
export const PartitionOutcome = z.enum(['succeeded', 'failed', 'cancelled', 'timed_out']);
export type PartitionOutcome = z.infer<typeof PartitionOutcome>;

/** Why a partition is stale; the first that holds, in this order (asset reference, section 15). */
export const StaleReason = z.enum([
  'NEVER_MATERIALIZED',
  'CODE_CHANGED',
  'UPSTREAM_NEVER_MATERIALIZED',
  'UPSTREAM_CHANGED',
  'FRESHNESS_POLICY',
]);
export type StaleReason = z.infer<typeof StaleReason>;

/** How a partition stands, in one word; a failure after the last success is told before staleness. */
export const PartitionState = z.enum([
  'NEVER_MATERIALIZED',
  'MATERIALIZED_BUT_LAST_ATTEMPT_FAILED',
  'STALE',
  'MATERIALIZED',
]);
export type PartitionState = z.infer<typeof PartitionState>;

/** One partition of an asset: its last success with the evidence, its last attempt, and whether it is stale now. */
export const PartitionItem = z.strictObject({
  assetKey: z.string(),
  /** Canonical; empty for what ran without a partition. */
  partitionKey: z.string(),
  /** The values of the key as a person would write them; absent for an empty key. */
  partitionValues: z.record(z.string(), z.string()).optional(),
  state: PartitionState,
  lastMaterializationRunId: RunId.optional(),
  lastMaterializationAt: instant.optional(),
  lastMaterializationCodeVersion: z.string().optional(),
  lastAttemptRunId: RunId,
  lastAttemptAt: instant,
  lastAttemptOutcome: PartitionOutcome,
  /** Judged when it is read, by the manifest that is deployed then. */
  isStale: z.boolean(),
  staleReason: StaleReason.optional(),
  staleSince: instant.optional(),
  /** The upstream partitions behind the reason; at most 20 are named. */
  staleCauses: z
    .array(
      z.strictObject({ assetKey: z.string(), partitionKey: z.string(), materializedAt: instant.optional() }),
    )
    .optional(),
  materializationId: z.string().optional(),
  deltaTable: z.string().optional(),
  deltaVersion: z.int().optional(),
  deltaPartition: z.string().optional(),
  /** The same text as in the task that materialized it. */
  executionLineageRef: z.string().optional(),
  /** Present when the deployed manifest no longer has the asset: such a partition is stale no more. */
  isAssetRemoved: z.literal(true).optional(),
});
export type PartitionItem = Readonly<z.infer<typeof PartitionItem>>;

/** One page of partitions, by asset key and then by partition key. */
export const PartitionPage = z.strictObject({
  partitions: z.array(PartitionItem),
  nextCursor: z.string().optional(),
});
export type PartitionPage = z.infer<typeof PartitionPage>;

/** Query of `GET /partitions`. */
export const PartitionListQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(runLimits.listLimitMax).default(runLimits.listLimitDefault),
  cursor: z.string().max(2048).optional(),
  /** Partitions of this asset, `ns.name` or `ns/name`. */
  assetKey: z.string().max(runLimits.selectionItemLengthMax).optional(),
  /** Only what is stale; default false. */
  staleOnly: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
});
export type PartitionListQuery = z.infer<typeof PartitionListQuery>;

/** Answer of `GET /assets/{assetKey}/partitions/summary`. */
export const PartitionSummary = z.strictObject({
  assetKey: z.string(),
  /** Those attempted, and those its static dimensions promise. */
  totalPartitions: z.int(),
  materializedPartitions: z.int(),
  /** Materialized and stale. */
  stalePartitions: z.int(),
  /** Never materialized. */
  missingPartitions: z.int(),
});
export type PartitionSummary = Readonly<z.infer<typeof PartitionSummary>>;
