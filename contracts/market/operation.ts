/** How an orchestrator stands, and how often it tries again (market reference, section 6). */
import * as z from 'zod';

/** Where an orchestrator is in its life. */
export const OrchestratorState = z.enum(['init', 'running', 'drained', 'stopped', 'degraded']);
export type OrchestratorState = z.infer<typeof OrchestratorState>;

/** What may be asked of it. */
export const LifecycleCall = z.enum(['start', 'drain', 'stop', 'degrade']);
export type LifecycleCall = z.infer<typeof LifecycleCall>;

/** Whether it takes records in and plans runs. */
export const OrchestratorHealth = z.strictObject({
  ready: z.boolean(),
  state: OrchestratorState,
  ingestion_paused: z.boolean(),
  scheduling_paused: z.boolean(),
});
export type OrchestratorHealth = z.infer<typeof OrchestratorHealth>;

const positive = z.int().min(1);

/** When something that failed is tried again: delays double from the least to the most. */
export const RetryPolicy = z.strictObject({
  min_delay_ms: positive,
  max_delay_ms: positive,
  max_attempts: positive,
  /** The most all delays may take together; null is no bound. */
  max_elapsed_ms: positive.nullable(),
});
export type RetryPolicy = z.infer<typeof RetryPolicy>;
