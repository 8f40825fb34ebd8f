/** A feed that spills goes on, says how it stands, and can be mended, as one that blocks can. */
import { expect, it } from 'vitest';
import type { FeedCommand } from '#contracts/market/feed.ts';
import { isIngestionPaused } from '#domain/market/feed/flow-control.ts';
import { ingestFeed } from '#functions/shared/ingest-feed.ts';
import { batchRecord, demoConfig, FEED_STREAM, marketEvent } from '#test/support/market-harness.ts';
import { SHARD, SpillScene } from '#test/support/spill-scene.ts';

const begin = (buffer_retention: object, timeOf: (n: number) => number) => {
  const scene = new SpillScene({ clock: 'record', buffer_retention });
  const record = (n: number) => batchRecord(n, marketEvent({ recv_ts_ms: timeOf(n) }), timeOf(n));
  return {
    scene,
    feed: scene.feed,
    ingest: (...ns: readonly number[]) => scene.ingest(ns.map(record)),
  };
};

// Two records in each interval of a second.
const pairs = (n: number): number => (Math.floor((n - 1) / 2) + 1) * 1_000 + 500 + (n % 2 === 0 ? 100 : 0);

it.each(['block', 'spill'])(
  'a data-clocked feed that says %s goes on when its buffer got full at the end of a batch',
  async (on_full) => {
    const { scene, feed, ingest } = begin({ max_records: 2, on_full }, pairs);
    const batches = [
      [1, 2],
      [3, 4],
      [5, 6],
      [7, 8],
    ];
    // Every run ends at once; what blocks is delivered again, what is spilled is looked after, many times over.
    for (const batch of batches)
      for (let tries = 0; tries < 10; tries++) {
        try {
          // In spilling, two batches come before the runs of the first end.
          await ingest(...batch);
          if (!(on_full === 'spill' && batch[0] === 3)) scene.acknowledge();
          break;
        } catch {
          scene.acknowledge();
        }
      }
    for (let looks = 0; looks < 20; looks++) {
      scene.acknowledge();
      if (feed.feed.spill) await scene.drain();
    }
    expect({ lastSeq: feed.feed.lastSeq, spilled: feed.feed.spill?.recordCount ?? 0 }).toEqual({
      lastSeq: 8,
      spilled: 0,
    });
  },
);

it('is not ready while it spills what arrives', async () => {
  const { scene, feed, ingest } = begin({ max_records: 200, on_full: 'spill' }, (n) => n * 1_000 + 500);
  await ingest(...Array.from({ length: 200 }, (_, index) => index + 1));
  for (let n = 201; n <= 260; n++) await ingest(n);
  expect(feed.feed.spill?.recordCount).toBe(60);
  scene.acknowledge();
  await ingest(261);
  // The batch that arrived was spilled behind the others, so the feed is not up to date.
  expect(feed.feed.spill?.recordCount).toBe(11);
  expect(isIngestionPaused(feed.feed)).toBe(true);
});

it('spills what arrives although an object of before cannot be read, so that others of the stream go on', async () => {
  const { scene, feed, ingest } = begin({ max_records: 2, on_full: 'spill' }, (n) => n * 1_000 + 500);
  await ingest(1, 2);
  await ingest(3);
  scene.acknowledge();
  scene.documents.clear();
  await ingest(4);
  expect(feed.feed.spill?.recordCount).toBe(2);
});

it('counts a spill once whose answer was lost', async () => {
  const { scene, feed, ingest } = begin({ max_records: 2, on_full: 'spill' }, (n) => n * 1_000 + 500);
  await ingest(1, 2);
  const ports = scene.ports({
    mailbox: {
      send: (_, { command }) => {
        const given = command as unknown as FeedCommand;
        // Somebody with the same delivery was quicker.
        if (given.type === 'SpillRecords') scene.send(given);
        return Promise.resolve(scene.send(given) as never);
      },
    },
  });
  await ingestFeed(ports, FEED_STREAM, {
    shardId: SHARD,
    records: [batchRecord(3, marketEvent({ recv_ts_ms: 3_500 }), 3_500)],
  });
  expect(feed.feed.spill?.recordCount).toBe(1);
  expect(scene.telemetry.counted.get('RecordsSpilled') ?? 0).toBe(0);
});

// More records in one interval than the buffer holds: a person drains the feed and gives it a larger buffer.
it.each(['block', 'spill'])(
  'a feed that says %s and whose buffer was too small goes on with a larger one',
  async (on_full) => {
    const { scene, feed, ingest } = begin({ max_records: 2, on_full }, (n) => 1_500 + n);
    await ingest(1, 2);
    await ingest(3).catch(() => undefined);
    if (feed.feed.spill) await scene.drain();
    expect(feed.feed.lastSeq).toBe(2);

    feed.send({ type: 'DrainFeed' });
    feed.send({
      type: 'CreateFeed',
      config: demoConfig({ clock: 'record', buffer_retention: { max_records: 100, on_full } }),
      start: false,
    });
    feed.send({ type: 'StartFeed' });
    await ingest(3, 4);
    expect(feed.feed.lastSeq).toBe(4);
  },
);
