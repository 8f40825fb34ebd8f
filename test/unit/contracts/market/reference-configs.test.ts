import { describe, expect, it } from 'vitest';
import { checked, objectOf } from '#contracts/market/config-rules.ts';
import type { ConfigResult } from '#contracts/market/config-rules.ts';
import { parseMarketDataConfig } from '#contracts/market/market-data-config.ts';
import {
  orchestratorConfigWarnings,
  parseOrchestratorConfig,
} from '#contracts/market/orchestrator-config.ts';
import { StateGateConfig } from '#contracts/market/state-gate.ts';
import { parseStateGateConfig } from '#contracts/market/state-gate-config.ts';

const messageOf = (result: ConfigResult<unknown>): string =>
  result.kind === 'invalid' ? result.message : 'valid';
const valid = <Config>(result: ConfigResult<Config>): Config => {
  if (result.kind === 'invalid') throw new Error(result.message);
  return result.config;
};

describe('an orchestrator configuration', () => {
  const sources = [{ source_id: 'a', symbols: ['AAA'] }];
  const message = (over: unknown) =>
    messageOf(
      parseOrchestratorConfig(typeof over === 'object' && over !== null ? { sources, ...over } : over),
    );

  it('has the defaults of the reference and ours', () => {
    const retry = { min_delay_ms: 100, max_delay_ms: 1_000, max_attempts: 3, max_elapsed_ms: null };

    expect(valid(parseOrchestratorConfig({ sources }))).toEqual({
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
      buffer_retention: { max_records: 50_000, max_age_ms: null },
      output_publish: { max_pending: 1_000, max_block_ms: null },
      snapshot_source: 'snapshot_inputs',
      hysteresis_kind: 'decision',
      decision_hysteresis: {
        min_persistence_updates: 3,
        min_confidence_for_flip: 0.6,
        decay_factor: 0.85,
        min_confidence_floor: 0.2,
        update_interval_ms: 180_000,
      },
      belief_hysteresis: {
        window_updates: 3,
        enter_threshold: 0.6,
        commit_threshold: 0.6,
        min_lead_over_anchor: null,
        decay_step: 1,
        allowed_regimes: null,
        reset_max_gap_ms: null,
      },
      matrix: null,
    });
  });

  it('takes everything it knows', () => {
    const config = valid(
      parseOrchestratorConfig({
        sources,
        scheduler: { mode: 'timer', timer_interval_ms: 7, boundary_interval_ms: null },
        engine: { engine_mode: 'truth', hysteresis_state_path: null },
        ingestion_retry: { min_delay_ms: 1, max_delay_ms: 1, max_attempts: 1, max_elapsed_ms: 1 },
        buffer_retention: { max_records: 1, max_age_ms: 1 },
        output_publish: { max_pending: 1, max_block_ms: 1 },
        snapshot_source: 'composer',
        hysteresis_kind: 'belief',
        matrix: {},
      }),
    );

    expect(config).toMatchObject({
      scheduler: { mode: 'timer', timer_interval_ms: 7 },
      engine: { engine_mode: 'truth', hysteresis_state_path: null },
      ingestion_retry: { max_elapsed_ms: 1 },
      matrix: { mode: 'matrix_enabled' },
    });
  });

  it.each([
    ['no object', 7, 'orchestrator config must be an object'],
    ['unknown members', { zeta: 1, alpha: 2 }, 'unknown orchestrator config keys: alpha, zeta'],
    ['no sources', { sources: [] }, 'orchestrator config must include at least one source'],
    ['sources that are no list', { sources: {} }, 'orchestrator config must include at least one source'],
    ['a source that is text', { sources: ['a'] }, 'each source must be an object'],
    [
      'a source without an id',
      { sources: [{ source_id: '', symbols: ['A'] }] },
      'source_id must be set for each source',
    ],
    ['a source twice', { sources: [...sources, ...sources] }, 'duplicate source_id: a'],
    ['an unknown member of a source', { sources: [{ ...sources[0], x: 1 }] }, 'unknown source keys: x'],
    ['no symbols', { sources: [{ source_id: 'a', symbols: [] }] }, 'symbols must be set for source_id=a'],
    [
      'symbols that are no texts',
      { sources: [{ source_id: 'a', symbols: [1] }] },
      'symbols must be set for source_id=a',
    ],
    ['another scheduler', { scheduler: { mode: 'cron' } }, "scheduler.mode must be 'timer' or 'boundary'"],
    ['a timer without interval', { scheduler: { mode: 'timer' } }, 'scheduler.timer_interval_ms must be > 0'],
    [
      'a boundary of 0',
      { scheduler: { boundary_interval_ms: 0 } },
      'scheduler.boundary_interval_ms must be > 0',
    ],
    [
      'a delay of null',
      { scheduler: { boundary_delay_ms: null } },
      'scheduler.boundary_delay_ms must be >= 0',
    ],
    [
      'a negative delay',
      { scheduler: { boundary_delay_ms: -1 } },
      'scheduler.boundary_delay_ms must be >= 0',
    ],
    [
      'another engine',
      { engine: { engine_mode: 'x' } },
      "engine.engine_mode must be 'truth' or 'hysteresis'",
    ],
    [
      'hysteresis without a store',
      { engine: { hysteresis_state_path: null } },
      'engine.hysteresis_state_path is required for hysteresis mode',
    ],
    [
      'hysteresis with a nameless store',
      { engine: { hysteresis_state_path: '' } },
      'engine.hysteresis_state_path is required for hysteresis mode',
    ],
    ['a retry at once', { buffer_retry: { min_delay_ms: 0 } }, 'buffer_retry.min_delay_ms must be > 0'],
    [
      'a retry that is true',
      { buffer_retry: { min_delay_ms: true } },
      'buffer_retry.min_delay_ms must be > 0',
    ],
    ['a longest delay of 0', { engine_retry: { max_delay_ms: 0 } }, 'engine_retry.max_delay_ms must be > 0'],
    [
      'a longest delay below the shortest',
      { publish_retry: { min_delay_ms: 2, max_delay_ms: 1 } },
      'publish_retry.max_delay_ms must be >= publish_retry.min_delay_ms',
    ],
    ['no attempts', { ingestion_retry: { max_attempts: 0 } }, 'ingestion_retry.max_attempts must be > 0'],
    ['no time', { ingestion_retry: { max_elapsed_ms: 0 } }, 'ingestion_retry.max_elapsed_ms must be > 0'],
    ['no room', { buffer_retention: { max_records: 0 } }, 'buffer_retention.max_records must be > 0'],
    ['no age', { buffer_retention: { max_age_ms: 0 } }, 'buffer_retention.max_age_ms must be > 0'],
    ['nothing pending', { output_publish: { max_pending: 0 } }, 'output_publish.max_pending must be > 0'],
    ['no waiting', { output_publish: { max_block_ms: 0 } }, 'output_publish.max_block_ms must be > 0'],
    [
      'another source of snapshots',
      { snapshot_source: 'x' },
      "snapshot_source must be 'snapshot_inputs' or 'composer'",
    ],
    ['another hysteresis', { hysteresis_kind: 'x' }, "hysteresis_kind must be 'decision' or 'belief'"],
  ])('is refused with %s', (_name, config, expected) => {
    expect(message(config)).toBe(expected);
  });

  it('names the member of our own blocks that is wrong', () => {
    expect(message({ belief_hysteresis: { window_updates: 0 } })).toMatch(
      /^belief_hysteresis\.window_updates: /,
    );
    expect(message({ matrix: { rollout_percent: 101 } })).toMatch(/^matrix\.rollout_percent: /);
  });

  it('names the first rule that is broken, in the order of the reference', () => {
    const wrong = {
      sources: [],
      scheduler: { mode: 'x' },
      engine: { engine_mode: 'x' },
      buffer_retry: { min_delay_ms: 0 },
      buffer_retention: { max_records: 0 },
      output_publish: { max_pending: 0 },
    };
    const order = Object.keys(wrong).map((_, index) =>
      message(Object.fromEntries(Object.entries(wrong).slice(index))),
    );

    expect(order.map((text) => text.split(/[ .]/)[0])).toEqual([
      'orchestrator',
      'scheduler',
      'engine',
      'buffer_retry',
      'buffer_retention',
      'output_publish',
    ]);
  });

  it('warns of a timer whose runs will not be aligned', () => {
    const warnings = (scheduler: object) =>
      orchestratorConfigWarnings(valid(parseOrchestratorConfig({ sources, scheduler })));

    expect(warnings({ mode: 'timer', timer_interval_ms: 60_000 })).toHaveLength(1);
    expect(warnings({ mode: 'timer', timer_interval_ms: 360_000 })).toEqual([]);
    expect(warnings({})).toEqual([]);
  });
});

