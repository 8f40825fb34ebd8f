/** Starting a run (asset reference, section 8.2). */
import * as z from 'zod';
import { PlanId, RunId } from '#contracts/ids.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { RunState } from '#contracts/runs/states.ts';

/** The caller's name for a request to run, by which its repeat is known. */
export const RunKey = z.string().min(1).max(runLimits.runKeyLengthMax).brand<'RunKey'>();
export type RunKey = z.infer<typeof RunKey>;

/** Words a caller attaches to a run. */
export const RunLabels = z
  .record(z.string().min(1).max(runLimits.labelKeyLengthMax), z.string().max(runLimits.labelValueLengthMax))
  .refine((record) => Object.keys(record).length <= runLimits.labelsMax, {
    error: `must have at most ${runLimits.labelsMax} labels`,
  })
  .readonly();

/** The value of one dimension. */
export const PartitionValue = z
  .strictObject({
    key: z.string().min(1).max(runLimits.dimensionNameLengthMax),
    value: z.string().max(runLimits.dimensionValueLengthMax),
  })
  .readonly();
export type PartitionValue = z.infer<typeof PartitionValue>;

/** What a run is asked to do: the members its fingerprint is made of. */
const intent = {
  selection: z
    .array(z.string().max(runLimits.selectionItemLengthMax))
    .min(1)
    .max(runLimits.selectionMax)
    .readonly(),
  includeUpstream: z.boolean().default(false),
  includeDownstream: z.boolean().default(false),
  partitions: z.array(PartitionValue).min(1).max(runLimits.partitionsMax).readonly().optional(),
  partitionKey: z.string().min(1).max(runLimits.partitionKeyLengthMax).optional(),
  labels: RunLabels.default({}),
  /** Seconds from now to the run's deadline, at which it is stopped and ends `TIMED_OUT`; absent, it has none. */
  timeoutSec: z.int().min(1).max(runLimits.runTimeoutSecMax).optional(),
};

const namesOnePartition = (body: {
  readonly partitions?: unknown;
  readonly partitionKey?: unknown;
}): boolean => body.partitions === undefined || body.partitionKey === undefined;
const partitionTwice = {
  path: ['partitionKey'],
  error: 'must be absent when partitions is given: both name the partition',
};

/** Body of `POST /runs`. The `Idempotency-Key` header is the run key when the body has none. */
export const TriggerRunRequest = z
  .strictObject({
    ...intent,
    runKey: RunKey.optional(),
  })
  .refine(namesOnePartition, partitionTwice)
  .readonly();
export type TriggerRunRequest = z.infer<typeof TriggerRunRequest>;

/** Answer of `POST /runs`. */
export const TriggerRunResponse = z.strictObject({
  runId: RunId,
  planId: PlanId,
  state: RunState,
  /** False when the run key had been used for the same request before. */
  created: z.boolean(),
  createdAt: z.iso.datetime(),
});
export type TriggerRunResponse = z.infer<typeof TriggerRunResponse>;

/** Body of `POST /runs/run-key/backfill`: the request that the run of the key is believed to have been started by. */
export const BackfillRunKeyRequest = z
  .strictObject({ ...intent, runKey: RunKey })
  .refine(namesOnePartition, partitionTwice)
  .readonly();
export type BackfillRunKeyRequest = z.infer<typeof BackfillRunKeyRequest>;

/** Answer of `POST /runs/run-key/backfill`. */
export const BackfillRunKeyResponse = z.strictObject({
  runKey: RunKey,
  runId: RunId,
  requestFingerprint: z.string(),
  /** Whether the reservation had no fingerprint before; false as all of them have had one from the start. */
  updated: z.boolean(),
  createdAt: z.iso.datetime(),
});
export type BackfillRunKeyResponse = z.infer<typeof BackfillRunKeyResponse>;

/** Body of `POST /runs/{runId}/cancel`; an object, which may be empty. */
export const CancelRunRequest = z
  .strictObject({ reason: z.string().trim().min(1).max(runLimits.cancelReasonLengthMax).optional() })
  .readonly();
export type CancelRunRequest = z.infer<typeof CancelRunRequest>;

/** Answer of `POST /runs/{runId}/cancel`; the same to whoever asks again. */
export const CancelRunResponse = z.strictObject({
  runId: RunId,
  state: RunState,
  /** When the run was first asked to end. */
  cancelledAt: z.iso.datetime(),
});
export type CancelRunResponse = z.infer<typeof CancelRunResponse>;

/** `details` of 409 `run_key_conflict`. */
export const RunKeyConflict = z.strictObject({
  conflictType: z.literal('RUN_KEY_FINGERPRINT_MISMATCH'),
  runKey: z.string(),
  existingRunId: RunId,
  existingPlanId: PlanId,
  existingFingerprint: z.string(),
  requestedFingerprint: z.string(),
  existingCreatedAt: z.iso.datetime(),
});
export type RunKeyConflict = z.infer<typeof RunKeyConflict>;
