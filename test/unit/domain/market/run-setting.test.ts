import { expect, it } from 'vitest';
import { RunOptions } from '#contracts/market/run-options.ts';
import { runSetting } from '#domain/market/run-setting.ts';

it('throws on options that no configuration could have passed', () => {
  const options = RunOptions.parse({});
  expect(runSetting('hysteresis', options).hysteresis).toMatchObject({ kind: 'decision' });
  const broken = { ...options, hysteresis_config: { enter_confidence: 'x', nonsense: true } };
  expect(() => runSetting('hysteresis', broken as unknown as typeof options)).toThrow();
});