describe('a market data configuration', () => {
  const source = { source_id: 'v', symbol_map: { btc: 'BTCUSDT' }, channels: ['trades'] };
  const message = (over: object) => messageOf(parseMarketDataConfig({ sources: [{ ...source, ...over }] }));

  it('needs no limits, and fails at ten thousand pending where it says nothing else', () => {
    expect(valid(parseMarketDataConfig({ sources: [source] })).sources).toEqual([
      { ...source, transport: null, limits: null },
    ]);
    expect(
      valid(
        parseMarketDataConfig({
          sources: [
            { ...source, transport: {}, limits: { connect_timeout_ms: 1, retry: {}, backpressure: {} } },
          ],
        }),
      ).sources[0]?.limits,
    ).toEqual({
      connect_timeout_ms: 1,
      read_timeout_ms: null,
      retry: { min_delay_ms: 100, max_delay_ms: 1_000, max_attempts: 3, max_elapsed_ms: null },
      backpressure: { policy: 'fail', max_pending: 10_000, max_block_ms: null },
    });
    expect(message({ limits: {} })).toBe('valid');
  });

  it.each([
    ['no symbols', { symbol_map: {} }, 'symbol_map must be set for source_id=v'],
    ['a map that is a list', { symbol_map: ['a'] }, 'symbol_map must be set for source_id=v'],
    ['a symbol that is no text', { symbol_map: { a: 'A', b: 1 } }, 'symbol_map must be set for source_id=v'],
    ['no map', { symbol_map: null }, 'symbol_map must be set for source_id=v'],
    ['no channels', { channels: [] }, 'channels must be set for source_id=v'],
    ['an unknown member', { x: 1 }, 'unknown source keys: x'],
    ['no time to connect', { limits: { connect_timeout_ms: 0 } }, 'connect_timeout_ms must be > 0'],
    ['no time to read', { limits: { read_timeout_ms: 0 } }, 'read_timeout_ms must be > 0'],
    ['a retry at once', { limits: { retry: { min_delay_ms: 0 } } }, 'retry.min_delay_ms must be > 0'],
    [
      'another policy',
      { limits: { backpressure: { policy: 'drop' } } },
      "backpressure.policy must be 'block' or 'fail'",
    ],
    [
      'nothing pending',
      { limits: { backpressure: { policy: 'block', max_pending: 0 } } },
      'backpressure.max_pending must be > 0',
    ],
    [
      'no waiting',
      { limits: { backpressure: { max_block_ms: 0 } } },
      'backpressure.max_block_ms must be > 0',
    ],
  ])('is refused with %s', (_name, over, expected) => {
    expect(message(over)).toBe(expected);
  });

  it('needs a source', () => {
    expect(messageOf(parseMarketDataConfig({}))).toBe('market_data config must include at least one source');
  });
});

