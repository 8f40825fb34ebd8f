/**
 * Checks what a feed says of its later layers, in the reference's words where it has them: state gate, analysis engine,
 * dashboards. Whether the modules exist and can be ordered is for `layersFault` to say, which knows them.
 */
import * as z from 'zod';
import { AnalysisConfig } from '#contracts/market/analysis.ts';
import {
  boundOrNull,
  broken,
  integerAtLeast,
  objectAt,
  or,
  refuseUnknown,
} from '#contracts/market/config-rules.ts';
import type { Raw } from '#contracts/market/config-rules.ts';
import { LAYERS_CONFIG_MAX } from '#contracts/market/feed-config.ts';
import type { FeedConfig } from '#contracts/market/feed-config.ts';
import type { GateLimits, StateGateConfig } from '#contracts/market/state-gate.ts';

/** The members of a feed's configuration that are of the later layers, checked in this order. */
export const layersOfConfig = (
  config: Raw,
): Pick<FeedConfig, 'state_gate' | 'analysis_engine' | 'dashboards'> => {
  const layers = {
    state_gate: gateOf(config['state_gate']),
    analysis_engine: valueBy(AnalysisConfig, config['analysis_engine'], 'analysis_engine'),
    dashboards: dashboardsOf(config['dashboards']),
  };
  const size = JSON.stringify(layers).length;
  return size > LAYERS_CONFIG_MAX
    ? broken(
        `state_gate and analysis_engine have at most ${LAYERS_CONFIG_MAX} characters together, these ${size}`,
      )
    : layers;
};

/** The value in a schema's form, an empty object where it was left out, or the schema's first complaint. */
export const valueBy = <Value>(schema: z.ZodType<Value>, value: unknown, label: string): Value => {
  const parsed = schema.safeParse(or(value, {}));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path, message }) => `${[label, ...path].join('.')}: ${message}`);
  return broken(faults.slice(0, 1).join());
};

const gateKeys = [
  'max_gap_ms',
  'denylisted_invalidations',
  'block_during_transition',
  'input_limits',
  'persistence_limits',
  'publish_limits',
] as const;

const gateOf = (value: unknown): StateGateConfig => {
  const gate = objectAt(or(value, {}), 'state_gate');
  refuseUnknown(gate, gateKeys, 'state_gate');
  return {
    max_gap_ms: integerAtLeast(or(gate['max_gap_ms'], 180_000), 1, 'max_gap_ms'),
    denylisted_invalidations: denylistOf(gate['denylisted_invalidations']),
    block_during_transition: isBlocking(gate['block_during_transition']),
    input_limits: limitsOf(gate['input_limits'], 'input_limits'),
    persistence_limits: limitsOf(gate['persistence_limits'], 'persistence_limits'),
    publish_limits: limitsOf(gate['publish_limits'], 'publish_limits'),
  };
};

const denylistOf = (value: unknown): string[] => {
  const names = z.array(z.string()).safeParse(or(value, []));
  return names.success ? names.data : broken('denylisted_invalidations must be a list of names');
};

const isBlocking = (value: unknown): boolean => {
  const given = or(value, false);
  return typeof given === 'boolean' ? given : broken('block_during_transition must be true or false');
};

const limitsOf = (value: unknown, label: string): GateLimits => {
  const limits = objectAt(or(value, {}), label);
  refuseUnknown(limits, ['max_pending', 'max_block_ms', 'max_failures'], label);
  return {
    max_pending: integerAtLeast(or(limits['max_pending'], 1_000), 1, `${label}.max_pending`),
    max_block_ms: boundOrNull(or(limits['max_block_ms'], null), `${label}.max_block_ms`),
    max_failures: boundOrNull(or(limits['max_failures'], null), `${label}.max_failures`),
  };
};

const dashboardsOf = (value: unknown): FeedConfig['dashboards'] => {
  const dashboards = objectAt(or(value, {}), 'dashboards');
  refuseUnknown(dashboards, ['default_time_window_ms'], 'dashboards');
  const window = or(dashboards['default_time_window_ms'], 0);
  return { default_time_window_ms: integerAtLeast(window, 0, 'dashboards.default_time_window_ms') };
};
