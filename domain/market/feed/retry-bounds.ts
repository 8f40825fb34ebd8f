import type { FeedRetry } from '#contracts/market/feed-config.ts';
import type { RetryBounds } from '#domain/kernel/backoff.ts';

/** A retry block of a feed as bounds of a backoff. */
export const retryBounds = ({
  min_delay_ms: minDelayMs,
  max_delay_ms: maxDelayMs,
  max_attempts: attemptsMax,
  max_elapsed_ms: elapsedMaxMs,
}: FeedRetry): RetryBounds => ({
  minDelayMs,
  maxDelayMs,
  attemptsMax,
  ...(elapsedMaxMs === null ? {} : { elapsedMaxMs }),
});
