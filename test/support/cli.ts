/**
 * The `sluice` command in this process: its commands against the stacks of Sluice on the local cloud, on the wall
 * clock and real ports, with the sources of the functions in place of bundles. Nothing is built and nothing forked.
 */
import process from 'node:process';

import { vi } from 'vitest';

import { main } from '#cli/main.ts';
import { physicalNames } from '#cli/up/physical-names.ts';
import { removeEndpoint, writeStateFiles } from '#cli/up/state-files.ts';
import type { Stack } from '#cli/up/stack.ts';
import type { BootOptions } from '#local/boot/cloud.ts';
import { wallClock } from '#local/kernel/clock.ts';
import { bootTestCloud, tokenOf } from '#test/support/cloud.ts';
import { testFolder } from '#test/support/folders.ts';

/** What a command has said, and how it ended. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Collects what an act writes to the streams of this process. */
export const listening = async <Value>(
  act: () => Promise<Value>,
): Promise<{ readonly value: Value; readonly stdout: string; readonly stderr: string }> => {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((stream) =>
    vi.spyOn(process[stream], 'write').mockImplementation((text, ...rest: readonly unknown[]) => {
      said[stream] += String(text);
      // Whoever writes line by line waits until the line is out.
      const done = rest.at(-1);
      if (typeof done === 'function') queueMicrotask(done as () => void);
      return true;
    }),
  );
  try {
    const value = await act();
    return { value, ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
};

/** Runs one command line; of the environment it sees nothing that points it elsewhere. */
export const sluice = async (...args: readonly string[]): Promise<Said> => {
  const { value, ...said } = await listening(() => main(['node', 'sluice', ...args]));
  return { code: value, ...said };
};

/** A stack as `sluice up` starts it, in this process; `close` ends it, and so does the end of the test. */
export const startTestStack = async (
  stateDir = testFolder(),
  options: Partial<BootOptions> = {},
): Promise<Stack> => {
  const cloud = await bootTestCloud({ clock: wallClock(), apiPort: 0, awsPort: 0, ...options });
  const { apiUrl: url = '', awsUrl = '' } = cloud;
  const token = tokenOf(cloud);
  const names = physicalNames(cloud);
  const endpoint = { url, awsUrl, stateDir, workspace: 'main', pid: process.pid, names };
  const tokenFile = writeStateFiles(stateDir, endpoint, token);
  return {
    ...{ cloud, url, awsUrl, token, tokenFile, stateDir },
    close: async () => {
      removeEndpoint(stateDir);
      await cloud.close();
    },
  };
};
