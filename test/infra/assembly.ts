/** The assembly of the app, synthesised once from stub bundles and kept until an input changes. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { functionNames } from '#contracts/naming.ts';
import { readAssembly } from '#local/template/assembly.ts';
import type { AssemblyStack } from '#local/template/assembly.ts';
import { resolveStacks } from '#local/template/resolve-stack.ts';
import type { Resource } from '#local/template/resolve-stack.ts';
import { synth } from '#tools/build/synth.ts';

const root = process.cwd();
const folder = join(tmpdir(), `sluice-infra-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`);

/** A folder with one stub bundle per function, for assets that exist but do nothing. */
export const stubBundles = (): string => {
  const dist = join(folder, 'dist');
  for (const name of functionNames) {
    mkdirSync(join(dist, name), { recursive: true });
    writeFileSync(join(dist, name, 'handler.mjs'), `export const handler = async () => '${name}';\n`);
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
  const key = createHash('sha256').update(JSON.stringify(context)).digest('hex').slice(0, 8);
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
