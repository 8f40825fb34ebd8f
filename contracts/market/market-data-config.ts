/**
 * Which messages of which sources are decoded, and under which names: checked in the reference's order and words (market
 * reference, section 8).
 */
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
import type { Checked, Raw } from '#contracts/market/config-rules.ts';
import type { FeedRetry } from '#contracts/market/feed-config.ts';
import { retryOf } from '#contracts/market/feed-config-rules.ts';

/** What an adapter of a source may take before it gives up or pushes back; null is no bound of its own. */
export interface SourceLimits {
  readonly connect_timeout_ms: number | null;
  readonly read_timeout_ms: number | null;
  readonly retry: FeedRetry | null;
  readonly backpressure: {
    readonly policy: 'block' | 'fail';
    readonly max_pending: number;
    readonly max_block_ms: number | null;
  } | null;
}

/** A source of market data. */
export interface MarketDataSource {
  readonly source_id: string;
  /** Our names of instruments by the source's. */
  readonly symbol_map: Readonly<Record<string, MarketSymbol>>;
  /** Channels of events that are taken: `trades`, `candle_3m`, and so on. */
  readonly channels: readonly string[];
  readonly limits: SourceLimits | null;
}

/** A checked configuration. */
export interface MarketDataConfig {
  readonly sources: readonly MarketDataSource[];
}

/** Checks a configuration: the first rule that is broken is the answer. */
export const parseMarketDataConfig = (value: unknown): Checked<MarketDataConfig> =>
  checked(() => {
    const config = objectAt(value, 'the market_data config');
    refuseUnknown(config, ['sources'], 'market_data config');
    return { sources: sourcesOf(config['sources']) };
  });

const sourcesOf = (value: unknown): readonly MarketDataSource[] => {
  if (!Array.isArray(value) || value.length === 0)
    return broken('market_data config must include at least one source');
  const seen = new Set<string>();
  return value.map((entry: unknown) => {
    const source = objectAt(entry, 'each source');
    const sourceId = source['source_id'];
    if (typeof sourceId !== 'string' || sourceId === '')
      return broken('source_id must be set for each source');
    if (seen.has(sourceId)) return broken(`duplicate source_id: ${sourceId}`);
    seen.add(sourceId);
    return sourceOf(source, sourceId);
  });
};

const sourceOf = (source: Raw, sourceId: string): MarketDataSource => {
  refuseUnknown(source, ['source_id', 'symbol_map', 'channels', 'limits'], 'source');
  const limits = source['limits'] ?? null;
  return {
    source_id: sourceId,
    symbol_map: symbolMapOf(source['symbol_map'], sourceId),
    channels: channelsOf(source['channels'], sourceId),
    limits: limits === null ? null : limitsOf(limits),
  };
};

const symbolMapOf = (value: unknown, sourceId: string): MarketDataSource['symbol_map'] => {
  const entries =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  if (entries.length === 0) return broken(`symbol_map must be set for source_id=${sourceId}`);
  return Object.fromEntries(
    entries.map(([name, given]) => {
      const symbol = MarketSymbol.safeParse(given);
      return symbol.success
        ? [name, symbol.data]
        : broken(`symbols of source_id=${sourceId} must be 1 to 128 printable characters`);
    }),
  );
};

const channelsOf = (value: unknown, sourceId: string): readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string')
    ? value
    : broken(`channels must be set for source_id=${sourceId}`);

const limitsOf = (value: unknown): SourceLimits => {
  const limits = objectAt(value, 'limits');
  refuseUnknown(limits, ['connect_timeout_ms', 'read_timeout_ms', 'retry', 'backpressure'], 'limits');
  const { retry = null, backpressure = null } = limits;
  return {
    connect_timeout_ms: boundOf(limits, 'connect_timeout_ms'),
    read_timeout_ms: boundOf(limits, 'read_timeout_ms'),
    retry: retry === null ? null : retryOf(retry, 'retry'),
    backpressure: backpressure === null ? null : backpressureOf(backpressure),
  };
};

const boundOf = (limits: Raw, name: string, label = name): number | null =>
  boundOrNull(or(limits[name], null), label);

const MAX_PENDING_DEFAULT = 10_000;

const backpressureOf = (value: unknown): SourceLimits['backpressure'] => {
  const given = objectAt(value, 'backpressure');
  refuseUnknown(given, ['policy', 'max_pending', 'max_block_ms'], 'backpressure');
  const policy = or(given['policy'], 'fail');
  if (policy !== 'block' && policy !== 'fail') return broken("backpressure.policy must be 'block' or 'fail'");
  return {
    policy,
    max_pending: integerAtLeast(or(given['max_pending'], MAX_PENDING_DEFAULT), 1, 'backpressure.max_pending'),
    max_block_ms: boundOf(given, 'max_block_ms', 'backpressure.max_block_ms'),
  };
};
