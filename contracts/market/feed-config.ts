/**
 * The configuration of a feed: the orchestrator keys of the market reference, section 8, and ours. This is the checked
 * form with its defaults; how a person may write it, and what is refused in which words, is `feed-config-rules.ts`.
 */
import * as z from 'zod';
import { MarketSymbol } from '#contracts/ids.ts';
import { AnalysisConfig, analysisDefault } from '#contracts/market/analysis.ts';
import { DashboardsConfig, dashboardsDefault } from '#contracts/market/dashboard.ts';
import { EngineMode } from '#contracts/market/engine-run.ts';
import { RunOptions, runOptionsDefault } from '#contracts/market/run-options.ts';
import { StateGateConfig, stateGateDefault } from '#contracts/market/state-gate.ts';

/** A venue or vendor and the instruments taken from it. */
export const FeedSource = z.strictObject({
  source_id: z.string().min(1).max(128),
  symbols: z.array(MarketSymbol).min(1),
});
export type FeedSource = z.infer<typeof FeedSource>;

/** When runs are planned: every interval from the first record on, or at aligned boundaries after a delay. */
export const FeedScheduler = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('timer'), timer_interval_ms: z.int().min(1) }),
  z.strictObject({
    mode: z.literal('boundary'),
    boundary_interval_ms: z.int().min(1),
    boundary_delay_ms: z.int().min(0),
  }),
]);
export type FeedScheduler = z.infer<typeof FeedScheduler>;

/** The default name of the state that hysteresis keeps; here it is part of the symbol's own stream. */
export const HYSTERESIS_STATE_DEFAULT = 'logs/hysteresis/hysteresis_store.jsonl';

/** Bounded backoff of one failure domain, in milliseconds. */
export const FeedRetry = z.strictObject({
  min_delay_ms: z.int().min(1),
  max_delay_ms: z.int().min(1),
  max_attempts: z.int().min(1),
  max_elapsed_ms: z.int().min(1).nullable(),
});
export type FeedRetry = z.infer<typeof FeedRetry>;

/** The reference's defaults of every retry block. */
export const feedRetryDefault: FeedRetry = {
  min_delay_ms: 100,
  max_delay_ms: 1_000,
  max_attempts: 3,
  max_elapsed_ms: null,
};

/** The retry blocks, in the order in which they are checked. */
export const retryBlocks = ['ingestion_retry', 'buffer_retry', 'engine_retry', 'publish_retry'] as const;

/** How much the buffer holds before records wait in their stream. */
export const BufferRetention = z.strictObject({
  /** Records that are not consumed by every symbol, or are inside the replay window. */
  max_records: z.int().min(1),
  /** Age of the oldest of them, in feed time; null for no bound. */
  max_age_ms: z.int().min(1).nullable(),
  /** How far back, in feed time, consumed records still count: ours, default 0. */
  replay_window_ms: z.int().min(0),
  /** Whether records that count no more are deleted, so that they cannot be replayed: ours, default false. */
  delete_pruned: z.boolean().default(false),
  /** What becomes of a batch without room: it waits in its stream, or in the object store so that others go on: ours, default block. */
  on_full: z.enum(['block', 'spill']).default('block'),
  /** Records that may wait in the object store; beyond it the feed blocks: ours, default 500,000. */
  max_spilled_records: z.int().min(1).default(500_000),
});
export type BufferRetention = z.infer<typeof BufferRetention>;

/** The reference's defaults of `buffer_retention`. */
export const bufferRetentionDefault: BufferRetention = {
  max_records: 50_000,
  max_age_ms: null,
  replay_window_ms: 0,
  delete_pruned: false,
  on_full: 'block',
  max_spilled_records: 500_000,
};

/** How much may wait in the queue of engine runs before what is planned is held back. */
export const OutputPublish = z.strictObject({
  /** Messages of the queue. */
  max_pending: z.int().min(1),
  /** Age of a message when it is run; null for no bound. */
  max_block_ms: z.int().min(1).nullable(),
});
export type OutputPublish = z.infer<typeof OutputPublish>;

/** The reference's defaults of `output_publish`. */
export const outputPublishDefault: OutputPublish = { max_pending: 1_000, max_block_ms: null };

/** How a feed that waits for a person reminds of it: ours. */
export const FeedRecovery = z.strictObject({
  /** From one reminder to the next: a minute to a week, default an hour. */
  reminder_ms: z.int().min(60_000).max(604_800_000).default(3_600_000),
  /** Reminders of one execution; then the next generation takes its place. At most 1,000, default 168. */
  max_reminders: z.int().min(1).max(1_000).default(168),
});
export type FeedRecovery = z.infer<typeof FeedRecovery>;

