/** The part of a feed's configuration that a simulation goes by: what decides which runs there are and what they say. */
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import type { FeedCaptureHeader } from '#contracts/market/feed-replay.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';

/** The symbols a feed lists: only they are known to the scheduler. */
export const listedSymbols = (config: FeedConfig): ReadonlySet<string> =>
  new Set(config.sources.flatMap((source) => source.symbols));

/** All of a simulation's configuration but when its schedule begins. */
export const simulatedConfig = (
  config: FeedConfig,
): Omit<FeedCaptureHeader['config'], 'scheduler_start_now_ms'> => ({
  ...config.engine_options,
  scheduler: config.scheduler,
  engine_mode: config.engine.engine_mode,
  symbols: [...listedSymbols(config)],
});

/** Whether two configurations simulate alike; limits, retries and later layers may differ. */
export const isSimulatedAlike = (one: FeedConfig, other: FeedConfig): boolean =>
  canonicalJson(simulatedConfig(one)) === canonicalJson(simulatedConfig(other));

/** Whether two configurations place records alike: into the same runs, whatever room there is for them. */
export const placesAlike = (one: FeedConfig, other: FeedConfig): boolean =>
  isSimulatedAlike(one, other) &&
  one.clock === other.clock &&
  canonicalJson(one.sources) === canonicalJson(other.sources);
