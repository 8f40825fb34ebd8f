import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterEach, beforeEach, expect, it } from 'vitest';

import { bundle } from '#tools/build/bundle.ts';

const names = ['compact', 'publish'] as const;
let root: string;

const write = (path: string, text: string): void => {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-bundle-'));
  write('package.json', '{"type":"module","imports":{"#shared/*":"./shared/*"}}');
  write('shared/word.ts', "export const word: string = 'one';\n");
  for (const name of names)
    write(
      `functions/${name}/handler.ts`,
      `import { readFileSync } from 'node:fs';\nimport { word } from '#shared/word.ts';\nexport const handler = () => [word, '${name}', typeof require, typeof readFileSync];\n`,
    );
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

it('makes one module per function that the runtime can load', async () => {
  const report = await bundle({ root, names });

  expect(Object.keys(report.bytes)).toEqual(names);
  const loaded = (await import(pathToFileURL(join(root, 'dist/compact/handler.mjs')).href)) as {
    readonly handler: () => unknown;
  };
  expect(loaded.handler()).toEqual(['one', 'compact', 'function', 'function']);
});

it('does nothing when no input has changed', async () => {
  await bundle({ root, names });

  const again = await bundle({ root, names });

  expect(again.isBuilt).toBe(false);
  expect(Object.keys(again.bytes)).toEqual(names);
});

it('builds again when a file that a handler imports has changed', async () => {
  await bundle({ root, names });
  write('shared/word.ts', "export const word: string = 'two';\n");

  expect((await bundle({ root, names })).isBuilt).toBe(true);
});

it('builds again when a bundle is gone, a function is new or the lock file differs', async () => {
  await bundle({ root, names });
  rmSync(join(root, 'dist/publish'), { recursive: true });
  const afterLoss = await bundle({ root, names });
  const fewer = await bundle({ root, names: ['compact'] });
  write('package-lock.json', '{}');
  const newLock = await bundle({ root, names: ['compact'] });

  expect([afterLoss, fewer, newLock].map(({ isBuilt }) => isBuilt)).toEqual([true, true, true]);
});

it('names every function that has no handler', async () => {
  rmSync(join(root, 'functions'), { recursive: true });

  await expect(bundle({ root, names })).rejects.toThrow(
    'missing functions/compact/handler.ts, functions/publish/handler.ts: every function of contracts/naming.ts needs its handler',
  );
});

it('keeps the old bundles and leaves nothing behind when a handler does not compile', async () => {
  await bundle({ root, names });
  write('functions/compact/handler.ts', 'export const handler = (;\n');

  await expect(bundle({ root, names })).rejects.toThrow('Build failed');

  expect(existsSync(join(root, 'dist/compact/handler.mjs'))).toBe(true);
  expect(readdirSync(root).filter((name) => name.startsWith('dist.'))).toEqual([]);
});

it('ends with whole bundles when two processes build at once', async () => {
  await Promise.all([bundle({ root, names }), bundle({ root, names }), bundle({ root, names })]);

  expect((await bundle({ root, names })).isBuilt).toBe(false);
  expect(readdirSync(root).filter((name) => name.startsWith('dist.'))).toEqual([]);
});
