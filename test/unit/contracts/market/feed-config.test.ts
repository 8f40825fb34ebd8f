import { describe, expect, it } from 'vitest';
import { FEED_SYMBOL_BYTES_MAX, FEED_SYMBOLS_MAX, FeedConfig } from '#contracts/market/feed-config.ts';
import { feedWarnings, parseFeedConfig } from '#contracts/market/feed-config-rules.ts';
import { isMarketEventType, requiredNormalizedKeys } from '#contracts/market/raw-market-event.ts';

const sources = [{ source_id: 'a', symbols: ['AAA'] }];
const message = (config: unknown) => {
  const result = parseFeedConfig(config);
  return result.kind === 'invalid' ? result.message : 'valid';
};

describe('a feed configuration', () => {
  it('has the defaults of the reference, arrival time and word of what it skips unless it says otherwise', () => {
    const result = parseFeedConfig({ sources });
    const retry = { min_delay_ms: 100, max_delay_ms: 1_000, max_attempts: 3, max_elapsed_ms: null };
    const limits = { max_pending: 1_000, max_block_ms: null, max_failures: null };

    expect(result).toEqual({
      kind: 'valid',
      config: {
        sources,
        scheduler: { mode: 'boundary', boundary_interval_ms: 180_000, boundary_delay_ms: 0 },
        engine: {
          engine_mode: 'hysteresis',
          hysteresis_state_path: 'logs/hysteresis/hysteresis_store.jsonl',
        },
        ingestion_retry: retry,
        buffer_retry: retry,
        engine_retry: retry,
        publish_retry: retry,
        buffer_retention: {
          max_records: 50_000,
          max_age_ms: null,
          replay_window_ms: 0,
          delete_pruned: false,
          on_full: 'block',
          max_spilled_records: 500_000,
        },
        output_publish: { max_pending: 1_000, max_block_ms: null },
        clock: 'arrival',
        emit_skipped: true,
        recovery: { reminder_ms: 3_600_000, max_reminders: 168 },
        engine_options: {
          engine: 'belief',
          no_data: 'opinion',
          vetoes: null,
          matrix: null,
          snapshot_source: 'snapshot_inputs',
          hysteresis: 'decision',
          hysteresis_config: null,
          candle_window: null,
          deduplicate: false,
        },
        state_gate: {
          max_gap_ms: 180_000,
          denylisted_invalidations: [],
          block_during_transition: false,
          input_limits: limits,
          persistence_limits: limits,
          publish_limits: limits,
        },
        analysis_engine: { enabled_modules: [], module_configs: [], symbols: [] },
        dashboards: { default_time_window_ms: 0 },
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
        ingestion_retry: { min_delay_ms: 1, max_delay_ms: 1, max_attempts: 1, max_elapsed_ms: 1 },
        buffer_retry: {},
        engine_retry: { max_attempts: undefined },
        publish_retry: { max_elapsed_ms: null },
        buffer_retention: {
          max_records: 1,
          max_age_ms: 1,
          replay_window_ms: 1,
          on_full: 'spill',
          max_spilled_records: 1,
        },
        output_publish: { max_pending: 1, max_block_ms: 1 },
        clock: 'record',
        emit_skipped: false,
      }),
    ).toMatchObject({
      config: {
        scheduler: { mode: 'timer', timer_interval_ms: 1 },
        ingestion_retry: { min_delay_ms: 1, max_delay_ms: 1, max_attempts: 1, max_elapsed_ms: 1 },
        engine_retry: { max_attempts: 3 },
        buffer_retention: {
          max_records: 1,
          max_age_ms: 1,
          replay_window_ms: 1,
          delete_pruned: false,
          on_full: 'spill',
          max_spilled_records: 1,
        },
        output_publish: { max_pending: 1, max_block_ms: 1 },
        clock: 'record',
        emit_skipped: false,
      },
    });
    expect(
      parseFeedConfig({ sources, engine: { engine_mode: 'truth', hysteresis_state_path: 'kept' } }),
    ).toMatchObject({ config: { engine: { hysteresis_state_path: 'kept' } } });
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
      'hysteresis without a state path',
      { sources, engine: { engine_mode: 'hysteresis', hysteresis_state_path: null } },
      'engine.hysteresis_state_path is required for hysteresis mode',
    ],
    [
      'hysteresis with an empty state path',
      { sources, engine: { hysteresis_state_path: '' } },
      'engine.hysteresis_state_path is required for hysteresis mode',
    ],
    ['an unknown engine key', { sources, engine: { x: 1 } }, 'unknown engine keys: x'],
    ['a retry that is text', { sources, engine_retry: 'x' }, 'engine_retry must be an object'],
    ['an unknown retry key', { sources, engine_retry: { x: 1 } }, 'unknown engine_retry keys: x'],
    [
      'a least delay of 0',
      { sources, ingestion_retry: { min_delay_ms: 0 } },
      'ingestion_retry.min_delay_ms must be > 0',
    ],
    [
      'a greatest delay of true',
      { sources, buffer_retry: { max_delay_ms: true } },
      'buffer_retry.max_delay_ms must be > 0',
    ],
    [
      'a greatest delay below the least',
      { sources, publish_retry: { max_delay_ms: 99 } },
      'publish_retry.max_delay_ms must be >= publish_retry.min_delay_ms',
    ],
    ['no attempts', { sources, engine_retry: { max_attempts: 0 } }, 'engine_retry.max_attempts must be > 0'],
    [
      'an elapsed bound of 0',
      { sources, engine_retry: { max_elapsed_ms: 0 } },
      'engine_retry.max_elapsed_ms must be > 0',
    ],
    ['an unknown retention key', { sources, buffer_retention: { x: 1 } }, 'unknown buffer_retention keys: x'],
    [
      'no records',
      { sources, buffer_retention: { max_records: 0 } },
      'buffer_retention.max_records must be > 0',
    ],
    [
      'an age of 0',
      { sources, buffer_retention: { max_age_ms: 0 } },
      'buffer_retention.max_age_ms must be > 0',
    ],
    [
      'a negative replay window',
      { sources, buffer_retention: { replay_window_ms: -1 } },
      'buffer_retention.replay_window_ms must be >= 0',
    ],
    [
      'a full buffer that drops',
      { sources, buffer_retention: { on_full: 'drop' } },
      "buffer_retention.on_full must be 'block' or 'spill'",
    ],
    [
      'an empty spill',
      { sources, buffer_retention: { max_spilled_records: 0 } },
      'buffer_retention.max_spilled_records must be > 0',
    ],
    [
      'a deletion that is no yes or no',
      { sources, buffer_retention: { delete_pruned: 1 } },
      'buffer_retention.delete_pruned must be true or false',
    ],
    ['an unknown publish key', { sources, output_publish: { x: 1 } }, 'unknown output_publish keys: x'],
    [
      'nothing pending',
      { sources, output_publish: { max_pending: 0 } },
      'output_publish.max_pending must be > 0',
    ],
    [
      'a block of 0',
      { sources, output_publish: { max_block_ms: 0 } },
      'output_publish.max_block_ms must be > 0',
    ],
    [
      'an unknown engine option',
      { sources, engine_options: { x: 1 } },
      'engine_options: Unrecognized key: "x"',
    ],
    [
      'a hysteresis of the other kind',
      { sources, engine_options: { hysteresis: 'belief', hysteresis_config: { decay_factor: 1 } } },
      'engine_options.hysteresis_config: Unrecognized key: "decay_factor"',
    ],
    [
      'more candles than a feed remembers',
      { sources, engine_options: { candle_window: 257 } },
      'engine_options.candle_window must be at most 256',
    ],
    [
      'options that are text',
      { sources, engine_options: 'x' },
      'engine_options: Invalid input: expected object, received string',
    ],
    ['skipping that is no yes or no', { sources, emit_skipped: 1 }, 'emit_skipped must be true or false'],
    [
      'reminders without a pause',
      { sources, recovery: { reminder_ms: 59_999 } },
      'recovery.reminder_ms: Too small: expected number to be >=60000',
    ],
    [
      'more reminders than one execution makes',
      { sources, recovery: { max_reminders: 1_001 } },
      'recovery.max_reminders: Too big: expected number to be <=1000',
    ],
    ['another clock', { sources, clock: 'wall' }, "clock must be 'record' or 'arrival'"],
  ])('is refused with %s', (_name, config, expected) => {
    expect(message(config)).toBe(expected);
  });

  it('warns of a schedule whose engine timestamps the engine is not made for', () => {
    const warnings = (scheduler: FeedConfig['scheduler']) => feedWarnings({ scheduler }).length;

    expect(warnings({ mode: 'boundary', boundary_interval_ms: 360_000, boundary_delay_ms: 7 })).toBe(0);
    expect(warnings({ mode: 'boundary', boundary_interval_ms: 60_000, boundary_delay_ms: 0 })).toBe(1);
    expect(warnings({ mode: 'timer', timer_interval_ms: 180_000 })).toBe(1);
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
