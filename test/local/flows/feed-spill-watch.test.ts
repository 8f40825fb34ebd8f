/** A watch that is kept warm takes in what its feed spills again, also when nothing new arrives. */
import { expect, it } from 'vitest';
import { marketEvent, minuteFeed, putRecords, readFeed, startFeed } from '#test/support/cloud-market.ts';
import type { Put } from '#test/support/cloud-market.ts';
import { apiOf, bootTestCloud, insist, START_MS } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';

const MINUTE_MS = 60_000;
const small = minuteFeed({
  sources: [{ source_id: 'small', symbols: ['AAA'] }],
  buffer_retention: { max_records: 12, on_full: 'spill' },
  engine_options: { snapshot_source: 'composer' },
  emit_skipped: false,
});
const minutes = (from: number, count: number): readonly Put[] =>
  Array.from({ length: count * 10 }, (_, index) => ({
    ...marketEvent(
      {
        sourceId: 'small',
        symbol: 'AAA',
        recvTsMs: START_MS + (from + Math.floor(index / 10)) * MINUTE_MS + 1 + (index % 10),
      },
      'TradeTick',
      { price: 100 + index, quantity: 1, side: 'buy' },
    ),
    partitionKey: 'one',
  }));
const counts = async (api: Api) => {
  const { recordCount, spilledRecordCount = 0 } = await readFeed(api, 'small');
  return { recordCount, spilledRecordCount };
};
const waitFor = async (api: Api, count: number): Promise<void> => {
  for (let tries = 0; tries < 20; tries++) {
    await api.cloud.advance(30_000);
    if ((await readFeed(api, 'small')).recordCount === count) return;
  }
};

it('takes in what was spilled a second time, with nothing new arriving', async () => {
  const api = apiOf(await bootTestCloud({}));
  await insist(api, () => startFeed(api, 'small', small));
  await putRecords(api.cloud, minutes(0, 4));
  await api.cloud.settle();
  expect((await counts(api)).spilledRecordCount).toBeGreaterThan(0);
  await waitFor(api, 40);
  expect(await counts(api)).toEqual({ recordCount: 40, spilledRecordCount: 0 });

  await putRecords(api.cloud, minutes(4, 4));
  await api.cloud.settle();
  const spilled = (await counts(api)).spilledRecordCount;
  expect(spilled).toBeGreaterThan(0);
  await waitFor(api, 80);
  expect(await counts(api)).toEqual({ recordCount: 80, spilledRecordCount: 0 });
});