/** The defaults of `recovery`: each hour, a new execution each week. */
export const feedRecoveryDefault: FeedRecovery = FeedRecovery.parse({});

const retry = FeedRetry.default(feedRetryDefault);

/** A checked configuration with its defaults filled in. What later versions added has its default in older events. */
export const FeedConfig = z.strictObject({
  sources: z.array(FeedSource).min(1),
  scheduler: FeedScheduler,
  engine: z.strictObject({
    engine_mode: EngineMode,
    hysteresis_state_path: z.string().min(1).max(1_024).nullable().default(null),
  }),
  ingestion_retry: retry,
  buffer_retry: retry,
  engine_retry: retry,
  publish_retry: retry,
  buffer_retention: BufferRetention.default(bufferRetentionDefault),
  output_publish: OutputPublish.default(outputPublishDefault),
  /** Feed time: `record` reads `recv_ts_ms` (tapes), `arrival` the stream's arrival time (live venues). */
  clock: z.enum(['record', 'arrival']),
  /** Whether a tick without anything new says so for each symbol (`EngineRunSkipped`). */
  emit_skipped: z.boolean().default(true),
  /** How it reminds of a halt. */
  recovery: FeedRecovery.default(feedRecoveryDefault),
  /** How runs are computed. */
  engine_options: RunOptions.default(runOptionsDefault),
  /** What the later layers make of the runs: whether one may act on them, what modules see in them, how they are shown. */
  state_gate: StateGateConfig.default(stateGateDefault),
  analysis_engine: AnalysisConfig.default(analysisDefault),
  dashboards: DashboardsConfig.default(dashboardsDefault),
});
export type FeedConfig = z.infer<typeof FeedConfig>;

/** Nominal alignment of the engine and default of `boundary_interval_ms`: three minutes. */
export const BOUNDARY_INTERVAL_DEFAULT_MS = 180_000;

/** Most closed candles a feed remembers of a symbol; the composer's longest feature looks at 63. */
export const CANDLE_WINDOW_MAX = 256;

/** Most characters of the JSON of what the later layers are configured with: each symbol's stream holds its part. */
export const LAYERS_CONFIG_MAX = 16_384;

/** Most symbols of one feed, and the most UTF-8 bytes their names may have together. */
export const FEED_SYMBOLS_MAX = 1_000;
/** Most symbols a feed may have listed over all its configurations: it goes on with the runs of each. */
export const FEED_SYMBOLS_EVER_MAX = 4_000;
/** The most UTF-8 bytes the names of one feed's symbols may have together. */
export const FEED_SYMBOL_BYTES_MAX = 32_768;

const atLeast = (minimum: number) => z.int().min(minimum);

const FeedRetryInput = FeedRetry.partial()
  .refine((given) => {
    const { min_delay_ms: min, max_delay_ms: max } = FeedRetry.parse({ ...feedRetryDefault, ...given });
    return max >= min;
  })
  .optional();

/**
 * A configuration as a person writes it, for documents: what may be left out is optional here. `parseFeedConfig` is
 * what decides, with its own messages; a test holds the two to the same answers.
 */
export const FeedConfigInput = z.strictObject({
  sources: z.array(FeedSource).min(1),
  scheduler: z
    .union([
      z.strictObject({ mode: z.literal('timer'), timer_interval_ms: atLeast(1) }),
      z.strictObject({
        mode: z.literal('boundary').optional(),
        boundary_interval_ms: atLeast(1).optional(),
        boundary_delay_ms: atLeast(0).optional(),
      }),
    ])
    .optional(),
  engine: z
    .strictObject({
      engine_mode: EngineMode.optional(),
      hysteresis_state_path: z.string().min(1).max(1_024).optional(),
    })
    .optional(),
  ingestion_retry: FeedRetryInput,
  buffer_retry: FeedRetryInput,
  engine_retry: FeedRetryInput,
  publish_retry: FeedRetryInput,
  buffer_retention: BufferRetention.partial().optional(),
  output_publish: OutputPublish.partial().optional(),
  clock: z.enum(['record', 'arrival']).optional(),
  emit_skipped: z.boolean().optional(),
  recovery: FeedRecovery.partial().optional(),
  engine_options: RunOptions.optional(),
  state_gate: StateGateConfig.optional(),
  analysis_engine: AnalysisConfig.optional(),
  dashboards: DashboardsConfig.optional(),
});
