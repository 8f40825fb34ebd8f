import { expect, it } from 'vitest';
import { FeedView } from '#contracts/market/feed-view.ts';
import type { RowContent } from '#domain/kernel/projection.ts';
import { feedList, feedProjection, feedRow } from '#domain/market/feed/projection.ts';
import { acknowledgement } from '#domain/market/feed/resend.ts';
import {
  batchRecord,
  demoConfig,
  FEED_STREAM,
  FeedHarness,
  marketEvent,
} from '#test/support/market-harness.ts';

const fold = (feed: FeedHarness): RowContent | undefined =>
  feed.events.reduce<RowContent | undefined>(
    (row, event) => feedProjection.apply(row, feedProjection.cursor(FEED_STREAM), event),
    undefined,
  );

it('counts records, ticks and runs and shows how far the feed is', () => {
  const feed = new FeedHarness(demoConfig());
  feed.ingest([
    batchRecord(1, marketEvent({ recv_ts_ms: 500 })),
    batchRecord(2, 'garbage'),
    batchRecord(3, marketEvent({ recv_ts_ms: 3_200, symbol: 'BBB' })),
  ]);
  feed.send(acknowledgement(feed.events, new Map([['AAA', 1]])));

  const row = fold(feed);

  expect(FeedView.parse(row?.data)).toMatchObject({
    tenantId: 'acme',
    workspaceId: 'prod',
    feedId: 'demo',
    state: 'started',
    recordCount: 3,
    decodeFailureCount: 1,
    tickCount: 3,
    idleTickCount: 2,
    plannedRunCount: 1,
    lastIngestSeq: 3,
    lastIngestTsMs: 3_200,
    lastTickMs: 3_000,
    lagMs: 200,
  });
  expect(row).toMatchObject({
    listKey: feedList({ tenantId: 'acme', workspaceId: 'prod' }),
    listSort: 'demo',
  });
});

it('shows a feed that has seen nothing yet, or no tick yet', () => {
  const created = new FeedHarness(demoConfig(), false);
  expect(fold(created)?.data).toMatchObject({
    state: 'created',
    lastTickMs: null,
    lastIngestTsMs: null,
    lagMs: 0,
  });

  const young = new FeedHarness(demoConfig());
  young.ingest([batchRecord(1, marketEvent({ recv_ts_ms: 500 }))]);
  expect(fold(young)?.data).toMatchObject({ lastTickMs: null, lastIngestTsMs: 500, lagMs: 0 });
});

it('has no row for a stream that does not begin with its creation, and no detail rows', () => {
  const feed = new FeedHarness(demoConfig());
  const started = feed.events.filter((event) => event.type === 'FeedStarted');

  expect(started.map((event) => feedProjection.apply(undefined, feedRow(FEED_STREAM), event))).toEqual([
    undefined,
  ]);
  expect(started.flatMap(feedProjection.details)).toEqual([]);
});

it('computes no lag from ticks alone', () => {
  const feed = new FeedHarness(demoConfig());
  const [created] = feed.events;
  if (!created) throw new Error('no event');
  const row = feedProjection.apply(undefined, feedRow(FEED_STREAM), created);
  const ticked = { ...created, type: 'TicksPlanned', data: { ticks: [], idleCount: 1, lastTickMs: 9 } };

  expect(feedProjection.apply(row, feedRow(FEED_STREAM), ticked)?.data).toMatchObject({
    lagMs: 0,
    lastTickMs: 9,
  });
});
