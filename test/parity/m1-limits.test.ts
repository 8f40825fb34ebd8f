/** The gate of limits of concurrency, by the id of docs/parity/matrix.md. */
import { expect, it } from 'vitest';
import { RunWhy } from '#contracts/runs/read.ts';
import { apiOf, bootTestCloud, inMain } from '#test/support/cloud.ts';
import { claim, claimOne, deploy, succeed, trigger } from '#test/support/cloud-assets.ts';

it('m1.concurrency-key: of two runs that share a key one goes first, and the other says what it waits for', async () => {
  const api = apiOf(await bootTestCloud());
  await deploy(api, { a: { execution: { concurrencyKey: 'warehouse' } } });
  const [first, second] = [await trigger(api, ['a']), await trigger(api, ['a'])];
  await api.cloud.settle();

  const task = await claimOne(api);
  expect(task.runId).toBe(first);
  expect(await claim(api)).toEqual([]);
  const { waiting } = RunWhy.parse(await api.must('GET', inMain(`/runs/${second}/why`)));
  expect(waiting).toContainEqual(
    expect.objectContaining({
      reason: 'concurrency_limit',
      limit: expect.objectContaining({ limitId: 'key:warehouse', position: 1 }) as unknown,
    }),
  );

  await succeed(api, task);
  await api.cloud.settle();
  expect((await claimOne(api)).runId).toBe(second);
});
