import process from 'node:process';
import { expect, it, vi } from 'vitest';
import { platformOf } from '#functions/shared/platform.ts';

it('is the process itself where no host left anything, as on AWS', async () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const before = Date.now();

  const platform = platformOf();
  platform.write('a line');
  await platform.sleep(1);

  expect(platform.nowMs()).toBeGreaterThanOrEqual(before);
  expect(platform.fetch).toBe(globalThis.fetch);
  expect(platform.plugin).toBeUndefined();
  expect(write).toHaveBeenCalledWith('a line\n');
  write.mockRestore();
});

it('is what the host lends, each part of it', () => {
  const plugin = {
    nowMs: () => 7,
    sleep: () => Promise.resolve(),
    fetch: () => Promise.reject(new Error('no network')),
    write: () => undefined,
  };

  expect(platformOf(plugin)).toEqual({ ...plugin, plugin });
});
