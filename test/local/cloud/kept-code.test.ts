/** A cloud that runs goes on running the code it was booted with, whoever builds beside it. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it, onTestFinished } from 'vitest';

import { bootCloud } from '#local/boot/cloud.ts';
import type { BootOptions, Cloud } from '#local/boot/cloud.ts';
import { wallClock } from '#local/kernel/clock.ts';
import { miniTemplate, writeMini } from '#test/local/cloud/mini-assembly.ts';

const bundle = "export const handler = async () => ({ statusCode: 200, body: 'booted' });";

const boot = async (options: Pick<BootOptions, 'host'> & { readonly keeps: boolean }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kept-'));
  const assemblyDir = writeMini(miniTemplate(), bundle);
  const copyDir = join(folder, 'assembly');
  const cloud = await bootCloud({
    assemblyDir,
    ...(options.keeps ? { copyDir } : {}),
    host: options.host,
    clock: wallClock(),
    seed: 1,
  });
  onTestFinished(async () => {
    await cloud.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { cloud, assemblyDir, copyDir };
};
const ask = async (cloud: Cloud): Promise<string> => (await cloud.request('PUT', '/items/a')).text;

const harm: Readonly<Record<string, (assemblyDir: string) => void>> = {
  'the assembly is deleted': (assemblyDir) => rmSync(assemblyDir, { recursive: true }),
  'its bundles are overwritten': (assemblyDir) => {
    for (const asset of readdirSync(assemblyDir).filter((name) => name.startsWith('asset.')))
      writeFileSync(join(assemblyDir, asset, 'handler.mjs'), 'this is no module');
  },
};

it.each(Object.entries(harm))('loads a function for the first time, and again, after %s', async (_, act) => {
  for (const host of ['worker', 'direct'] as const) {
    const { cloud, assemblyDir } = await boot({ host, keeps: true });

    act(assemblyDir);

    expect(await ask(cloud)).toBe('booted');
    await cloud.host.restart('mini-put');
    expect(await ask(cloud)).toBe('booted');
  }
});

it('leaves no copy behind', async () => {
  const { cloud, copyDir } = await boot({ host: 'worker', keeps: true });
  expect(existsSync(join(copyDir, 'manifest.json'))).toBe(true);

  await cloud.close();

  expect(existsSync(copyDir)).toBe(false);
});

it('reads the assembly where it lies when no copy is asked for', async () => {
  const { cloud, assemblyDir } = await boot({ host: 'worker', keeps: false });

  rmSync(assemblyDir, { recursive: true });

  expect(await ask(cloud)).not.toBe('booted');
});
