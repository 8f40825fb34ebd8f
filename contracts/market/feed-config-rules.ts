/**
 * Checks a feed's configuration as a person wrote it, in the reference's order and words (market reference, section 8):
 * sources, scheduler, engine, the four retry blocks, retention, publishing, our own members, the later layers. What is left out gets
 * its default; null is no default, and is refused where a number is needed.
 */
import * as z from 'zod';
import { MarketSymbol } from '#contracts/ids.ts';
import {
  boundOrNull,
  broken,
  checked,
  integerAtLeast,
  objectAt,
  or,
  refuseUnknown,
} from '#contracts/market/config-rules.ts';
import type { Checked } from '#contracts/market/config-rules.ts';
import {
  BOUNDARY_INTERVAL_DEFAULT_MS,
  CANDLE_WINDOW_MAX,
  bufferRetentionDefault,
  FEED_SYMBOL_BYTES_MAX,
  FEED_SYMBOLS_MAX,
  FeedRecovery,
  feedRetryDefault,
  HYSTERESIS_STATE_DEFAULT,
  outputPublishDefault,
  retryBlocks,
} from '#contracts/market/feed-config.ts';
import type {
  BufferRetention,
  FeedConfig,
  FeedRetry,
  FeedScheduler,
  FeedSource,
  OutputPublish,
} from '#contracts/market/feed-config.ts';
import { layersOfConfig, valueBy } from '#contracts/market/feed-layer-rules.ts';
import { RunOptions } from '#contracts/market/run-options.ts';

/** The configuration, or the message of the first rule it breaks (code `invalid_feed_config`). */
export type FeedConfigResult = Checked<FeedConfig>;

/**
 * Checks a configuration as a user wrote it. Defaults: boundary mode, 180000 ms, delay 0, hysteresis, clock `arrival`,
 * retries 100 to 1000 ms three times, 50000 records, 1000 pending. Unknown keys are refused by name.
 */
export const parseFeedConfig = (value: unknown): FeedConfigResult => checked(() => configOf(value));

/** What a person should know of a configuration that is valid and may not be meant. */
export const feedWarnings = ({ scheduler }: Pick<FeedConfig, 'scheduler'>): readonly string[] => {
  const isAligned =
    scheduler.mode === 'boundary' && scheduler.boundary_interval_ms % BOUNDARY_INTERVAL_DEFAULT_MS === 0;
  return isAligned
    ? []
    : [
        `engine timestamps of this schedule are not aligned to ${BOUNDARY_INTERVAL_DEFAULT_MS} ms, for which the engine was made`,
      ];
};

const topKeys = [
  'sources',
  'scheduler',
  'engine',
  ...retryBlocks,
  'buffer_retention',
  'output_publish',
  'clock',
  'emit_skipped',
  'recovery',
  'engine_options',
  'state_gate',
  'analysis_engine',
  'dashboards',
] as const;

const configOf = (value: unknown): FeedConfig => {
  const config = objectAt(value, 'the feed configuration');
  refuseUnknown(config, topKeys, 'feed config');
  const sources = sourcesOf(config['sources']);
  refuseTooManySymbols(sources);
  const scheduler = schedulerOf(config['scheduler']);
  const engine = engineOf(config['engine']);
  const retry = (label: (typeof retryBlocks)[number]): FeedRetry => retryOf(config[label], label);
  return {
    sources: [...sources],
    scheduler,
    engine,
    ingestion_retry: retry('ingestion_retry'),
    buffer_retry: retry('buffer_retry'),
    engine_retry: retry('engine_retry'),
    publish_retry: retry('publish_retry'),
    buffer_retention: retentionOf(config['buffer_retention']),
    output_publish: publishOf(config['output_publish']),
    clock: clockOf(config['clock']),
    emit_skipped: booleanOf(config['emit_skipped'], true, 'emit_skipped'),
    recovery: valueBy(FeedRecovery, config['recovery'], 'recovery'),
    engine_options: optionsOf(config['engine_options']),
    ...layersOfConfig(config),
  };
};

const sourcesOf = (value: unknown): readonly FeedSource[] => {
  if (!Array.isArray(value) || value.length === 0)
    return broken('orchestrator config must include at least one source');
  const seen = new Set<string>();
  return value.map((entry: unknown) => {
    const source = objectAt(entry, 'each source');
    refuseUnknown(source, ['source_id', 'symbols'], 'source');
    const sourceId = source['source_id'];
    if (typeof sourceId !== 'string' || sourceId === '' || sourceId.length > 128)
      return broken('source_id must be set for each source');
    if (seen.has(sourceId)) return broken(`duplicate source_id: ${sourceId}`);
    seen.add(sourceId);
    return { source_id: sourceId, symbols: symbolsOf(source['symbols'], sourceId) };
  });
};

const symbolsOf = (value: unknown, sourceId: string): FeedSource['symbols'] => {
  if (!Array.isArray(value) || value.length === 0)
    return broken(`symbols must be set for source_id=${sourceId}`);
  const symbols = z.array(MarketSymbol).safeParse(value);
  if (!symbols.success)
    return broken(`symbols of source_id=${sourceId} must be 1 to 128 printable characters`);
  const seen = new Set(symbols.data);
  return seen.size === symbols.data.length
    ? symbols.data
    : broken(`duplicate symbol for source_id=${sourceId}`);
};

const refuseTooManySymbols = (sources: readonly FeedSource[]): void => {
  const symbols = new Set(sources.flatMap((source) => source.symbols));
  if (symbols.size > FEED_SYMBOLS_MAX)
    broken(`a feed takes at most ${FEED_SYMBOLS_MAX} symbols, this one has ${symbols.size}; split it`);
  const bytes = new TextEncoder().encode([...symbols].join('')).length;
  if (bytes > FEED_SYMBOL_BYTES_MAX)
    broken(`the names of a feed's symbols have at most ${FEED_SYMBOL_BYTES_MAX} bytes together; split it`);
};

