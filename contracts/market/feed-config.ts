/**
 * The configuration of a feed: the orchestrator keys of the market reference, section 8, that are in force here,
 * plus our own `clock`. Rules are checked in the reference's order and the first one broken is the answer.
 */
import * as z from 'zod';
import { MarketSymbol } from '#contracts/ids.ts';

/** The engine modes a feed may ask for. */
export const FeedEngineMode = z.enum(['truth']);
export type FeedEngineMode = z.infer<typeof FeedEngineMode>;

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

/** A checked configuration with its defaults filled in. */
export const FeedConfig = z.strictObject({
  sources: z.array(FeedSource).min(1),
  scheduler: FeedScheduler,
  engine: z.strictObject({ engine_mode: FeedEngineMode }),
  /** Feed time: `record` reads `recv_ts_ms` (tapes), `arrival` the stream's arrival time (live venues). */
  clock: z.enum(['record', 'arrival']),
});
export type FeedConfig = z.infer<typeof FeedConfig>;

/**
 * A configuration as a user writes it, for documents: what may be left out is optional here. `parseFeedConfig` is
 * what decides, with its own messages; a test holds the two to the same answers.
 */
export const FeedConfigInput = z.strictObject({
  sources: z.array(FeedSource).min(1),
  scheduler: z
    .union([
      z.strictObject({ mode: z.literal('timer'), timer_interval_ms: z.int().min(1) }),
      z.strictObject({
        mode: z.literal('boundary').optional(),
        boundary_interval_ms: z.int().min(1).optional(),
        boundary_delay_ms: z.int().min(0).optional(),
      }),
    ])
    .optional(),
  engine: z.strictObject({ engine_mode: FeedEngineMode.optional() }).optional(),
  clock: z.enum(['record', 'arrival']).optional(),
});

/** Nominal alignment of the engine and default of `boundary_interval_ms`: three minutes. */
export const BOUNDARY_INTERVAL_DEFAULT_MS = 180_000;

/** Most symbols of one feed, and the most UTF-8 bytes their names may have together. */
export const FEED_SYMBOLS_MAX = 1_000;
/** The most UTF-8 bytes the names of one feed's symbols may have together. */
export const FEED_SYMBOL_BYTES_MAX = 32_768;

/** The configuration, or the message of the first rule it breaks (code `invalid_feed_config`). */
export type FeedConfigResult =
  | { readonly kind: 'valid'; readonly config: FeedConfig }
  | { readonly kind: 'invalid'; readonly message: string };

class BrokenRule extends Error {}

const broken = (message: string): never => {
  throw new BrokenRule(message);
};

type Raw = Readonly<Record<string, unknown>>;

const isRaw = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const objectAt = (value: unknown, label: string): Raw =>
  isRaw(value) ? value : broken(`${label} must be an object`);

const refuseUnknown = (value: Raw, known: readonly string[], label: string): void => {
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  if (unknown.length > 0) broken(`unknown ${label} keys: ${unknown.sort().join(', ')}`);
};

const isSet = (value: unknown): boolean => value !== undefined && value !== null;

const integerAtLeast = (value: unknown, minimum: 0 | 1, label: string): number => {
  const rule = minimum === 1 ? `${label} must be > 0` : `${label} must be >= 0`;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= minimum ? value : broken(rule);
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

const refuseTooManySymbols = (sources: readonly FeedSource[]): void => {
  const symbols = new Set(sources.flatMap((source) => source.symbols));
  if (symbols.size > FEED_SYMBOLS_MAX)
    broken(`a feed takes at most ${FEED_SYMBOLS_MAX} symbols, this one has ${symbols.size}; split it`);
  const bytes = new TextEncoder().encode([...symbols].join('')).length;
  if (bytes > FEED_SYMBOL_BYTES_MAX)
    broken(`the names of a feed's symbols have at most ${FEED_SYMBOL_BYTES_MAX} bytes together; split it`);
};

const schedulerOf = (value: unknown): FeedScheduler => {
  const scheduler = objectAt(value ?? {}, 'scheduler');
  const keys = ['mode', 'timer_interval_ms', 'boundary_interval_ms', 'boundary_delay_ms'];
  refuseUnknown(scheduler, keys, 'scheduler');
  const mode = scheduler['mode'] ?? 'boundary';
  const interval = scheduler['boundary_interval_ms'];
  const delay = scheduler['boundary_delay_ms'];
  if (mode === 'timer') {
    const timer = integerAtLeast(scheduler['timer_interval_ms'], 1, 'scheduler.timer_interval_ms');
    return { mode, timer_interval_ms: timer };
  }
  if (mode !== 'boundary') return broken("scheduler.mode must be 'timer' or 'boundary'");
  return {
    mode,
    boundary_interval_ms:
      interval === undefined
        ? BOUNDARY_INTERVAL_DEFAULT_MS
        : integerAtLeast(interval, 1, 'scheduler.boundary_interval_ms'),
    boundary_delay_ms: delay === undefined ? 0 : integerAtLeast(delay, 0, 'scheduler.boundary_delay_ms'),
  };
};

const engineOf = (value: unknown): FeedConfig['engine'] => {
  const engine = objectAt(value ?? {}, 'engine');
  refuseUnknown(engine, ['engine_mode', 'hysteresis_state_path'], 'engine');
  const mode = engine['engine_mode'] ?? 'truth';
  if (mode === 'truth') {
    if (isSet(engine['hysteresis_state_path']))
      broken('engine.hysteresis_state_path is for hysteresis mode only; leave it out');
    return { engine_mode: mode };
  }
  return mode === 'hysteresis'
    ? broken("engine.engine_mode 'hysteresis' is not available; use 'truth'")
    : broken("engine.engine_mode must be 'truth' or 'hysteresis'");
};

const clockOf = (value: unknown): FeedConfig['clock'] => {
  const clock = z.enum(['record', 'arrival']).safeParse(value ?? 'arrival');
  return clock.success ? clock.data : broken("clock must be 'record' or 'arrival'");
};

const configOf = (value: unknown): FeedConfig => {
  const config = objectAt(value, 'the feed configuration');
  refuseUnknown(config, ['sources', 'scheduler', 'engine', 'clock'], 'feed config');
  const sources = sourcesOf(config['sources']);
  refuseTooManySymbols(sources);
  return {
    sources: [...sources],
    scheduler: schedulerOf(config['scheduler']),
    engine: engineOf(config['engine']),
    clock: clockOf(config['clock']),
  };
};

/**
 * Checks a configuration as a user wrote it. Defaults: boundary mode, 180000 ms, delay 0, truth engine, clock
 * `arrival`. Unknown keys are refused by name.
 */
export const parseFeedConfig = (value: unknown): FeedConfigResult => {
  try {
    return { kind: 'valid', config: configOf(value) };
  } catch (error) {
    if (error instanceof BrokenRule) return { kind: 'invalid', message: error.message };
    throw error;
  }
};
