/** A feed that spills goes on, says how it stands, and can be mended, as one that blocks can. */
import { expect, it } from 'vitest';
import type { MarketSymbol } from '#contracts/ids.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import { isIngestionPaused } from '#domain/market/feed/flow-control.ts';
import { ingestFeed } from '#functions/shared/ingest-feed.ts';
import { drainSpill } from '#functions/shared/spill-records.ts';
import type { SpillPorts } from '#functions/shared/spill-records.ts';
import { witness } from '#test/support/ledger.ts';
import {
  batchRecord,
  demoConfig,
  FEED_STREAM,
  FeedHarness,
  marketEvent,
} from '#test/support/market-harness.ts';

const SHARD = 'shard-0';
const scene = (buffer_retention: object, timeOf: (n: number) => number) => {
  const record = (n: number) => batchRecord(n, marketEvent({ recv_ts_ms: timeOf(n) }), timeOf(n));
  const feed = new FeedHarness(demoConfig({ clock: 'record', buffer_retention }));
  const documents = new Map<string, string>();
  const ports = {
    telemetry: witness(),
    ledger: {
      read: (_: string, sequence: number) =>
        Promise.resolve(
          feed.events
            .slice(sequence - 1)
            .map((event) => ({ sequence: event.sequence, events: [event] }) as unknown as StoredCommit),
        ),
      tail: () => Promise.resolve({ commits: [], states: [], isWhole: true }),
      document: (stream: string) => Promise.resolve(documents.get(stream)),
      putDocument: (stream: string, text: string) => {
        documents.set(stream, text);
        return Promise.resolve('blob');
      },
    },
    mailbox: {
      send: (_: unknown, { command }: { command: FeedCommand }) =>
        Promise.resolve({ kind: 'committed', events: feed.send(command), state: feed.state }),
    },
    loadFeed: () => Promise.resolve(feed.state),
    reloadFeed: () => Promise.resolve(feed.state),
    removal: {
      removeDocument: (stream: string) => {
        documents.delete(stream);
        return Promise.resolve();
      },
    },
    engineDepth: () => Promise.resolve(0),
    sleep: () => Promise.resolve(),
    remainingMs: () => 60_000,
    nowMs: () => 0,
  } as unknown as SpillPorts;
  const acknowledge = (): void => {
    const runNo = feed.feed.symbols.get('AAA')?.runNo ?? 0;
    if (runNo > 0)
      feed.send({ type: 'AcknowledgeRuns', symbols: [{ symbol: 'AAA' as MarketSymbol, runNo }] });
  };
  const ingest = (...ns: readonly number[]) =>
    ingestFeed(ports, FEED_STREAM, { shardId: SHARD, records: ns.map(record) });
  return { feed, documents, ports, acknowledge, ingest };
};

// Two records in each interval of a second.
const pairs = (n: number): number => (Math.floor((n - 1) / 2) + 1) * 1_000 + 500 + (n % 2 === 0 ? 100 : 0);

it.each(['block', 'spill'])(
  'a data-clocked feed that says %s goes on when its buffer got full at the end of a batch',
  async (on_full) => {
    const { feed, ports, acknowledge, ingest } = scene({ max_records: 2, on_full }, pairs);
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
          if (!(on_full === 'spill' && batch[0] === 3)) acknowledge();
          break;
        } catch {
          acknowledge();
        }
      }
    for (let looks = 0; looks < 20; looks++) {
      acknowledge();
      if (feed.feed.spill) await drainSpill(ports, feed.feed);
    }
    expect({ lastSeq: feed.feed.lastSeq, spilled: feed.feed.spill?.recordCount ?? 0 }).toEqual({
      lastSeq: 8,
      spilled: 0,
    });
  },
);

it('is not ready while it spills what arrives', async () => {
  const { feed, acknowledge, ingest } = scene({ max_records: 200, on_full: 'spill' }, (n) => n * 1_000 + 500);
  await ingest(...Array.from({ length: 200 }, (_, index) => index + 1));
  for (let n = 201; n <= 260; n++) await ingest(n);
  expect(feed.feed.spill?.recordCount).toBe(60);
  acknowledge();
  await ingest(261);
  // The batch that arrived was spilled behind the others, so the feed is not up to date.
  expect(feed.feed.spill?.recordCount).toBe(11);
  expect(isIngestionPaused(feed.feed)).toBe(true);
});

it('spills what arrives although an object of before cannot be read, so that others of the stream go on', async () => {
  const { feed, documents, acknowledge, ingest } = scene(
    { max_records: 2, on_full: 'spill' },
    (n) => n * 1_000 + 500,
  );
  await ingest(1, 2);
  await ingest(3);
  acknowledge();
  documents.clear();
  await ingest(4);
  expect(feed.feed.spill?.recordCount).toBe(2);
});

it('counts a spill once whose answer was lost', async () => {
  const { feed, ports, ingest } = scene({ max_records: 2, on_full: 'spill' }, (n) => n * 1_000 + 500);
  await ingest(1, 2);
  const send = ports.mailbox.send.bind(ports.mailbox);
  const other = {
    ...ports,
    mailbox: {
      send: async (...args: readonly unknown[]) => {
        const { command } = args[1] as { command: FeedCommand };
        // Somebody with the same delivery was quicker.
        if (command.type === 'SpillRecords')
          await (send as never as (...a: readonly unknown[]) => Promise<unknown>)(...args);
        const outcome = (await (send as never as (...a: readonly unknown[]) => Promise<object>)(...args)) as {
          events: readonly unknown[];
        };
        return outcome.events.length === 0 ? { ...outcome, kind: 'unchanged' } : outcome;
      },
    },
  } as unknown as SpillPorts;
  await ingestFeed(other, FEED_STREAM, {
    shardId: SHARD,
    records: [batchRecord(3, marketEvent({ recv_ts_ms: 3_500 }), 3_500)],
  });
  expect(feed.feed.spill?.recordCount).toBe(1);
  expect((ports.telemetry as unknown as ReturnType<typeof witness>).counted.get('RecordsSpilled') ?? 0).toBe(
    0,
  );
});

// More records in one interval than the buffer holds: a person drains the feed and gives it a larger buffer.
it.each(['block', 'spill'])(
  'a feed that says %s and whose buffer was too small goes on with a larger one',
  async (on_full) => {
    const { feed, ports, ingest } = scene({ max_records: 2, on_full }, (n) => 1_500 + n);
    await ingest(1, 2);
    await ingest(3).catch(() => undefined);
    if (feed.feed.spill) await drainSpill(ports, feed.feed);
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
