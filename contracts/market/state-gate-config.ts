/** The rules of a state gate's configuration, with the reference's messages (market reference, section 8). */
import { broken, checked, integerAt, objectOf, optionalAt } from '#contracts/market/config-rules.ts';
import type { ConfigResult } from '#contracts/market/config-rules.ts';
import type { GateLimits, StateGateConfig } from '#contracts/market/state-gate.ts';

/** Checks a configuration and fills its defaults: the first rule that is broken is the answer. */
export const parseStateGateConfig = (value: unknown): ConfigResult<StateGateConfig> =>
  checked(() => {
    const config = objectOf(value, 'state_gate config', [
      'max_gap_ms',
      'denylisted_invalidations',
      'block_during_transition',
      'input_limits',
      'persistence_limits',
      'publish_limits',
    ]);
    const denied = config['denylisted_invalidations'] ?? [];
    const blocks = config['block_during_transition'] ?? false;
    return {
      max_gap_ms: integerAt(config, 'max_gap_ms', { label: 'max_gap_ms', from: 1, otherwise: 180_000 }),
      denylisted_invalidations:
        Array.isArray(denied) && denied.every((each) => typeof each === 'string')
          ? denied
          : broken('denylisted_invalidations must be a list of texts'),
      block_during_transition:
        typeof blocks === 'boolean' ? blocks : broken('block_during_transition must be true or false'),
      input_limits: limitsOf(config['input_limits'], 'input_limits'),
      persistence_limits: limitsOf(config['persistence_limits'], 'persistence_limits'),
      publish_limits: limitsOf(config['publish_limits'], 'publish_limits'),
    };
  });

const limitsOf = (value: unknown, label: string): GateLimits => {
  const limits = objectOf(value, label, ['max_pending', 'max_block_ms', 'max_failures']);
  return {
    max_pending: integerAt(limits, 'max_pending', {
      label: `${label}.max_pending`,
      from: 1,
      otherwise: 1_000,
    }),
    max_block_ms: optionalAt(limits, 'max_block_ms', `${label}.max_block_ms`),
    max_failures: optionalAt(limits, 'max_failures', `${label}.max_failures`),
  };
};
