/** What a workspace has deployed: its assets and schedules, and the tombstones of those a deploy removed. */
import * as z from 'zod';
import { ManifestId } from '#contracts/ids.ts';
import { AssetFreshness, Partitioning } from '#contracts/runs/manifest.ts';

/** `REMOVED` once a manifest was deployed without it; `ACTIVE` again with the next one that has it. */
const DeployedState = z.enum(['ACTIVE', 'REMOVED']);

const tombstone = {
  state: DeployedState,
  removedAt: z.iso.datetime().optional(),
  /** The manifest that was deployed without it. */
  removedByManifestId: ManifestId.optional(),
};

/** One asset; of a removed one only its key and its end are kept. */
export const AssetItem = z.strictObject({
  assetKey: z.string(),
  ...tombstone,
  id: z.string().optional(),
  description: z.string().optional(),
  /** Canonical keys of what it depends on, as the manifest lists them. */
  upstreamAssetKeys: z.array(z.string()).optional(),
  partitioning: Partitioning.optional(),
  freshness: AssetFreshness.optional(),
});
export type AssetItem = z.infer<typeof AssetItem>;

/** One page of assets by key. */
export const AssetPage = z.strictObject({ assets: z.array(AssetItem), nextCursor: z.string().optional() });
export type AssetPage = z.infer<typeof AssetPage>;

/** One schedule of the manifest; it does not tick yet. */
export const ScheduleItem = z.strictObject({
  scheduleId: z.string(),
  ...tombstone,
  cronExpression: z.string().optional(),
  timezone: z.string().optional(),
  /** Canonical keys. */
  assetSelection: z.array(z.string()).optional(),
});
export type ScheduleItem = z.infer<typeof ScheduleItem>;

/** One page of schedules by id. */
export const SchedulePage = z.strictObject({
  schedules: z.array(ScheduleItem),
  nextCursor: z.string().optional(),
});
export type SchedulePage = z.infer<typeof SchedulePage>;
