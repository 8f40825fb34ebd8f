/** Deploying an asset graph (asset reference, section 8.1). Strict: a misspelt member is a fault, not a default. */
import * as z from 'zod';
import { ManifestId, WorkspaceId } from '#contracts/ids.ts';
import { QueueName } from '#contracts/runs/claim.ts';
import { ConcurrencyKey, DeclaredLimit } from '#contracts/runs/concurrency.ts';
import { concurrency, runLimits } from '#contracts/runs/limits.ts';
import { RetryPolicy, TaskPolicy, TriggerRule } from '#contracts/runs/plan.ts';
import { RunnerName } from '#contracts/runs/runner.ts';

const text = (max: number) => z.string().max(max);
const json = z.record(z.string(), z.json());

/** The two parts of an asset key; their charset is checked with the rest of the graph. */
export const AssetKeyParts = z.strictObject({ namespace: text(128), name: text(256) }).readonly();
export type AssetKeyParts = z.infer<typeof AssetKeyParts>;

/** One axis along which an asset is cut into partitions. */
export const PartitionDimension = z
  .strictObject({
    name: text(runLimits.dimensionNameLengthMax),
    /** `static` takes the values it lists, `tenant` any text, `dynamic` texts nobody could list beforehand. */
    kind: z.enum(['time', 'static', 'tenant', 'dynamic']),
    /** The period of a time dimension: weeks begin on Monday. */
    granularity: z.enum(['day', 'hour', 'week', 'month']).optional(),
    /** What a static dimension takes; absent, any text. */
    values: z.array(text(runLimits.dimensionValueLengthMax)).max(10_000).readonly().optional(),
  })
  .readonly();
export type PartitionDimension = z.infer<typeof PartitionDimension>;

/** The axes of an asset's partitions. */
export const Partitioning = z
  .strictObject({
    isPartitioned: z.boolean().optional(),
    dimensions: z.array(PartitionDimension).max(runLimits.partitionsMax).readonly(),
  })
  .readonly();
export type Partitioning = z.infer<typeof Partitioning>;

/** How tasks of an asset are executed; members left out take the defaults. */
export const AssetExecution = z
  .strictObject({
    ...TaskPolicy.unwrap().partial().shape,
    queue: QueueName.optional(),
    /** Default `worker`. */
    runner: RunnerName.optional(),
    /** Default `all_success`. */
    triggerRule: TriggerRule.optional(),
    /** Attempts of all tasks of this key share its slots; the limit `key:NAME` has their number, 1 by default. */
    concurrencyKey: ConcurrencyKey.optional(),
    retry: RetryPolicy.unwrap().partial().readonly().optional(),
  })
  .readonly();
export type AssetExecution = z.infer<typeof AssetExecution>;

/** How old a materialization of an asset may grow before it is stale. */
export const AssetFreshness = z
  .strictObject({
    /** Default 1,440: a day. */
    maximumLagMinutes: z.int().min(1).max(runLimits.freshnessLagMinutesMax),
  })
  .readonly();
export type AssetFreshness = z.infer<typeof AssetFreshness>;

/** One asset: its key, what it depends on and how its tasks are executed. */
export const ManifestAsset = z
  .strictObject({
    key: AssetKeyParts,
    id: text(256),
    description: text(4096).optional(),
    owners: z.array(text(256)).max(64).readonly().optional(),
    tags: z.record(text(128), text(2048)).optional(),
    partitioning: Partitioning.optional(),
    dependencies: z
      .array(
        z.strictObject({
          upstreamKey: AssetKeyParts,
          parameterName: text(256).optional(),
          mapping: z.json().optional(),
        }),
      )
      .max(1_000)
      .readonly()
      .optional(),
    code: json.optional(),
    checks: z.array(z.json()).max(256).readonly().optional(),
    execution: AssetExecution.optional(),
    freshness: AssetFreshness.optional(),
    resources: json.optional(),
    io: json.optional(),
    transformFingerprint: text(256).optional(),
  })
  .readonly();
export type ManifestAsset = z.infer<typeof ManifestAsset>;

/** A cron expression and the assets it is meant for. */
export const ManifestSchedule = z
  .strictObject({
    id: text(128),
    cron: text(256),
    assets: z.array(text(runLimits.selectionItemLengthMax)).max(runLimits.selectionMax).readonly(),
    timezone: text(128).default('UTC'),
  })
  .readonly();
export type ManifestSchedule = z.infer<typeof ManifestSchedule>;

/** The source state a manifest was made from. */
export const GitContext = z
  .strictObject({
    repository: text(2048).optional(),
    branch: text(256).optional(),
    commitSha: text(64).optional(),
    commitMessage: text(4096).optional(),
    author: text(256).optional(),
    dirty: z.boolean().optional(),
  })
  .readonly();
export type GitContext = z.infer<typeof GitContext>;

/** Body of `POST /manifests`, at most `manifestBytesMax` of the configuration. */
export const DeployManifestRequest = z
  .strictObject({
    manifestVersion: text(64),
    codeVersionId: text(256),
    git: GitContext.optional(),
    assets: z.array(ManifestAsset).max(runLimits.manifestAssetsMax).readonly(),
    schedules: z.array(ManifestSchedule).max(runLimits.manifestSchedulesMax).readonly().optional(),
    limits: z.array(DeclaredLimit).max(concurrency.limitsMax).readonly().optional(),
    deployedBy: text(256).optional(),
    metadata: json.optional(),
  })
  .readonly();
export type DeployManifestRequest = z.infer<typeof DeployManifestRequest>;

/** One thing wrong with a manifest; a refused deploy lists them all in `details.faults`. */
export const ManifestFault = z.strictObject({
  /** Where, for example `assets[2].dependencies[0].upstreamKey`. */
  path: z.string(),
  code: z.enum([
    'invalid_shape',
    'blank',
    'no_assets',
    'invalid_asset_key',
    'duplicate_asset_key',
    'unknown_upstream',
    'cycle',
    'invalid_partitioning',
    'invalid_cron',
    'invalid_timezone',
    'duplicate_schedule',
    'duplicate_limit',
    'too_many_limits',
    'unknown_asset',
  ]),
  message: z.string(),
});
export type ManifestFault = z.infer<typeof ManifestFault>;

/** Answer of `POST /manifests`. */
export const DeployManifestResponse = z.strictObject({
  manifestId: ManifestId,
  workspaceId: WorkspaceId,
  codeVersionId: z.string(),
  fingerprint: z.string(),
  assetCount: z.int(),
  deployedAt: z.iso.datetime(),
  /** What was accepted and does not act yet, in words. */
  warnings: z.array(z.string()).optional(),
});
export type DeployManifestResponse = z.infer<typeof DeployManifestResponse>;

/** A manifest as a list shows it. */
export const ManifestItem = z.strictObject({
  manifestId: ManifestId,
  codeVersionId: z.string(),
  fingerprint: z.string(),
  assetCount: z.int(),
  gitBranch: z.string().optional(),
  gitCommit: z.string().optional(),
  deployedAt: z.iso.datetime(),
  deployedBy: z.string(),
});
export type ManifestItem = z.infer<typeof ManifestItem>;

/** One page of manifests, newest first. */
export const ManifestPage = z.strictObject({
  manifests: z.array(ManifestItem),
  nextCursor: z.string().optional(),
});
export type ManifestPage = z.infer<typeof ManifestPage>;

/** Answer of `GET /manifests/{manifestId}`: the item and what was deployed. */
export const ManifestRead = z.strictObject({ ...ManifestItem.shape, manifest: DeployManifestRequest });
export type ManifestRead = z.infer<typeof ManifestRead>;
