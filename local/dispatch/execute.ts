import type { Activity } from '#local/kernel/activity.ts';
import type { Json, Operation } from '#local/kernel/engine.ts';

/** Runs an operation; one that answers later waits for the clock and is parked until then. */
export const execute = async (
  activity: Activity | undefined,
  operation: Operation,
  input: Json,
): Promise<Json> => {
  const output = operation(input);
  if (!(output instanceof Promise)) return output;
  const resume = activity?.park();
  try {
    return await output;
  } finally {
    resume?.();
  }
};
