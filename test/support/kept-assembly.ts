/** The synthesised app for tests, made once from stub bundles and kept until an input changes. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { functionNames } from '#contracts/naming.ts';
import { treeDigest } from '#tools/build/files.ts';
import { synth } from '#tools/build/synth.ts';

const root = process.cwd();
const inputs = ['infra', 'contracts', 'statemachines', 'cdk.json', 'package-lock.json'] as const;
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

/**
 * Folder of the app under this context. Its name holds the digest of its inputs, and it comes whole: other threads may be
 * reading it, so it is never changed.
 */
export const keptAssembly = async (context: Readonly<Record<string, string>>): Promise<string> => {
  const digest = digestOf(`${root} ${treeDigest(root, inputs)} ${JSON.stringify(context)}`);
  const made = await madeOnce(`sluice-flows-${digest}`, async (folder) => {
    const dist = join(folder, 'dist');
    writeStubs(dist);
    await synth({ root, outDir: join(folder, 'cdk.out'), dist, context });
  });
  return join(made, 'cdk.out');
};

/** A folder with one stub bundle per function, for assets that exist but do nothing. */
export const stubBundles = (): Promise<string> =>
  madeOnce(`sluice-stubs-${digestOf(functionNames.join())}`, writeStubs);

const writeStubs = (dist: string): void => {
  for (const name of functionNames) {
    mkdirSync(join(dist, name), { recursive: true });
    writeFileSync(join(dist, name, 'handler.mjs'), `export const handler = async () => '${name}';\n`);
  }
};

const madeOnce = async (name: string, make: (folder: string) => Promise<void> | void): Promise<string> => {
  const folder = join(tmpdir(), name);
  if (existsSync(folder)) return folder;
  const own = `${folder}.${randomUUID()}`;
  await make(own);
  try {
    renameSync(own, folder);
  } catch (error) {
    // Another thread was quicker; what it made is the same.
    if (!existsSync(folder)) throw error;
    rmSync(own, { recursive: true });
  }
  return folder;
};
