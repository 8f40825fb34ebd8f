import { describe, expect, it } from 'vitest';
import { parseMarketDataConfig } from '#contracts/market/market-data-config.ts';

const source = { source_id: 'a', symbol_map: { X: 'x' }, channels: ['trades'] };
const told = (config: unknown) => {
  const result = parseMarketDataConfig(config);
  return result.kind === 'invalid' ? result.message : result.config;
};
const withLimits = (limits: unknown) => ({ sources: [{ ...source, limits }] });

describe('a configuration of market data', () => {
  it.each([[undefined], [null]])('has no limits where they are %s', (limits) => {
    expect(told(withLimits(limits))).toEqual({ sources: [{ ...source, limits: null }] });
  });

  it('has the defaults of the reference in the limits that are given', () => {
    expect(told(withLimits({}))).toMatchObject({
      sources: [
        { limits: { connect_timeout_ms: null, read_timeout_ms: null, retry: null, backpressure: null } },
      ],
    });
    expect(told(withLimits({ retry: {}, backpressure: {} }))).toMatchObject({
      sources: [
        {
          limits: {
            retry: { min_delay_ms: 100, max_delay_ms: 1_000, max_attempts: 3, max_elapsed_ms: null },
            backpressure: { policy: 'fail', max_pending: 10_000, max_block_ms: null },
          },
        },
      ],
    });
  });

  it('takes every key it knows', () => {
    const limits = {
      connect_timeout_ms: 10_000,
      read_timeout_ms: 30_000,
      retry: { min_delay_ms: 250, max_delay_ms: 5_000, max_attempts: 5, max_elapsed_ms: 60_000 },
      backpressure: { policy: 'block', max_pending: 1, max_block_ms: 1 },
    };

    expect(told(withLimits(limits))).toEqual({ sources: [{ ...source, limits }] });
  });

  it.each<readonly [unknown, string]>([
    [7, 'the market_data config must be an object'],
    [{ sources: [source], more: 1 }, 'unknown market_data config keys: more'],
    [{}, 'market_data config must include at least one source'],
    [{ sources: [] }, 'market_data config must include at least one source'],
    [{ sources: [7] }, 'each source must be an object'],
    [{ sources: [{ ...source, source_id: '' }] }, 'source_id must be set for each source'],
    [{ sources: [{ ...source, source_id: 7 }] }, 'source_id must be set for each source'],
    [{ sources: [source, source] }, 'duplicate source_id: a'],
    [{ sources: [{ ...source, more: 1 }] }, 'unknown source keys: more'],
    ...[undefined, {}, [], 'x'].map(
      (symbol_map) =>
        [{ sources: [{ ...source, symbol_map }] }, 'symbol_map must be set for source_id=a'] as const,
    ),
    [
      { sources: [{ ...source, symbol_map: { X: 7 } }] },
      'symbols of source_id=a must be 1 to 128 printable characters',
    ],
    ...[undefined, [], 'trades', [7]].map(
      (channels) => [{ sources: [{ ...source, channels }] }, 'channels must be set for source_id=a'] as const,
    ),
    [withLimits(7), 'limits must be an object'],
    [withLimits({ more: 1 }), 'unknown limits keys: more'],
    [withLimits({ connect_timeout_ms: 0 }), 'connect_timeout_ms must be > 0'],
    [withLimits({ read_timeout_ms: true }), 'read_timeout_ms must be > 0'],
    [withLimits({ retry: { min_delay_ms: 0 } }), 'retry.min_delay_ms must be > 0'],
    [
      withLimits({ retry: { min_delay_ms: 9, max_delay_ms: 8 } }),
      'retry.max_delay_ms must be >= retry.min_delay_ms',
    ],
    [withLimits({ backpressure: { policy: 'drop' } }), "backpressure.policy must be 'block' or 'fail'"],
    [withLimits({ backpressure: { max_pending: 0 } }), 'backpressure.max_pending must be > 0'],
    [withLimits({ backpressure: { max_block_ms: 0 } }), 'backpressure.max_block_ms must be > 0'],
    [withLimits({ backpressure: { more: 1 } }), 'unknown backpressure keys: more'],
  ])('%j is refused: %s', (config, message) => {
    expect(told(config)).toBe(message);
  });
});
