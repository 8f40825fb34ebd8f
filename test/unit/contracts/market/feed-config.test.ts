import { describe, expect, it } from 'vitest';
import {
  FEED_SYMBOL_BYTES_MAX,
  FEED_SYMBOLS_MAX,
  FeedConfig,
  parseFeedConfig,
} from '#contracts/market/feed-config.ts';
import { isMarketEventType, requiredNormalizedKeys } from '#contracts/market/raw-market-event.ts';

const sources = [{ source_id: 'a', symbols: ['AAA'] }];
const message = (config: unknown) => {
  const result = parseFeedConfig(config);
  return result.kind === 'invalid' ? result.message : 'valid';
};

describe('a feed configuration', () => {
  it('has three-minute boundaries, the truth engine and arrival time unless it says otherwise', () => {
    const result = parseFeedConfig({ sources });

    expect(result).toEqual({
      kind: 'valid',
      config: {
        sources,
        scheduler: { mode: 'boundary', boundary_interval_ms: 180_000, boundary_delay_ms: 0 },
        engine: { engine_mode: 'truth' },
        clock: 'arrival',
      },
    });
    expect(FeedConfig.parse(result.kind === 'valid' && result.config)).toBeDefined();
  });

  it('takes every key it knows', () => {
    expect(
      parseFeedConfig({
        sources,
        scheduler: { mode: 'timer', timer_interval_ms: 1, boundary_interval_ms: null },
        engine: { engine_mode: 'truth', hysteresis_state_path: null },
        clock: 'record',
      }),
    ).toMatchObject({ config: { scheduler: { mode: 'timer', timer_interval_ms: 1 }, clock: 'record' } });
    expect(
      message({ sources, scheduler: { mode: 'boundary', boundary_interval_ms: 1, boundary_delay_ms: 0 } }),
    ).toBe('valid');
  });

  it.each([
    ['no configuration', 7, 'the feed configuration must be an object'],
    ['an unknown key', { sources, zeta: 1, alpha: 2 }, 'unknown feed config keys: alpha, zeta'],
    ['no sources', {}, 'orchestrator config must include at least one source'],
    ['empty sources', { sources: [] }, 'orchestrator config must include at least one source'],
    ['a source that is text', { sources: ['a'] }, 'each source must be an object'],
    ['an unknown source key', { sources: [{ ...sources[0], x: 1 }] }, 'unknown source keys: x'],
    [
      'an empty source id',
      { sources: [{ source_id: '', symbols: ['A'] }] },
      'source_id must be set for each source',
    ],
    [
      'a source id that is no text',
      { sources: [{ source_id: 1, symbols: ['A'] }] },
      'source_id must be set for each source',
    ],
    [
      'a source id that is too long',
      { sources: [{ source_id: 'x'.repeat(129), symbols: ['A'] }] },
      'source_id must be set for each source',
    ],
    ['a source twice', { sources: [...sources, ...sources] }, 'duplicate source_id: a'],
    ['no symbols', { sources: [{ source_id: 'a' }] }, 'symbols must be set for source_id=a'],
    ['empty symbols', { sources: [{ source_id: 'a', symbols: [] }] }, 'symbols must be set for source_id=a'],
    [
      'an empty symbol',
      { sources: [{ source_id: 'a', symbols: [''] }] },
      'symbols of source_id=a must be 1 to 128 printable characters',
    ],
    [
      'a symbol twice',
      { sources: [{ source_id: 'a', symbols: ['A', 'A'] }] },
      'duplicate symbol for source_id=a',
    ],
    ['a scheduler that is a list', { sources, scheduler: [] }, 'scheduler must be an object'],
    ['an unknown scheduler key', { sources, scheduler: { x: 1 } }, 'unknown scheduler keys: x'],
    [
      'another mode',
      { sources, scheduler: { mode: 'cron' } },
      "scheduler.mode must be 'timer' or 'boundary'",
    ],
    [
      'a timer without interval',
      { sources, scheduler: { mode: 'timer' } },
      'scheduler.timer_interval_ms must be > 0',
    ],
    [
      'a timer of 0',
      { sources, scheduler: { mode: 'timer', timer_interval_ms: 0 } },
      'scheduler.timer_interval_ms must be > 0',
    ],
    [
      'a fractional interval',
      { sources, scheduler: { boundary_interval_ms: 1.5 } },
      'scheduler.boundary_interval_ms must be > 0',
    ],
    [
      'a delay of null',
      { sources, scheduler: { boundary_delay_ms: null } },
      'scheduler.boundary_delay_ms must be >= 0',
    ],
    [
      'a negative delay',
      { sources, scheduler: { boundary_delay_ms: -1 } },
      'scheduler.boundary_delay_ms must be >= 0',
    ],
    [
      'another engine',
      { sources, engine: { engine_mode: 'x' } },
      "engine.engine_mode must be 'truth' or 'hysteresis'",
    ],
    [
      'an engine that is not there',
      { sources, engine: { engine_mode: 'hysteresis' } },
      "engine.engine_mode 'hysteresis' is not available; use 'truth'",
    ],
    [
      'a state path without hysteresis',
      { sources, engine: { hysteresis_state_path: 'x' } },
      'engine.hysteresis_state_path is for hysteresis mode only; leave it out',
    ],
    ['another clock', { sources, clock: 'wall' }, "clock must be 'record' or 'arrival'"],
  ])('is refused with %s', (_name, config, expected) => {
    expect(message(config)).toBe(expected);
  });

  it('names the first rule broken, in the order sources, scheduler, engine', () => {
    expect(message({ sources: [], scheduler: { mode: 'x' }, engine: { engine_mode: 'x' } })).toContain(
      'source',
    );
    expect(message({ sources, scheduler: { mode: 'x' }, engine: { engine_mode: 'x' } })).toContain(
      'scheduler',
    );
  });

  it('takes the most symbols and bytes allowed and no more', () => {
    const many = (count: number) =>
      message({
        sources: [{ source_id: 'a', symbols: Array.from({ length: count }, (_, index) => `S${index}`) }],
      });
    const long = (last: number) =>
      message({
        sources: [
          {
            source_id: 'a',
            symbols: [
              ...Array.from({ length: 255 }, (_, index) => String(index).padStart(128, 'x')),
              'y'.repeat(last),
            ],
          },
        ],
      });

    expect([many(FEED_SYMBOLS_MAX), many(FEED_SYMBOLS_MAX + 1)]).toEqual([
      'valid',
      'a feed takes at most 1000 symbols, this one has 1001; split it',
    ]);
    expect(255 * 128 + 128).toBe(FEED_SYMBOL_BYTES_MAX);
    expect(long(128)).toBe('valid');
    expect(
      message({
        sources: [
          {
            source_id: 'a',
            symbols: [
              ...Array.from({ length: 255 }, (_, index) => String(index).padStart(128, 'x')),
              'é'.repeat(65),
            ],
          },
        ],
      }),
    ).toContain('32768 bytes');
  });

  it('lets nothing but its own refusals become messages', () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new TypeError('hostile');
        },
      },
    );

    expect(() => parseFeedConfig(hostile)).toThrow('hostile');
  });
});

describe('event types', () => {
  it('name their required keys in order', () => {
    expect(requiredNormalizedKeys('Candle')).toEqual([
      'close',
      'high',
      'interval_ms',
      'is_final',
      'low',
      'open',
      'volume',
    ]);
    expect(requiredNormalizedKeys('SnapshotInputs')).toEqual(['timestamp_ms']);
    expect([isMarketEventType('BookDelta'), isMarketEventType('toString')]).toEqual([true, false]);
  });
});
