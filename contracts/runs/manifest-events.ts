/** Facts of the stream `manifests#tenant/workspace`: what is deployed, which limits hold for it, and where its tasks are sent. */
import * as z from 'zod';
import { ManifestId } from '#contracts/ids.ts';
import { LocationRemoved, LocationSet } from '#contracts/runs/location-events.ts';
import { Capacity, DeclaredLimit, LimitId, LimitSource } from '#contracts/runs/concurrency.ts';

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
      /** What it declares of limits that are set over the API, and holds again once those are removed; absent, nothing. */
      overriddenLimits: z.array(DeclaredLimit).readonly().optional(),
    })
    .readonly(),
});
export type ManifestDeployed = Readonly<z.infer<typeof ManifestDeployed>>;

const limitEvent = <Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) =>
  z.strictObject({
    type: z.literal(type),
    idempotencyKey: z.string(),
    /** Changes of limits of a workspace are numbered: of two words on a limit the later holds, in whatever order they come. */
    data: z.strictObject({ limitId: LimitId, changeNo: z.int().min(1), ...shape }).readonly(),
  });

/** A limit has a capacity from now on. Key `limit_set:{changeNo}`. */
export const LimitSet = limitEvent('LimitSet', { capacity: Capacity, source: LimitSource });

/** A limit is none any more. Key `limit_removed:{changeNo}`. */
export const LimitRemoved = limitEvent('LimitRemoved', {});

/** The limit itself has heard of a change. Key `limit_told:{changeNo}`. */
export const LimitTold = limitEvent('LimitTold', {});

/** Every fact the stream may hold. */
export const ManifestEvent = z.discriminatedUnion('type', [
  ManifestDeployed,
  LimitSet,
  LimitRemoved,
  LimitTold,
  LocationSet,
  LocationRemoved,
]);
export type ManifestEvent = Readonly<z.infer<typeof ManifestEvent>>;