describe('a state gate configuration', () => {
  it('has the defaults its schema has, and takes what it knows', () => {
    expect(valid(parseStateGateConfig({}))).toEqual(StateGateConfig.parse({}));
    const whole = {
      max_gap_ms: 1,
      denylisted_invalidations: ['a'],
      block_during_transition: true,
      input_limits: { max_pending: 1, max_block_ms: 2, max_failures: 3 },
    };
    expect(valid(parseStateGateConfig(whole))).toEqual(StateGateConfig.parse(whole));
  });

  it.each([
    ['no gap', { max_gap_ms: 0 }, 'max_gap_ms must be > 0'],
    ['nothing pending', { input_limits: { max_pending: 0 } }, 'input_limits.max_pending must be > 0'],
    [
      'no waiting',
      { persistence_limits: { max_block_ms: 0 } },
      'persistence_limits.max_block_ms must be > 0',
    ],
    ['no failures', { publish_limits: { max_failures: 0 } }, 'publish_limits.max_failures must be > 0'],
    [
      'a denylist of numbers',
      { denylisted_invalidations: [1] },
      'denylisted_invalidations must be a list of texts',
    ],
    [
      'a denylist that is text',
      { denylisted_invalidations: 'a' },
      'denylisted_invalidations must be a list of texts',
    ],
    [
      'a flag that is text',
      { block_during_transition: 'yes' },
      'block_during_transition must be true or false',
    ],
    ['an unknown member', { x: 1 }, 'unknown state_gate config keys: x'],
  ])('is refused with %s', (_name, config, expected) => {
    expect(messageOf(parseStateGateConfig(config))).toBe(expected);
  });
});

it('lets nothing but broken rules become messages', () => {
  expect(() =>
    checked(() => {
      throw new TypeError('hostile');
    }),
  ).toThrow('hostile');
  expect(messageOf(checked(() => objectOf([], 'x', [])))).toBe('x must be an object');
});
