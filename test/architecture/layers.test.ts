import { cruise } from 'dependency-cruiser';
import type { ICruiseResult } from 'dependency-cruiser';
import { expect, it } from 'vitest';

/** Modules the last tree had; a cruise that suddenly sees fewer has gone blind and would be green for nothing. */
const MODULES_FLOOR = 100;

it('keeps every import inside the layer rules', async () => {
  const { default: config } = (await import('../../.dependency-cruiser.mjs')) as {
    default: { forbidden: object[]; options: object };
  };
  const folders = ['contracts', 'domain', 'adapters', 'functions', 'infra', 'local', 'cli', 'tools', 'test'];

  const { output } = await cruise(folders, {
    ...config.options,
    ruleSet: { forbidden: config.forbidden },
    validate: true,
  });

  const { modules, summary } = output as ICruiseResult;
  const own = modules.filter(({ source }) => !source.includes('node_modules'));
  expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
  expect(own.length).toBeGreaterThanOrEqual(MODULES_FLOOR);
}, 60_000);
