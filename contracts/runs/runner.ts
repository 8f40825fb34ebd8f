/** Who does the work of a task: HTTP workers, or a runner inside the function `run-inline`. */
import * as z from 'zod';

/** `worker` is any program that claims tasks; `noop` succeeds at once, for assets that need no work of their own. */
export const RunnerName = z.enum(['worker', 'noop']);
export type RunnerName = z.infer<typeof RunnerName>;

/** The runners of `run-inline`. */
export const InlineRunnerName = RunnerName.exclude(['worker']);
export type InlineRunnerName = z.infer<typeof InlineRunnerName>;

/** A message of the queue `inline-runs`: the stream of a run with a task for an in-process runner. */
export const InlineRunMessage = z.strictObject({ stream: z.string().startsWith('run#') }).readonly();
export type InlineRunMessage = z.infer<typeof InlineRunMessage>;
