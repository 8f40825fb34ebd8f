/** A feed as one file: its records, and the configuration with which a simulation of them says what the feed said. */
import type { FeedCaptureHeader } from '#contracts/market/feed-replay.ts';
import { listedSymbols } from '#domain/market/feed/state.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';

/**
 * The first line of the capture. Undefined when the configuration was changed after records had been taken in: one
 * simulation has one configuration. `firstRecordsSequence` is the event that took the first of them in.
 */
export const captureHeader = (
  { config, configSequence, schedule, lastCutEnd }: ExistingFeed,
  firstRecordsSequence: number | undefined,
): FeedCaptureHeader | undefined =>
  firstRecordsSequence !== undefined && configSequence > firstRecordsSequence
    ? undefined
    : {
        schema: 'feed_capture',
        schema_version: '1',
        config: {
          ...config.engine_options,
          scheduler: config.scheduler,
          scheduler_start_now_ms: schedule?.startMs ?? 0,
          engine_mode: config.engine.engine_mode,
          symbols: [...listedSymbols(config)],
        },
        record_count: lastCutEnd,
      };
