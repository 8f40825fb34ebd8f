/** Running a run again (asset reference, section 8.4). */
import * as z from 'zod';
import { RunId } from '#contracts/ids.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { RunKey, RunLabels, TriggerRunResponse } from '#contracts/runs/trigger.ts';

/** Which tasks of the parent a rerun takes. */
export const RerunKind = z.enum(['FROM_FAILURE', 'SUBSET']);
export type RerunKind = z.infer<typeof RerunKind>;

/** Why a rerun has the tasks it has. */
export const RerunReason = z.enum(['from_failure_unsucceeded_tasks', 'subset_selection']);
export type RerunReason = z.infer<typeof RerunReason>;

/** The reason that goes with each kind. */
export const rerunReasons = {
  FROM_FAILURE: 'from_failure_unsucceeded_tasks',
  SUBSET: 'subset_selection',
} as const satisfies Record<RerunKind, RerunReason>;

/** Body of `POST /runs/{runId}/rerun`. The `Idempotency-Key` header is the run key when the body has none. */
export const RerunRequest = z
  .strictObject({
    mode: z.enum(['fromFailure', 'subset']),
    /** Tasks of the parent, for `subset` alone; `fromFailure` ignores it and the closure flags. */
    selection: z
      .array(z.string().max(runLimits.selectionItemLengthMax))
      .min(1)
      .max(runLimits.selectionMax)
      .readonly()
      .optional(),
    includeUpstream: z.boolean().default(false),
    includeDownstream: z.boolean().default(false),
    /** Absent, the same rerun finds the one that is under way or succeeded, and starts anew after one that did not. */
    runKey: RunKey.optional(),
    labels: RunLabels.default({}),
    /** Starts another although one of the same request is under way or succeeded; with a run key, the key decides. */
    force: z.boolean().default(false),
    /** The code the parent ran with, or what is deployed now. */
    codeVersion: z.enum(['parent', 'latest']).default('parent'),
  })
  .refine((body) => body.mode === 'fromFailure' || body.selection !== undefined, {
    path: ['selection'],
    error: 'must name at least one task of the run when mode is subset',
  })
  .readonly();
export type RerunRequest = z.infer<typeof RerunRequest>;

/** Answer of `POST /runs/{runId}/rerun`. */
export const RerunResponse = z.strictObject({
  ...TriggerRunResponse.shape,
  parentRunId: RunId,
  rerunKind: RerunKind,
  rerunReason: RerunReason,
});
export type RerunResponse = z.infer<typeof RerunResponse>;
