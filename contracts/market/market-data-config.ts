/** The configuration of market data sources as the reference writes it (market reference, section 8). */
import {
  broken,
  checked,
  integerAt,
  objectOf,
  optionalAt,
  retryOf,
  sourcesOf,
  textsOf,
} from '#contracts/market/config-rules.ts';
import type { ConfigResult, RawConfig } from '#contracts/market/config-rules.ts';
import type { RetryPolicy } from '#contracts/market/operation.ts';

/** What a source may take before it gives up or pushes back; what is null is not bounded here. */
export interface SourceLimits {
  readonly connect_timeout_ms: number | null;
  readonly read_timeout_ms: number | null;
  readonly retry: RetryPolicy | null;
  readonly backpressure: {
    readonly policy: 'block' | 'fail';
    readonly max_pending: number;
    readonly max_block_ms: number | null;
  } | null;
}

/** A checked configuration. */
export interface MarketDataConfig {
  readonly sources: readonly {
    readonly source_id: string;
    /** The source's names of instruments, and ours. */
    readonly symbol_map: Readonly<Record<string, string>>;
    readonly channels: readonly string[];
    readonly transport: unknown;
    readonly limits: SourceLimits | null;
  }[];
}

/** Checks a configuration: the first rule that is broken is the answer. */
export const parseMarketDataConfig = (value: unknown): ConfigResult<MarketDataConfig> =>
  checked(() => {
    const config = objectOf(value, 'market_data config', ['sources']);
    const whenNone = 'market_data config must include at least one source';
    return { sources: sourcesOf(config['sources'], whenNone, sourceOf) };
  });

const sourceOf = (source: RawConfig, source_id: string): MarketDataConfig['sources'][number] => {
  objectOf(source, 'source', ['source_id', 'symbol_map', 'channels', 'transport', 'limits']);
  return {
    source_id,
    symbol_map: symbolMapOf(source['symbol_map'], `symbol_map must be set for source_id=${source_id}`),
    channels: textsOf(source['channels'], `channels must be set for source_id=${source_id}`),
    transport: source['transport'] ?? null,
    limits: (source['limits'] ?? null) === null ? null : limitsOf(source['limits']),
  };
};

const symbolMapOf = (value: unknown, whenNone: string): Readonly<Record<string, string>> => {
  const entries =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return texts.length > 0 && texts.length === entries.length ? Object.fromEntries(texts) : broken(whenNone);
};

const limitsOf = (value: unknown): SourceLimits => {
  const limits = objectOf(value, 'limits', [
    'connect_timeout_ms',
    'read_timeout_ms',
    'retry',
    'backpressure',
  ]);
  return {
    connect_timeout_ms: optionalAt(limits, 'connect_timeout_ms', 'connect_timeout_ms'),
    read_timeout_ms: optionalAt(limits, 'read_timeout_ms', 'read_timeout_ms'),
    retry: (limits['retry'] ?? null) === null ? null : retryOf(limits['retry'], 'retry'),
    backpressure: (limits['backpressure'] ?? null) === null ? null : backpressureOf(limits['backpressure']),
  };
};

const backpressureOf = (value: unknown): SourceLimits['backpressure'] => {
  const backpressure = objectOf(value, 'backpressure', ['policy', 'max_pending', 'max_block_ms']);
  const policy = backpressure['policy'] ?? 'fail';
  if (policy !== 'block' && policy !== 'fail') return broken("backpressure.policy must be 'block' or 'fail'");
  const label = 'backpressure.max_pending';
  return {
    policy,
    max_pending: integerAt(backpressure, 'max_pending', { label, from: 1, otherwise: 10_000 }),
    max_block_ms: optionalAt(backpressure, 'max_block_ms', 'backpressure.max_block_ms'),
  };
};
