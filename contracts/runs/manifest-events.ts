/** Facts of the stream `manifests#tenant/workspace`. */
import * as z from 'zod';
import { ManifestId } from '#contracts/ids.ts';

/** A manifest became the current one of its workspace; its body is a blob under its content hash. */
export const ManifestDeployed = z.strictObject({
  type: z.literal('ManifestDeployed'),
  idempotencyKey: z.string(),
  data: z
    .strictObject({
      manifestId: ManifestId,
      fingerprint: z.string(),
      /** 1 for the first deploy of the workspace; grows by one with each change of the current manifest. */
      deployNumber: z.int().min(1),
      manifestVersion: z.string(),
      codeVersionId: z.string(),
      assetCount: z.int().min(1),
      scheduleCount: z.int().min(0),
      gitBranch: z.string().optional(),
      gitCommit: z.string().optional(),
      deployedBy: z.string(),
      /** Where the body is kept. */
      documentKey: z.string(),
      documentBytes: z.int().min(2),
      /** Canonical keys of the assets that the manifest before it had and this one has not; absent, none. */
      removedAssets: z.array(z.string()).readonly().optional(),
      /** The same of schedules, by id. */
      removedSchedules: z.array(z.string()).readonly().optional(),
    })
    .readonly(),
});
export type ManifestDeployed = Readonly<z.infer<typeof ManifestDeployed>>;

export type ManifestEvent = ManifestDeployed;
