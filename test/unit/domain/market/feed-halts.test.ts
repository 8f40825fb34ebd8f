import { beforeEach, describe, expect, it } from 'vitest';
import { FeedView } from '#contracts/market/feed-view.ts';
import type { MarketSymbol } from '#contracts/ids.ts';
import { decodeFeed, encodeFeed } from '#domain/market/feed/codec.ts';
import { haltViews, RESUME_DEADLINE_MS } from '#domain/market/feed/halts.ts';
import { END_DEADLINE_MS, REMINDER_SLACK_MS } from '#domain/market/feed/recovery.ts';
import { feedProjection, feedRow } from '#domain/market/feed/projection.ts';
import { demoConfig, FeedHarness, FEED_STREAM } from '#test/support/market-harness.ts';

const AAA = 'AAA' as MarketSymbol;
const BBB = 'BBB' as MarketSymbol;

const notHalted = { kind: 'rejected', rejection: { code: 'feed_not_halted' } };

describe('a delivery that is blocked for too long', () => {
  let feed: FeedHarness;
  beforeEach(() => {
    feed = new FeedHarness(demoConfig());
    feed.nowMs = 10_000;
  });

  const halt = (symbol: MarketSymbol, blockedSinceMs: number) =>
    feed.send({ type: 'HaltPublication', symbol, blockedSinceMs, attempts: 9, errorDetail: 'throttled' });
  const resume = () => feed.send({ type: 'ResumeFeed', reason: 'the consumer is gone' });
  const confirm = (symbol: MarketSymbol, blockedSinceMs: number) =>
    feed.send({ type: 'ConfirmPublication', symbol, blockedSinceMs });
  const added = (act: () => unknown): readonly string[] => {
    const before = feed.events.length;
    act();
    return feed.events.slice(before).map(({ type }) => type);
  };
  const view = () => {
    const key = feedRow(FEED_STREAM);
    const row = feed.events.reduce<ReturnType<typeof feedProjection.apply>>(
      (known, event) => feedProjection.apply(known, key, event),
      undefined,
    );
    return FeedView.parse(row?.data).halts;
  };
  const messages = () =>
    feed.aggregate
      .outstanding(feed.state, feed.nowMs)
      .flatMap((effect) =>
        effect.kind === 'send-message' && effect.queue === 'publications' ? [effect.body] : [],
      );

  it('halts once, however often it is told, and waits for a person', () => {
    expect(added(() => halt(AAA, 1_000))).toEqual(['PublicationHalted']);
    expect(added(() => halt(AAA, 1_000))).toEqual([]);

    expect(feed.aggregate.waiting(feed.state)).toEqual([
      { reason: 'resume', deadlineMs: 10_000 + 3_600_000 + REMINDER_SLACK_MS },
    ]);
    expect(messages()).toEqual([]);
    expect(view()).toEqual([
      { symbol: 'AAA', status: 'halted', blockedSinceMs: 1_000, errorDetail: 'throttled' },
    ]);
  });

  it('is resumed by one person of several, all symbols at once', () => {
    halt(BBB, 2_000);
    halt(AAA, 1_000);

    expect(added(resume)).toEqual(['FeedResumed']);
    expect(feed.decide({ type: 'ResumeFeed', reason: 'again' })).toMatchObject(notHalted);

    expect(messages()).toEqual([
      { stream: `feed-symbol#${FEED_STREAM.slice(5)}/BBB`, resumedBlockMs: 2_000 },
      { stream: `feed-symbol#${FEED_STREAM.slice(5)}/AAA`, resumedBlockMs: 1_000 },
    ]);
    expect(feed.aggregate.waiting(feed.state)).toEqual([
      { reason: 'publication', subject: 'BBB', deadlineMs: 10_000 + RESUME_DEADLINE_MS },
      { reason: 'publication', subject: 'AAA', deadlineMs: 10_000 + RESUME_DEADLINE_MS },
      { reason: 'recovery', deadlineMs: 10_000 + END_DEADLINE_MS },
    ]);
    expect(view()).toMatchObject([
      { symbol: 'AAA', status: 'resumed' },
      { symbol: 'BBB', status: 'resumed' },
    ]);
  });

  it('that is resumed already keeps its place when another symbol is resumed', () => {
    halt(AAA, 1_000);
    resume();
    confirm(AAA, 1_000);
    halt(AAA, 2_000);
    resume();
    halt(BBB, 3_000);
    resume();

    expect(view()).toMatchObject([
      { symbol: 'AAA', status: 'resumed' },
      { symbol: 'BBB', status: 'resumed' },
    ]);
  });

  it('is over when the publisher has caught up, and no word of the same block starts it again', () => {
    halt(AAA, 1_000);
    resume();

    expect(added(() => confirm(AAA, 999))).toEqual([]);
    expect(added(() => confirm(AAA, 1_000))).toEqual(['PublicationRecovered']);
    expect(added(() => confirm(AAA, 1_000))).toEqual([]);
    expect(added(() => halt(AAA, 1_000))).toEqual([]);

    expect(messages()).toEqual([]);
    expect(feed.aggregate.waiting(feed.state)).toMatchObject([{ reason: 'recovery' }]);
    expect(view()).toBeUndefined();
    expect(haltViews(feed.feed.halts)).toEqual([]);
  });

  it('halts again when it is blocked anew, also on the way from a resumption', () => {
    halt(AAA, 1_000);
    resume();

    expect(added(() => halt(AAA, 5_000))).toEqual(['PublicationHalted']);
    expect(added(() => confirm(AAA, 1_000))).toEqual([]);

    expect(view()).toMatchObject([{ status: 'halted', blockedSinceMs: 5_000 }]);
  });

  it('is nothing a feed without one can be resumed from, nor one that does not exist', () => {
    expect(feed.decide({ type: 'ResumeFeed', reason: 'again' })).toMatchObject(notHalted);

    for (const command of [
      { type: 'ResumeFeed', reason: 'x' },
      { type: 'HaltPublication', symbol: AAA, blockedSinceMs: 1, attempts: 1, errorDetail: '' },
      { type: 'ConfirmPublication', symbol: AAA, blockedSinceMs: 1 },
    ] as const)
      expect(
        feed.aggregate.decide(command, { status: 'none' }, { nowMs: 0, stream: FEED_STREAM }),
      ).toMatchObject({ kind: 'rejected', rejection: { code: 'feed_not_found' } });
  });

  it('is read back as it was written, at every version', () => {
    halt(AAA, 1_000);
    expect(decodeFeed(encodeFeed(feed.state))).toEqual(feed.state);
    resume();
    expect(decodeFeed(encodeFeed(feed.state))).toEqual(feed.state);
    confirm(AAA, 1_000);
    expect(decodeFeed(encodeFeed(feed.state))).toEqual(feed.state);
  });

  it('ignores symbols that no halt knows', () => {
    const event = { type: 'FeedResumed', data: { reason: 'x', symbols: ['ZZZ'] } };
    const [first] = feed.events;
    if (!first) throw new Error('the feed has no event');

    const next = feed.aggregate.evolve(feed.state, { ...first, ...event, sequence: feed.feed.version + 1 });

    expect(next).toEqual({ ...feed.feed, version: feed.feed.version + 1 });
  });
});
