import process from 'node:process';
import { expect, it } from 'vitest';

import { untilStopped } from '#cli/commands/until-stopped.ts';

const listeners = () => process.listenerCount('SIGINT') + process.listenerCount('SIGTERM');

it.each(['SIGINT', 'SIGTERM'] as const)(
  'stops by %s, and leaves the next signal to the system',
  async (name) => {
    const before = listeners();

    const stopped = await untilStopped(async (signal) => {
      expect(listeners()).toBe(before + 2);
      process.emit(name);
      // Whichever comes next ends the process, as nobody listens any more.
      expect(listeners()).toBe(before);
      return Promise.resolve(signal.aborted);
    });

    expect(stopped).toBe(true);
  },
);

it('listens no longer than its work, whatever becomes of that', async () => {
  const before = listeners();
  await expect(untilStopped(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(listeners()).toBe(before);
});
