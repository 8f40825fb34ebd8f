/** The health of a feed in the four fields of the market reference, section 6.5, and its lifecycle (section 6.4). */
import * as z from 'zod';

/** Where a feed is in its life, in our words. */
export const FeedStatus = z.enum(['created', 'started', 'drained', 'stopped', 'degraded']);
export type FeedStatus = z.infer<typeof FeedStatus>;

/** The same in the reference's words. */
export const LifecycleState = z.enum(['init', 'running', 'drained', 'stopped', 'degraded']);
export type LifecycleState = z.infer<typeof LifecycleState>;

/** The one place where the two meet. */
export const lifecycleState: Readonly<Record<FeedStatus, LifecycleState>> = {
  created: 'init',
  started: 'running',
  drained: 'drained',
  stopped: 'stopped',
  degraded: 'degraded',
};

/** Answer of `GET /feeds/{feedId}/health`. */
export const FeedHealth = z.strictObject({
  /** True exactly when the feed runs and neither flag is set. */
  ready: z.boolean(),
  state: LifecycleState,
  /** Records wait in the stream: the buffer is full, too old, or cannot be written. */
  ingestion_paused: z.boolean(),
  /** Planned runs wait: outputs are halted, or the queue of engine runs is too long or too slow. */
  scheduling_paused: z.boolean(),
});
export type FeedHealth = z.infer<typeof FeedHealth>;

/** The health that follows from the lifecycle and the two flags. */
export const feedHealth = (
  state: LifecycleState,
  flags: Pick<FeedHealth, 'ingestion_paused' | 'scheduling_paused'>,
): FeedHealth => ({
  ready: state === 'running' && !flags.ingestion_paused && !flags.scheduling_paused,
  state,
  ...flags,
});

/** The failure domains of the reference, section 6.1. */
export const FailureDomain = z.enum(['ingest', 'buffer', 'engine', 'publish']);
export type FailureDomain = z.infer<typeof FailureDomain>;
