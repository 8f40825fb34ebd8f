/** How long the queue of engine runs is, as the feeds' schedules see it: asked for now and then, not with each batch. */
import type { FeedCommand } from '#contracts/market/feed.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import type { QueueDepth, Telemetry } from '#domain/ports/outside.ts';

/** For how long an answer is good: a queue does not fill faster than a few batches. */
const FRESH_MS = 5_000;

/** The depth of the queue, at most five seconds old. */
export const watchedDepth = (depth: QueueDepth, nowMs: () => number): QueueDepth => {
  let known: { readonly atMs: number; readonly value: Promise<number> } | undefined;
  return () => {
    const atMs = nowMs();
    if (!known || atMs - known.atMs >= FRESH_MS) known = { atMs, value: depth() };
    return known.value;
  };
};

/** What the depth means for a feed: it pauses above its bound and goes on at half of it, so that it does not flutter. */
export const pressureCommand = (
  { config, schedulingPaused }: Pick<ExistingFeed, 'config' | 'schedulingPaused'>,
  depth: number,
): Extract<FeedCommand, { readonly type: 'PauseScheduling' | 'ResumeScheduling' }> | undefined => {
  const limit = config.output_publish.max_pending;
  if (!schedulingPaused)
    return depth > limit
      ? { type: 'PauseScheduling', reason: 'queue_depth', observed: depth, limit }
      : undefined;
  return depth <= limit / 2 ? { type: 'ResumeScheduling' } : undefined;
};

/** Counts that a feed begins to hold back what it plans, or for how long it did: told before the command is sent. */
export const reportPressure = (
  { telemetry, nowMs }: { readonly telemetry: Telemetry; readonly nowMs: () => number },
  { schedulingPaused }: Pick<ExistingFeed, 'schedulingPaused'>,
): void =>
  schedulingPaused
    ? telemetry.count('orchestrator.backpressure.blocked_ms', nowMs() - schedulingPaused.sinceMs)
    : telemetry.count('orchestrator.backpressure.count');
