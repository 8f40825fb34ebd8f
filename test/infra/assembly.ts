/** The assembly of the app, synthesised once from stub bundles and kept until an input changes. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { functionNames } from '#contracts/naming.ts';
import { readAssembly } from '#local/template/assembly.ts';
import type { AssemblyStack } from '#local/template/assembly.ts';
import { resolveStacks } from '#local/template/resolve-stack.ts';
import type { Resource } from '#local/template/resolve-stack.ts';
import { synth } from '#tools/build/synth.ts';

const root = process.cwd();
const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);
const folder = join(tmpdir(), `sluice-infra-${digestOf(root)}`);

/** A folder with one stub bundle per function, for assets that exist but do nothing; it is whole whenever it is there. */
export const stubBundles = (): string => {
  const dist = join(folder, `dist-${digestOf(functionNames.join())}`);
  if (existsSync(dist)) return dist;
  const own = `${dist}.${randomUUID()}`;
  for (const name of functionNames) {
    mkdirSync(join(own, name), { recursive: true });
    writeFileSync(join(own, name, 'handler.mjs'), `export const handler = async () => '${name}';\n`);
  }
  try {
    renameSync(own, dist);
  } catch (error) {
    // Another thread was quicker; what it made is the same.
    if (!existsSync(dist)) throw error;
    rmSync(own, { recursive: true });
  }
  return dist;
};

export interface TestAssembly {
  readonly stacks: readonly AssemblyStack[];
  /** Every resource of every stack with its intrinsics replaced. */
  readonly resources: readonly Resource[];
  readonly ofType: (type: string) => readonly Resource[];
}

/** The assembly of a stage, by default `dev` as `cdk.json` has it. */
export const assembly = async (context: Readonly<Record<string, string>> = {}): Promise<TestAssembly> => {
  const key = digestOf(JSON.stringify(context));
  const outDir = join(folder, `cdk.out-${key}`);
  const { assemblyDir } = await synth({ root, outDir, dist: stubBundles(), context });
  const stacks = readAssembly(assemblyDir);
  const account = { region: 'us-east-1', accountId: '000000000000', awsUrl: 'http://127.0.0.1:4566' };
  const resources = resolveStacks(stacks, account).flatMap((stack) => stack.resources);
  return { stacks, resources, ofType: (type) => resources.filter((resource) => resource.type === type) };
};

/** A property that must be a list. */
export const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];

/** A member deep inside a property. */
export const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value);

/** A member that is text, or undefined. */
export const textAt = (value: unknown, ...path: readonly (string | number)[]): string | undefined => {
  const found = at(value, ...path);
  return typeof found === 'string' ? found : undefined;
};
