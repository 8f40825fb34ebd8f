/** Facts about execution locations in the stream `manifests#tenant/workspace`, numbered by `changeNo` from 1. */
import * as z from 'zod';
import { ExecutionLocationId, FunctionLocation, QueueLocation } from '#contracts/runs/locations.ts';

const changeNo = z.int().min(1);

/** A location is registered, or is another from now on. Key `location_set:{changeNo}`. */
export const LocationSet = z.strictObject({
  type: z.literal('LocationSet'),
  idempotencyKey: z.string(),
  data: z.discriminatedUnion('kind', [
    QueueLocation.unwrap().extend({ changeNo }).readonly(),
    FunctionLocation.unwrap().extend({ changeNo }).readonly(),
  ]),
});

/** A location is none any more. Key `location_removed:{changeNo}`. */
export const LocationRemoved = z.strictObject({
  type: z.literal('LocationRemoved'),
  idempotencyKey: z.string(),
  data: z.strictObject({ executionLocationId: ExecutionLocationId, changeNo }).readonly(),
});

export type LocationEvent = Readonly<z.infer<typeof LocationSet> | z.infer<typeof LocationRemoved>>;
