import { expect, it } from 'vitest';
import type { Client } from '#cli/client.ts';
import { demoWork, FAILS_ONCE } from '#cli/worker/demo-work.ts';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';

const task = (taskKey: string, attempt = 1) => ({ taskKey, attempt }) as DispatchEnvelope;
const work = { signal: new AbortController().signal, progress: () => undefined };

/** A feed of so many pages of one run each. */
const feedOf = (pages: number): { readonly client: Client; readonly asked: unknown[] } => {
  const asked: unknown[] = [];
  const request: Client['request'] = (_method, path, { query } = {}) => {
    asked.push([path, query?.['cursor']]);
    const run = { symbol: 'AAA', status: 'completed', engine_timestamp_ms: 1 };
    const more = asked.length < pages ? { nextCursor: String(asked.length) } : {};
    return Promise.resolve({ runs: [run], ...more });
  };
  return { client: { workspace: 'main', request }, asked };
};

it('reports what it made of the engine runs of its feed, alike for alike', async () => {
  const { client, asked } = feedOf(2);

  const first = await demoWork(client, 'spot')(task('demo.bars'), work);
  const again = await demoWork(feedOf(2).client, 'spot')(task('demo.bars'), work);

  expect(asked).toEqual([
    ['{ws}/feeds/spot/runs', undefined],
    ['{ws}/feeds/spot/runs', '1'],
  ]);
  expect(first).toMatchObject({ output: { rowCount: 2, deltaTable: 'demo.bars', deltaVersion: 1 } });
  expect(again).toEqual(first);
});

it('reads five pages at most', async () => {
  const { client, asked } = feedOf(99);

  await demoWork(client, 'spot')(task('demo.bars'), work);

  expect(asked).toHaveLength(5);
});

it('fails the one attempt that is meant to fail', async () => {
  const { client } = feedOf(1);

  await expect(demoWork(client, 'spot')(task(FAILS_ONCE, 1), work)).rejects.toMatchObject({
    category: 'INFRASTRUCTURE',
  });
  await expect(demoWork(client, 'spot')(task(FAILS_ONCE, 2), work)).resolves.toBeDefined();
});
