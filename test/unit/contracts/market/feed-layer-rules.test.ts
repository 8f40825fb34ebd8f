import { describe, expect, it } from 'vitest';
import { FeedConfig, FeedConfigInput, LAYERS_CONFIG_MAX } from '#contracts/market/feed-config.ts';
import { parseFeedConfig } from '#contracts/market/feed-config-rules.ts';

const sources = [{ source_id: 'a', symbols: ['AAA'] }];
const message = (layers: object) => {
  const result = parseFeedConfig({ sources, ...layers });
  return result.kind === 'invalid' ? result.message : 'valid';
};
const gate = (config: unknown) => ({ state_gate: config });

describe('the later layers of a feed configuration', () => {
  it('are taken with every key they know', () => {
    const layers = {
      state_gate: {
        max_gap_ms: 1,
        denylisted_invalidations: ['NO_DATA'],
        block_during_transition: true,
        input_limits: { max_pending: 1, max_block_ms: 1, max_failures: 1 },
        persistence_limits: { max_pending: 1, max_block_ms: null, max_failures: null },
        publish_limits: { max_pending: 2, max_block_ms: null, max_failures: null },
      },
      analysis_engine: {
        enabled_modules: ['signal.regime'],
        module_configs: [{ module_id: 'signal.regime', config: { a: 1 } }],
        symbols: [{ symbol: 'AAA', enabled_modules: [] }],
      },
      dashboards: { default_time_window_ms: 60_000 },
    };

    expect(parseFeedConfig({ sources, ...layers })).toMatchObject({ kind: 'valid', config: layers });
  });

  it('have their defaults in events from before there were any', () => {
    const parsed = parseFeedConfig({ sources });
    if (parsed.kind === 'invalid') throw new Error(parsed.message);
    const {
      state_gate: _gate,
      analysis_engine: _analysis,
      dashboards: _dashboards,
      ...older
    } = parsed.config;

    expect(FeedConfig.parse(older)).toEqual(parsed.config);
  });

  it.each([
    ['a gate that is a list', gate([]), 'state_gate must be an object'],
    ['an unknown member of the gate', gate({ z: 1, a: 1 }), 'unknown state_gate keys: a, z'],
    ['a gap of 0', gate({ max_gap_ms: 0 }), 'max_gap_ms must be > 0'],
    ['a gap of 1', gate({ max_gap_ms: 1 }), 'valid'],
    [
      'a denylist of numbers',
      gate({ denylisted_invalidations: [1] }),
      'denylisted_invalidations must be a list of names',
    ],
    [
      'a block that is text',
      gate({ block_during_transition: 'no' }),
      'block_during_transition must be true or false',
    ],
    ['input pending 0', gate({ input_limits: { max_pending: 0 } }), 'input_limits.max_pending must be > 0'],
    ['unknown limits', gate({ input_limits: { x: 0 } }), 'unknown input_limits keys: x'],
    ['limits that are text', gate({ publish_limits: 'none' }), 'publish_limits must be an object'],
    [
      'persistence block 0',
      gate({ persistence_limits: { max_block_ms: 0 } }),
      'persistence_limits.max_block_ms must be > 0',
    ],
    [
      'publish failures 0',
      gate({ publish_limits: { max_failures: 0 } }),
      'publish_limits.max_failures must be > 0',
    ],
    [
      'modules that are text',
      { analysis_engine: { enabled_modules: 'all' } },
      'analysis_engine.enabled_modules: Invalid input: expected array, received string',
    ],
    ['dashboards that are text', { dashboards: 'all' }, 'dashboards must be an object'],
    ['an unknown member of dashboards', { dashboards: { x: 1 } }, 'unknown dashboards keys: x'],
    [
      'a negative window',
      { dashboards: { default_time_window_ms: -1 } },
      'dashboards.default_time_window_ms must be >= 0',
    ],
  ])('answer %s', (_case, layers, expected) => {
    expect(message(layers)).toBe(expected);
    expect(FeedConfigInput.safeParse({ sources, ...layers }).success).toBe(expected === 'valid');
  });

  it('are refused when they are too long, and not before', () => {
    const sized = (length: number) => gate({ denylisted_invalidations: ['x'.repeat(length)] });
    const parsed = parseFeedConfig({ sources, ...sized(0) });
    if (parsed.kind === 'invalid') throw new Error(parsed.message);
    const { state_gate, analysis_engine, dashboards } = parsed.config;
    const room = LAYERS_CONFIG_MAX - JSON.stringify({ state_gate, analysis_engine, dashboards }).length;

    expect(message(sized(room))).toBe('valid');
    expect(message(sized(room + 1))).toBe(
      `state_gate and analysis_engine have at most ${LAYERS_CONFIG_MAX} characters together, these ${LAYERS_CONFIG_MAX + 1}`,
    );
  });
});
