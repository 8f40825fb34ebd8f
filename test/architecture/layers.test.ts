import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
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

/** Imports the rules must refuse: who imports, what, and the rule that says so. */
const crossings = [
  ['contracts/market/probe.ts', 'domain/kernel/probe.ts', 'contracts-know-only-zod'],
  ['domain/market/feed/probe.ts', 'domain/market/engine/belief.ts', 'market-meaning-stays-inside'],
  ['domain/market/feed/probe.ts', 'domain/market/composer/features.ts', 'market-meaning-stays-inside'],
  ['domain/market/layers/probe.ts', 'domain/market/composer/indicators.ts', 'market-meaning-stays-inside'],
  ['functions/run-engine/probe.ts', 'domain/market/engine/resolution.ts', 'market-meaning-stays-inside'],
  ['functions/run-engine/probe.ts', 'domain/market/engine/run.ts', 'orchestrator-finds-no-meaning'],
  ['domain/market/cut.ts', 'domain/market/hysteresis/belief.ts', 'orchestrator-finds-no-meaning'],
  ['domain/market/feed/probe.ts', 'domain/market/state-gate/gate.ts', 'orchestrator-knows-no-consumer'],
  ['domain/market/execute-run.ts', 'domain/market/layers/views.ts', 'orchestrator-knows-no-consumer'],
  ['cli/worker-kit/probe.ts', 'cli/client.ts', 'worker-kit-can-be-copied'],
] as const;

it.each(crossings)('would notice %s importing %s', async (from, to, rule) => {
  const { forbidden = [] } = await extractDepcruiseConfig(inProject('.dependency-cruiser.mjs'));
  const root = mkdtempSync(path.join(tmpdir(), 'sluice-layers-'));
  const write = (name: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  };
  write(to, 'export const probe = 1;');
  write(from, `export { probe } from './${path.posix.relative(path.posix.dirname(from), to)}';`);

  const { output } = await cruise(['.'], {
    baseDir: root,
    tsPreCompilationDeps: true,
    ruleSet: { forbidden },
    validate: true,
  });
  rmSync(root, { recursive: true });

  if (typeof output === 'string') throw new Error('the cruise answered a text');
  expect(output.summary.violations.map(({ rule: { name } }) => name)).toContain(rule);
});
