import { beforeEach, describe, expect, it } from 'vitest';
import type { MarketSymbol } from '#contracts/ids.ts';
import { FeedRecoveryInput } from '#contracts/market/feed-recovery.ts';
import { FeedResumedMessage } from '#contracts/market/feed-timer.ts';
import { decodeFeed, encodeFeed } from '#domain/market/feed/codec.ts';
import {
  END_DEADLINE_MS,
  isAwaited,
  overdueRecovery,
  REMINDER_SLACK_MS,
} from '#domain/market/feed/recovery.ts';
import {
  batchRecord,
  demoConfig,
  FEED_STREAM,
  FeedHarness,
  marketEvent,
} from '#test/support/market-harness.ts';

const AAA = 'AAA' as MarketSymbol;
const BBB = 'BBB' as MarketSymbol;
const REMINDER_MS = 120_000;
const OVERDUE_MS = REMINDER_MS + REMINDER_SLACK_MS;

describe('a feed that waits for a person', () => {
  let feed: FeedHarness;
  beforeEach(() => {
    feed = new FeedHarness(demoConfig({ recovery: { reminder_ms: REMINDER_MS, max_reminders: 5 } }));
    feed.nowMs = 10_000;
  });

  const halt = (symbol = AAA, blockedSinceMs = 1_000) =>
    feed.send({ type: 'HaltPublication', symbol, blockedSinceMs, attempts: 9, errorDetail: 'throttled' });
  const degrade = () =>
    feed.send({ type: 'DegradeFeed', failureDomain: 'buffer', errorKind: 'x', errorDetail: 'y' });
  const resume = () => feed.send({ type: 'ResumeFeed', reason: 'mended' });
  const ref = (generation = 1) => ({
    openedSequence: feed.feed.recovery?.openedSequence ?? 0,
    generation,
  });
  const added = (act: () => unknown): readonly string[] => {
    const before = feed.events.length;
    act();
    return feed.events.slice(before).map(({ type }) => type);
  };
  const owed = () =>
    feed.aggregate
      .outstanding(feed.state, feed.nowMs)
      .filter(({ name }) => /^(recovery|resumed)-/.test(name));
  const deadlines = () => feed.aggregate.waiting(feed.state).map(({ deadlineMs }) => deadlineMs);

  it('owes one execution per halt, whatever else halts meanwhile', () => {
    halt();
    const [execution] = owed();

    expect(execution).toMatchObject({ kind: 'start-execution', machine: 'feed-recovery' });
    expect(execution?.name).toMatch(/^recovery-[0-9a-z]{26}-1$/);
    expect(FeedRecoveryInput.parse((execution as { readonly input?: unknown }).input)).toEqual({
      tenantId: 'acme',
      workspaceId: 'prod',
      feedId: 'demo',
      openedSequence: 3,
      generation: 1,
      reminderSeconds: 120,
      remindersMax: 5,
    });
    halt(BBB, 2_000);
    degrade();
    expect(owed()).toEqual([execution]);
    expect(decodeFeed(encodeFeed(feed.state))).toEqual(feed.state);
  });

  it('tells its execution when a person has resumed it, until that has ended', () => {
    halt();
    resume();

    expect(owed()).toMatchObject([{ kind: 'send-message', queue: 'timers' }]);
    const [message] = owed() as readonly { readonly body?: unknown }[];
    expect(FeedResumedMessage.parse(message?.body)).toEqual({
      kind: 'feed-resumed',
      feedStream: FEED_STREAM,
      ...ref(),
    });
    expect(decodeFeed(encodeFeed(feed.state))).toEqual(feed.state);
    expect(added(() => feed.send({ type: 'EndRecovery', ...ref(2) }))).toEqual([]);
    expect(added(() => feed.send({ type: 'EndRecovery', ...ref() }))).toEqual(['RecoveryEnded']);
    expect(added(() => feed.send({ type: 'EndRecovery', openedSequence: 3, generation: 1 }))).toEqual([]);
    expect(owed()).toEqual([]);
    expect(feed.feed).not.toHaveProperty('recovery');
  });

  it('waits no longer when a degraded feed recovers by itself, and not before all is over', () => {
    degrade();
    halt();
    expect(isAwaited(feed.state, ref())).toBe(true);
    feed.ingest([batchRecord(1, marketEvent(), 500)]);
    expect(isAwaited(feed.state, ref())).toBe(true);
    resume();
    expect(isAwaited(feed.state, ref())).toBe(false);

    feed.send({ type: 'DegradeFeed', failureDomain: 'buffer', errorKind: 'x', errorDetail: 'y' });
    feed.ingest([batchRecord(2, marketEvent(), 600)]);

    expect(feed.feed.recovery).toMatchObject({ status: 'over', generation: 1 });
    expect(feed.feed.status).toBe('started');
  });

  it('begins a new wait with the next halt, though the end of the last one was never told', () => {
    halt();
    const first = ref();
    resume();
    halt(AAA, 9_000);

    expect(ref()).not.toEqual(first);
    expect(isAwaited(feed.state, first)).toBe(false);
    expect(isAwaited(feed.state, ref())).toBe(true);
    expect(added(() => feed.send({ type: 'EndRecovery', ...first }))).toEqual([]);
  });

  it('records each reminder once, and only those of its own execution', () => {
    halt();
    const remind = (reminderNo: number, generation = 1) =>
      added(() => feed.send({ type: 'RemindRecovery', ...ref(generation), reminderNo }));
    feed.nowMs = 50_000;

    expect(remind(1)).toEqual(['RecoveryReminded']);
    expect(remind(1)).toEqual([]);
    expect(remind(2, 2)).toEqual([]);
    expect(deadlines()).toEqual([50_000 + OVERDUE_MS]);
    expect(remind(2)).toEqual(['RecoveryReminded']);
    resume();
    expect(remind(3)).toEqual([]);
  });

  it('gets the next generation when its execution gave no sign in time', () => {
    halt();
    expect(overdueRecovery(feed.feed, 10_000 + OVERDUE_MS - 1)).toBeUndefined();
    const overdue = overdueRecovery(feed.feed, 10_000 + OVERDUE_MS);
    expect(overdue).toEqual({ type: 'RestartRecovery', ...ref() });
    feed.nowMs = 10_000 + OVERDUE_MS;

    expect(added(() => overdue && feed.send(overdue))).toEqual(['RecoveryRestarted']);
    expect(added(() => overdue && feed.send(overdue))).toEqual([]);

    expect(owed()).toMatchObject([{ name: expect.stringMatching(/-2$/) as string }]);
    expect(isAwaited(feed.state, ref(1))).toBe(false);
    expect(isAwaited(feed.state, ref(2))).toBe(true);
    expect(feed.feed.recovery).toMatchObject({ reminderCount: 0, seenAtMs: feed.nowMs });
  });

  it('is not kept up by an execution that does not end', () => {
    halt();
    feed.nowMs = 20_000;
    resume();

    expect(overdueRecovery(feed.feed, 20_000 + END_DEADLINE_MS - 1)).toBeUndefined();
    expect(overdueRecovery(feed.feed, 20_000 + END_DEADLINE_MS)).toEqual({ type: 'EndRecovery', ...ref() });
  });

  it('needs nobody without a halt', () => {
    expect(owed()).toEqual([]);
    expect(overdueRecovery(feed.feed, Number.MAX_SAFE_INTEGER)).toBeUndefined();
    expect(isAwaited({ status: 'none' }, { openedSequence: 1, generation: 1 })).toBe(false);
    const place = { openedSequence: 1, generation: 1 };
    for (const command of [
      { type: 'RemindRecovery', ...place, reminderNo: 1 },
      { type: 'RestartRecovery', ...place },
      { type: 'EndRecovery', ...place },
    ] as const)
      expect(added(() => feed.send(command))).toEqual([]);
  });

  it('passes over words of a recovery it does not know', () => {
    const [first] = feed.events;
    if (!first) throw new Error('the feed has no event');
    const sequence = feed.feed.version + 1;
    const event = { type: 'RecoveryRestarted', data: { openedSequence: 1, generation: 2 }, sequence };

    expect(feed.aggregate.evolve(feed.state, { ...first, ...event })).toEqual({
      ...feed.feed,
      version: sequence,
    });
  });
});
