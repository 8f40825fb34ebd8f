/** The stacks of Sluice booted in process with the functions' own sources, so that no bundle has to be built. */
import { bootCloud } from '#local/boot/cloud.ts';
import type { BootOptions, Cloud } from '#local/boot/cloud.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import type { ImportModule } from '#local/lambda/direct-host.ts';
import { keptAssembly } from '#test/support/kept-assembly.ts';
import { functionNames } from '#contracts/naming.ts';

/** Loads `functions/<name>/handler.ts` for the function `sluice-dev-<name>`. */
export const sourceModules: ImportModule = async ({ name }) => {
  const logical = functionNames.find((functionName) => name === `sluice-dev-${functionName}`);
  if (logical === undefined) throw new Error(`${name} is no function of the stacks`);
  return (await import(`../../../functions/${logical}/handler.ts`)) as Readonly<Record<string, unknown>>;
};

/** Boots the stacks of stage `dev`, by default in memory, in virtual time. */
export const bootStacks = async (options: Partial<BootOptions> = {}): Promise<Cloud> => {
  return bootCloud({
    assemblyDir: await keptAssembly({}),
    clock: virtualClock(Date.parse('2026-11-20T00:00:00Z')),
    seed: 1,
    host: 'direct',
    throttle: false,
    importModule: sourceModules,
    ...options,
  });
};
