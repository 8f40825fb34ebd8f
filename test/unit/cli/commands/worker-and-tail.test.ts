import { Command } from 'commander';
import process from 'node:process';
import { expect, it } from 'vitest';
import type { CommandContext } from '#cli/commands/context.ts';
import { addStatusCommands } from '#cli/commands/status.ts';
import { addWorkerCommand } from '#cli/commands/worker.ts';

const listeners = () => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');

/** Runs a command that is told SIGINT as soon as it says or asks anything, and counts who listens from then on. */
const interrupted = async (
  add: typeof addWorkerCommand,
  ...words: readonly string[]
): Promise<readonly number[]> => {
  const heard: number[] = [];
  const interrupt = (): void => {
    if (heard.length > 0) return;
    heard.push(listeners());
    process.emit('SIGINT');
    heard.push(listeners());
  };
  const context = {
    stateDir: 'none',
    output: { isJson: false, note: interrupt, result: () => undefined },
    target: () => ({ url: 'http://none.invalid', workspace: 'main', token: 'none' }),
    client: () => ({
      request: () => {
        interrupt();
        return Promise.resolve({ runs: [], feeds: [] });
      },
    }),
  } as unknown as CommandContext;
  const program = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  add(program, () => context);
  await program.parseAsync(words, { from: 'user' });
  return [...heard, listeners()];
};

it.each([
  ['worker', addWorkerCommand],
  ['tail', addStatusCommands],
] as const)(
  '%s ends by the first signal, and leaves the second of either kind to the system',
  async (name, add) => {
    const before = listeners();

    expect(await interrupted(add, name)).toEqual([before + 2, before, before]);
  },
);

it.each([
  ['0', false],
  ['1', true],
  ['10', true],
  ['11', false],
  ['many', false],
])('worker --concurrency %s is taken: %s', async (count, isTaken) => {
  const parsed = interrupted(addWorkerCommand, 'worker', '--concurrency', count);
  await (isTaken ? parsed : expect(parsed).rejects.toThrow('must be 1 to 10'));
});
