import { beforeEach, describe, expect, it } from 'vitest';
import type { MarketSymbol } from '#contracts/ids.ts';
import { decodeFeed, encodeFeed } from '#domain/market/feed/codec.ts';
import {
  chunksToDelete,
  DELETION_DEADLINE_MS,
  firstReplayableMs,
  isGone,
  mayPrune,
  prunableChunks,
  PRUNED_CHUNKS_MAX,
} from '#domain/market/feed/pruning.ts';
import { batchRecord, demoConfig, FeedHarness, marketEvent, stamp } from '#test/support/market-harness.ts';

const at = (sequence: number, recvTsMs: number) =>
  batchRecord(sequence, marketEvent({ recv_ts_ms: recvTsMs }));

describe('pruning the chunks of a feed', () => {
  let feed: FeedHarness;
  beforeEach(() => begin());

  const begin = (buffer_retention: object = {}): void => {
    feed = new FeedHarness(demoConfig({ buffer_retention: { delete_pruned: true, ...buffer_retention } }));
  };
  /** One chunk a second; the tick before each is planned with it. */
  const ingest = (...seconds: readonly number[]): void =>
    seconds.forEach((second) => feed.ingest([at(second + 1, second * 1_000 + 500)]));
  const acknowledge = (runNo: number): void => {
    feed.send({ type: 'AcknowledgeRuns', symbols: [{ symbol: 'AAA' as MarketSymbol, runNo }] });
  };
  const found = () => prunableChunks(feed.feed, feed.events.slice(feed.feed.gone.nextSequence - 1));
  const prune = (): readonly string[] => {
    const chunks = found();
    return chunks ? feed.send({ type: 'PruneChunks', ...chunks }).map(({ type }) => type) : [];
  };
  const confirm = (throughSequence = feed.feed.gone.deleting?.throughSequence ?? 1) =>
    feed.send({ type: 'ConfirmDeletion', throughSequence }).map(({ type }) => type);

  it('takes what every symbol has consumed, and nothing of what a run may still read', () => {
    ingest(0, 1, 2, 3);
    expect(found()).toBeUndefined();
    expect(mayPrune(feed.feed)).toBe(false);
    acknowledge(3);

    expect(mayPrune(feed.feed)).toBe(true);
    expect(found()).toMatchObject({ throughSeq: 3, fromSequence: 1, chunkCount: 3 });
    expect(prune()).toEqual(['ChunksPruned']);
    expect(isGone(feed.feed, { lastSeq: 3 })).toBe(true);
    expect(isGone(feed.feed, { lastSeq: 4 })).toBe(false);
  });

  it('keeps a chunk of which one record is needed', () => {
    feed.ingest([at(1, 500), at(2, 1_500)]);
    acknowledge(1);

    expect(feed.feed.buffer.prunedSeq).toBe(1);
    expect(mayPrune(feed.feed)).toBe(true);
    expect(found()).toBeUndefined();
  });

  it('keeps what lies in the promised replay window, to the millisecond', () => {
    begin({ replay_window_ms: 2_500 });
    ingest(0, 1, 2);
    acknowledge(2);
    // The tick at 1,000 is 2,500 before this record, and inside; one millisecond later it is not.
    feed.ingest([at(4, 3_500)]);
    expect(found()).toBeUndefined();
    feed.ingest([at(5, 4_501)]);

    expect(found()).toMatchObject({ throughSeq: 2, chunkCount: 2 });
  });

  it('does so only where it is asked to, and a bounded number at once', () => {
    begin({ delete_pruned: false });
    ingest(0, 1);
    acknowledge(1);
    expect(mayPrune(feed.feed)).toBe(false);
    expect(prune()).toEqual([]);

    const [first] = feed.events.filter(({ type }) => type === 'RecordsIngested');
    if (!first) throw new Error('nothing was taken in');
    const many = Array.from({ length: PRUNED_CHUNKS_MAX + 1 }, () => first);
    expect(prunableChunks(feed.feed, many)?.chunkCount).toBe(PRUNED_CHUNKS_MAX);
    const sooner = [
      ...many.slice(0, 3),
      { ...first, data: { chunk: { ...(first.data['chunk'] as object), lastSeq: 9 } } },
    ];
    expect(prunableChunks(feed.feed, sooner)?.chunkCount).toBe(3);
  });

  it('deletes one pruning after the other, and is looked after until it is done', () => {
    ingest(0, 1, 2);
    acknowledge(2);
    const stale = found();
    feed.nowMs = 5_000;
    prune();
    expect(feed.aggregate.waiting(feed.state)).toContainEqual({
      reason: 'deletion',
      deadlineMs: 5_000 + DELETION_DEADLINE_MS,
    });
    expect(decodeFeed(encodeFeed(feed.state))).toEqual(feed.state);
    expect(mayPrune(feed.feed)).toBe(false);
    expect(stale && feed.send({ type: 'PruneChunks', ...stale })).toEqual([]);
    expect(confirm(1)).toEqual([]);

    expect(confirm()).toEqual(['ChunksDeleted']);
    expect(confirm()).toEqual([]);

    expect(feed.feed.gone).toEqual({ seq: 2, nextSequence: stale ? stale.throughSequence + 1 : 0 });
    expect(decodeFeed(encodeFeed(feed.state))).toEqual(feed.state);
    ingest(3, 4);
    acknowledge(4);
    // What was found before the last pruning, and what is needed still, is refused.
    expect(stale && feed.send({ type: 'PruneChunks', ...stale, throughSeq: 4 })).toEqual([]);
    const next = found();
    expect(next && feed.send({ type: 'PruneChunks', ...next, throughSeq: 5 })).toEqual([]);
    expect(next).toMatchObject({ throughSeq: 4, chunkCount: 2 });
    expect(prune()).toEqual(['ChunksPruned']);
  });

  it('deletes objects alone: what the ledger holds stays', () => {
    ingest(0, 1, 2);
    acknowledge(2);
    prune();
    const { deleting } = feed.feed.gone;
    if (!deleting) throw new Error('nothing is being deleted');
    const inStore = feed.events.map((event, index) =>
      event.type === 'RecordsIngested' && index !== 2
        ? {
            ...event,
            data: { ...event.data, chunk: { ...(event.data['chunk'] as object), location: 'blob' } },
          }
        : event,
    );

    expect(chunksToDelete(deleting, feed.events)).toEqual([]);
    expect(chunksToDelete(deleting, inStore).map(({ lastSeq }) => lastSeq)).toEqual([2]);
  });

  it('names the first tick that can be replayed', () => {
    ingest(0, 1, 2, 3);
    expect(firstReplayableMs(feed.feed, feed.events)).toBe(1_000);
    acknowledge(2);
    feed.send({
      type: 'AcknowledgeRuns',
      symbols: [{ symbol: 'AAA' as MarketSymbol, runNo: 3 }],
    });
    prune();

    expect(firstReplayableMs(feed.feed, feed.events)).toBeUndefined();
    ingest(4);
    expect(firstReplayableMs(feed.feed, feed.events)).toBe(4_000);
  });

  it('is passed over where there is no feed', () => {
    const [event] = stamp('feed#a/b/c', [{ type: 'ChunksPruned', idempotencyKey: 'x', data: {} }], {
      sequence: 1,
    });
    if (!event) throw new Error('no event');

    expect(feed.aggregate.evolve({ status: 'none' }, event)).toEqual({ status: 'none' });
  });
});
