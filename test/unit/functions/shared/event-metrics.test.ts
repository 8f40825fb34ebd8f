import { expect, it } from 'vitest';
import { assetPlane } from '#test/support/ports-assets.ts';

it('counts runs by how they ended, and retries, once each', async () => {
  const plane = await assetPlane();
  const counted = (metric: string): number =>
    plane.stage.lines().reduce((sum, line) => sum + Number(line[metric] ?? 0), 0);
  await plane.deploy({ a: [] }, { execution: { retry: { maxAttempts: 2, baseMs: 1_000 } } });

  for (const outcome of ['succeed', 'fail'] as const) {
    await plane.trigger(['m.a'], { runKey: outcome });
    for (const task of await plane.claim(1)) await plane[outcome](task);
  }
  expect([counted('RunsCompleted'), counted('RunsFailed'), counted('TasksRetried')]).toEqual([1, 0, 1]);
  plane.pass(60_000);
  await plane.sweepNow();
  for (const task of await plane.claim(1)) await plane.fail(task);

  expect([counted('RunsCompleted'), counted('RunsFailed'), counted('TasksRetried')]).toEqual([1, 1, 1]);
});
