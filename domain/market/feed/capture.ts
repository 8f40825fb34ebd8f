/** A feed as one file: its records, and the configuration with which a simulation of them says what the feed said. */
import type { FeedCaptureHeader } from '#contracts/market/feed-replay.ts';
import { simulatedConfig } from '#domain/market/feed/simulated-config.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';

/**
 * The first line of the capture. Undefined when what a simulation goes by was changed after records had been taken in:
 * one simulation has one configuration. `firstRecordsSequence` is the event that took the first of them in.
 */
export const captureHeader = (
  { config, simulatedSequence, schedule, lastCutEnd }: ExistingFeed,
  firstRecordsSequence: number | undefined,
): FeedCaptureHeader | undefined =>
  firstRecordsSequence !== undefined && simulatedSequence > firstRecordsSequence
    ? undefined
    : {
        schema: 'feed_capture',
        schema_version: '1',
        config: {
          ...simulatedConfig(config),
          scheduler_start_now_ms: schedule?.startMs ?? 0,
        },
        record_count: lastCutEnd,
      };
