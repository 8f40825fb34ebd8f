/** Spilling as the functions do it, with a feed in memory: what others do meanwhile, and what is lost. */
import { beforeEach, describe, expect, it } from 'vitest';
import { spillStream, drainSpill } from '#functions/shared/spill-records.ts';
import { witness } from '#test/support/ledger.ts';
import { batchRecord, FEED_STREAM, marketEvent } from '#test/support/market-harness.ts';
import type { FeedHarness } from '#test/support/market-harness.ts';
import { SpillScene } from '#test/support/spill-scene.ts';

const record = (sequence: number) =>
  batchRecord(sequence, marketEvent({ recv_ts_ms: sequence * 1_000 + 500 }));

describe('a feed whose buffer is full', () => {
  let scene: SpillScene;
  let feed: FeedHarness;

  const begin = (retention: object = {}): void => {
    scene = new SpillScene({ buffer_retention: { max_records: 2, on_full: 'spill', ...retention } });
    ({ feed } = scene);
    feed.ingest([record(1), record(2)]);
  };
  beforeEach(() => {
    begin();
  });
  const ingest = (...sequences: readonly number[]) => scene.ingest(sequences.map(record));

  it('spills once, says that it is paused once, and drops what comes again', async () => {
    await ingest(3, 4);
    await ingest(4, 5);
    await ingest(3, 4, 5);

    expect(feed.feed).toMatchObject({ lastSeq: 2, spill: { recordCount: 3 } });
    expect(scene.asked.filter((type) => type === 'SpillRecords')).toHaveLength(2);
    expect(scene.asked.filter((type) => type === 'PauseIngestion')).toHaveLength(1);
    expect(scene.asked.at(-1)).toBe('ConfirmBatch');
    expect(scene.telemetry.counted.get('RecordsSpilled')).toBe(3);
    expect(scene.telemetry.counted.get('RecordsRepeated')).toBe(4);
  });

  it('takes in what waits before what is new, and releases what it has', async () => {
    await ingest(3);
    await ingest(4);
    scene.acknowledge();
    expect(scene.spills()).toHaveLength(2);

    await ingest(5);

    expect(feed.feed).toMatchObject({ lastSeq: 4, spill: { recordCount: 1 } });
    expect(scene.spills()).toHaveLength(1);
    scene.acknowledge();
    await scene.drain();
    expect(feed.feed.lastSeq).toBe(5);
    expect(feed.feed.spill).toBeUndefined();
    expect(scene.spills()).toEqual([]);
  });

  it('keeps the rest of an object whose first records it had room for', async () => {
    await ingest(3, 4, 5);
    scene.acknowledge();

    await scene.drain();
    expect(feed.feed).toMatchObject({ lastSeq: 4, spill: { recordCount: 1, index: 2 } });
    expect(scene.spills()).toHaveLength(1);
    scene.acknowledge();
    await scene.drain();

    expect(feed.feed.lastSeq).toBe(5);
    expect(scene.spills()).toEqual([]);
  });

  it('asks its symbols once how far they are, when what waits finds no room', async () => {
    await ingest(3);
    expect(feed.feed.unacknowledged).toBeDefined();
    scene.symbolLoads = 0;

    await ingest(4);

    expect(scene.symbolLoads).toBe(1);
    expect(feed.feed.spill?.recordCount).toBe(2);
  });

  it('takes in as much of what waits as its invocation has time for', async () => {
    begin({ max_records: 20 });
    feed.ingest(Array.from({ length: 18 }, (_, index) => record(index + 3)));
    for (const sequence of [21, 22, 23]) await ingest(sequence);
    scene.acknowledge();
    const times = [60_000, 20_000, 19_999];

    await drainSpill(scene.ports({ remainingMs: () => times.shift() ?? 0 }), feed.feed);

    expect(feed.feed).toMatchObject({ lastSeq: 22, spill: { recordCount: 1 } });
  });

  it('goes on when an object it has taken in cannot be released', async () => {
    await ingest(3);
    scene.acknowledge();

    const release = { releaseDocument: () => Promise.reject(new Error('not now')) };
    await drainSpill(scene.ports({ release }), feed.feed);

    expect(feed.feed.lastSeq).toBe(3);
    expect(scene.telemetry.logged.at(-1)).toMatchObject({
      level: 'warn',
      fields: { errorMessage: 'not now' },
    });
  });

  it('spills as much as it may, and gives the rest back', async () => {
    begin({ max_spilled_records: 2 });

    await expect(ingest(3, 4, 5)).rejects.toThrow('capacity exceeded');
    expect(feed.feed.spill?.recordCount).toBe(2);
    await expect(ingest(3, 4, 5)).rejects.toThrow('has 2, at most 2 are taken');
    expect(scene.telemetry.counted.get('market_data.backpressure.count')).toBe(2);
  });

  it('gives all of it back when it blocks', async () => {
    begin({ on_full: 'block' });

    await expect(ingest(3)).rejects.toMatchObject({ code: 'buffer_full' });
    expect(scene.asked).not.toContain('SpillRecords');
    expect(scene.documents.size).toBe(0);
  });

  it('looks again when it moved while a batch was being spilled, a bounded number of times', async () => {
    scene.refusals = ['contention'];
    await ingest(3);
    expect(feed.feed.spill?.recordCount).toBe(1);

    scene.refusals = Array.from({ length: 50 }, () => 'contention');
    await expect(ingest(4)).rejects.toThrow('moved each time a batch was to be spilled');
    expect(scene.asked.filter((type) => type === 'SpillRecords')).toHaveLength(2 + 21);
  });

  it('gives a batch back at once that it refuses to spill', async () => {
    scene.refusals = ['feed_state_conflict'];

    await expect(ingest(3)).rejects.toThrow('refused to spill: not so');
  });

  it('goes on from where others left it when they took in what it was about to', async () => {
    await ingest(3);
    scene.acknowledge();
    const known = feed.feed;
    await scene.drain();

    const after = await drainSpill(scene.ports(), known);

    expect(after.lastSeq).toBe(3);
    expect(after.spill).toBeUndefined();
  });

  it('says that records that wait are not there, or that no event tells of them, and leaves them waiting', async () => {
    await ingest(3);
    scene.acknowledge();
    scene.documents.clear();

    const spill = { sequence: 999, index: 0, recordCount: 1, sinceMs: 0, movedMs: 0 };
    for (const [waiting, detail] of [
      [feed.feed, /^spilled records .* are missing$/],
      [{ ...feed.feed, spill }, /^no event of /],
    ] as const) {
      const telemetry = witness();

      const after = await drainSpill({ ...scene.ports(), telemetry }, waiting);

      expect(after.spill).toEqual(waiting.spill);
      expect(telemetry.counted.get('IngestionFailures')).toBe(1);
      expect(telemetry.logged).toMatchObject([
        {
          level: 'warn',
          message: 'orchestrator.failure',
          fields: {
            failure_domain: 'ingest',
            error_kind: 'spill_unreadable',
            error_detail: expect.stringMatching(detail) as string,
          },
        },
      ]);
    }
  });

  it('names its objects by their content under the feed', async () => {
    await ingest(3);

    const [event] = feed.events.filter(({ type }) => type === 'RecordsSpilled');
    expect(scene.spills()).toEqual([spillStream(FEED_STREAM, String(event?.data['hash']))]);
    expect(scene.spills()[0]).toMatch(/^spill#acme\/prod\/demo#[0-9a-f]{64}$/);
  });
});
