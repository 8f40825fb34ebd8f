import { cruise } from 'dependency-cruiser';
import extractDepcruiseConfig from 'dependency-cruiser/config-utl/extract-depcruise-config';
import { expect, it } from 'vitest';
import { inProject, trackedFiles } from '#test/support/tracked-files.ts';

const folders = [
  'contracts',
  'domain',
  'adapters',
  'functions',
  'infra',
  'local',
  'cli',
  'bench',
  'tools',
  'test',
];

it('keeps every import inside the layer rules', async () => {
  const { forbidden = [], options } = await extractDepcruiseConfig(inProject('.dependency-cruiser.mjs'));

  const { output } = await cruise(folders, { ...options, ruleSet: { forbidden }, validate: true });

  if (typeof output === 'string') throw new Error('the cruise answered a text');
  const { modules, summary } = output;
  expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
  // A cruise that has gone blind sees few modules, finds nothing and would be green for it.
  const seen = new Set(modules.map(({ source }) => source));
  const sources = trackedFiles().filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.d.ts') && folders.includes(name.split('/')[0] ?? ''),
  );
  expect(sources.filter((name) => !seen.has(name))).toEqual([]);
  expect(forbidden.length).toBeGreaterThan(10);
}, 60_000);

it('would notice a layer being crossed', async () => {
  const { options } = await extractDepcruiseConfig(inProject('.dependency-cruiser.mjs'));
  const crossing = { name: 'probe', from: { path: '^domain/' }, to: { path: '^contracts/' } };

  const { output } = await cruise(['domain/kernel'], {
    ...options,
    ruleSet: { forbidden: [crossing] },
    validate: true,
  });

  if (typeof output === 'string') throw new Error('the cruise answered a text');
  expect(output.summary.violations.length).toBeGreaterThan(0);
}, 60_000);
