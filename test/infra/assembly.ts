/** The assembly of the app, synthesised once from stub bundles and kept until an input changes. */
import { readAssembly } from '#local/template/assembly.ts';
import type { AssemblyStack } from '#local/template/assembly.ts';
import { resolveStacks } from '#local/template/resolve-stack.ts';
import type { Resource } from '#local/template/resolve-stack.ts';
import { keptAssembly } from '#test/support/kept-assembly.ts';

export interface TestAssembly {
  readonly stacks: readonly AssemblyStack[];
  /** Every resource of every stack with its intrinsics replaced. */
  readonly resources: readonly Resource[];
  readonly ofType: (type: string) => readonly Resource[];
}

/** The assembly of a stage, by default `dev` as `cdk.json` has it. */
export const assembly = async (context: Readonly<Record<string, string>> = {}): Promise<TestAssembly> => {
  const assemblyDir = await keptAssembly(context);
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