const schedulerOf = (value: unknown): FeedScheduler => {
  const scheduler = objectAt(or(value, {}), 'scheduler');
  refuseUnknown(
    scheduler,
    ['mode', 'timer_interval_ms', 'boundary_interval_ms', 'boundary_delay_ms'],
    'scheduler',
  );
  const mode = or(scheduler['mode'], 'boundary');
  if (mode === 'timer')
    return {
      mode,
      timer_interval_ms: integerAtLeast(scheduler['timer_interval_ms'], 1, 'scheduler.timer_interval_ms'),
    };
  if (mode !== 'boundary') return broken("scheduler.mode must be 'timer' or 'boundary'");
  const interval = or(scheduler['boundary_interval_ms'], BOUNDARY_INTERVAL_DEFAULT_MS);
  return {
    mode,
    boundary_interval_ms: integerAtLeast(interval, 1, 'scheduler.boundary_interval_ms'),
    boundary_delay_ms: integerAtLeast(
      or(scheduler['boundary_delay_ms'], 0),
      0,
      'scheduler.boundary_delay_ms',
    ),
  };
};

const engineOf = (value: unknown): FeedConfig['engine'] => {
  const engine = objectAt(or(value, {}), 'engine');
  refuseUnknown(engine, ['engine_mode', 'hysteresis_state_path'], 'engine');
  const mode = or(engine['engine_mode'], 'hysteresis');
  if (mode !== 'truth' && mode !== 'hysteresis')
    return broken("engine.engine_mode must be 'truth' or 'hysteresis'");
  const standard = mode === 'hysteresis' ? HYSTERESIS_STATE_DEFAULT : null;
  const path = or(engine['hysteresis_state_path'], standard);
  if (mode === 'truth' && path === null) return { engine_mode: mode, hysteresis_state_path: null };
  if (typeof path !== 'string' || path === '' || path.length > 1_024)
    return broken('engine.hysteresis_state_path is required for hysteresis mode');
  return { engine_mode: mode, hysteresis_state_path: path };
};

/** A retry block under a label; what is left out has the reference's default. */
export const retryOf = (value: unknown, label: string): FeedRetry => {
  const retry = objectAt(or(value, {}), label);
  refuseUnknown(retry, Object.keys(feedRetryDefault), label);
  const given = { ...feedRetryDefault, ...withoutUndefined(retry) };
  const min = integerAtLeast(given.min_delay_ms, 1, `${label}.min_delay_ms`);
  const max = integerAtLeast(given.max_delay_ms, 1, `${label}.max_delay_ms`);
  if (max < min) return broken(`${label}.max_delay_ms must be >= ${label}.min_delay_ms`);
  return {
    min_delay_ms: min,
    max_delay_ms: max,
    max_attempts: integerAtLeast(given.max_attempts, 1, `${label}.max_attempts`),
    max_elapsed_ms: boundOrNull(given.max_elapsed_ms, `${label}.max_elapsed_ms`),
  };
};

/** What a person left out may also stand there as undefined, in YAML for one. */
const withoutUndefined = (value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined));

const retentionOf = (value: unknown): BufferRetention => {
  const label = 'buffer_retention';
  const retention = objectAt(or(value, {}), label);
  refuseUnknown(retention, Object.keys(bufferRetentionDefault), label);
  const given = { ...bufferRetentionDefault, ...withoutUndefined(retention) };
  return {
    max_records: integerAtLeast(given.max_records, 1, `${label}.max_records`),
    max_age_ms: boundOrNull(given.max_age_ms, `${label}.max_age_ms`),
    replay_window_ms: integerAtLeast(given.replay_window_ms, 0, `${label}.replay_window_ms`),
    delete_pruned: booleanOf(given.delete_pruned, false, `${label}.delete_pruned`),
    on_full: onFullOf(given.on_full),
    max_spilled_records: integerAtLeast(given.max_spilled_records, 1, `${label}.max_spilled_records`),
  };
};

const onFullOf = (value: unknown): BufferRetention['on_full'] =>
  value === 'block' || value === 'spill'
    ? value
    : broken("buffer_retention.on_full must be 'block' or 'spill'");

const publishOf = (value: unknown): OutputPublish => {
  const label = 'output_publish';
  const publish = objectAt(or(value, {}), label);
  refuseUnknown(publish, Object.keys(outputPublishDefault), label);
  const given = { ...outputPublishDefault, ...withoutUndefined(publish) };
  return {
    max_pending: integerAtLeast(given.max_pending, 1, `${label}.max_pending`),
    max_block_ms: boundOrNull(given.max_block_ms, `${label}.max_block_ms`),
  };
};

const clockOf = (value: unknown): FeedConfig['clock'] => {
  const clock = z.enum(['record', 'arrival']).safeParse(or(value, 'arrival'));
  return clock.success ? clock.data : broken("clock must be 'record' or 'arrival'");
};

const optionsOf = (value: unknown): RunOptions => {
  const options = valueBy(RunOptions, value, 'engine_options');
  return (options.candle_window ?? 0) > CANDLE_WINDOW_MAX
    ? broken(`engine_options.candle_window must be at most ${CANDLE_WINDOW_MAX}`)
    : options;
};

const booleanOf = (value: unknown, standard: boolean, label: string): boolean => {
  const given = or(value, standard);
  return typeof given === 'boolean' ? given : broken(`${label} must be true or false`);
};
