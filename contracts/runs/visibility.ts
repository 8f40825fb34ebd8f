/** Whether the output of an attempt that succeeded can be read by others (asset reference, section 5.2). */
import * as z from 'zod';
import { attemptReport } from '#contracts/runs/callbacks.ts';
import { runLimits } from '#contracts/runs/limits.ts';
import { RunState } from '#contracts/runs/states.ts';
import { OutputFields, OutputVisibilityState } from '#contracts/runs/task-output.ts';

const visibility = {
  visibilityState: OutputVisibilityState,
  publishedAt: OutputFields.shape.publishedAt,
  publishError: OutputFields.shape.publishError,
};

/** Body of `POST /runs/{runId}/tasks/{taskKey}/visibility`, sent by people and machines with a role. */
export const OutputVisibilityRequest = z
  .strictObject({ attempt: z.int().min(1).max(runLimits.attemptsMax), ...visibility })
  .readonly();
export type OutputVisibilityRequest = z.infer<typeof OutputVisibilityRequest>;

/** Body of `POST /v1/callbacks/{taskId}/visibility`, sent by the worker of the attempt. */
export const AttemptVisibilityRequest = z.strictObject({ ...attemptReport, ...visibility }).readonly();
export type AttemptVisibilityRequest = z.infer<typeof AttemptVisibilityRequest>;

/** Answer of both; the same to the same report again. */
export const OutputVisibilityResponse = z.strictObject({
  taskKey: z.string(),
  attempt: z.int().min(1),
  outputVisibilityState: OutputVisibilityState,
  /** What readers see of the run from now on. */
  runState: RunState,
});
export type OutputVisibilityResponse = z.infer<typeof OutputVisibilityResponse>;
