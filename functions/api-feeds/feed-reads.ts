/** Reading market feeds, their symbols and their runs. */
import { feedHealth, lifecycleState } from '#contracts/market/feed-health.ts';
import { ListQuery } from '#contracts/runs/read.ts';
import { engineRunList, feedSymbolList } from '#domain/market/feed-symbol/projection.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { isIngestionPaused, isSchedulingPaused } from '#domain/market/feed/flow-control.ts';
import { feedList, feedRow } from '#domain/market/feed/projection.ts';
import { feedStream } from '#domain/market/streams.ts';
import { feedNotFound, feedOf } from '#functions/api-feeds/feed-path.ts';
import { viewOf } from '#functions/api-feeds/feed-view.ts';
import type { FeedOperation, FeedPorts } from '#functions/api-feeds/feed-view.ts';
import { parseQuery } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import { cursorOf, positionOf } from '#functions/shared/paging.ts';
import { callerOf } from '#functions/shared/request.ts';

/** One feed as the ledger has it; its counts are as recent as the read model. */
export const getFeed =
  ({ ledger, views }: FeedPorts): FeedOperation =>
  async (request) => {
    const ref = feedOf(request);
    const { state } = await loadStream(ledger, feedAggregate, feedStream(ref));
    return { status: 200, body: await viewOf(views, state, ref) };
  };

/** The health of a feed as the ledger has it. */
export const getFeedHealth =
  ({ ledger }: FeedPorts): FeedOperation =>
  async (request) => {
    const ref = feedOf(request);
    const { state: feed } = await loadStream(ledger, feedAggregate, feedStream(ref));
    if (feed.status === 'none') throw feedNotFound(ref.feedId);
    const flags = { ingestion_paused: isIngestionPaused(feed), scheduling_paused: isSchedulingPaused(feed) };
    return { status: 200, body: feedHealth(lifecycleState[feed.status], flags) };
  };

/** One page of the workspace's feeds, by name. */
export const listFeeds =
  ({ views }: FeedPorts): FeedOperation =>
  async (request) => {
    const { limit, cursor } = parseQuery(ListQuery, request.query);
    const listKey = feedList(callerOf(request));
    const page = await views.list({ listKey, limit, descending: false, ...positionOf(listKey, cursor) });
    return { status: 200, body: { feeds: page.rows.map(({ data }) => data), ...cursorOf(listKey, page) } };
  };

/** One page of a feed's engine runs, newest first. */
export const listFeedRuns =
  ({ views }: FeedPorts): FeedOperation =>
  async (request) => {
    const ref = feedOf(request);
    const { limit, cursor } = parseQuery(ListQuery, request.query);
    if (!(await views.get(feedRow(feedStream(ref))))) throw feedNotFound(ref.feedId);
    const listKey = engineRunList(ref);
    const page = await views.list({ listKey, limit, ...positionOf(listKey, cursor) });
    return { status: 200, body: { runs: page.rows.map(({ data }) => data), ...cursorOf(listKey, page) } };
  };

/** One page of a feed's symbols, by name: how far their runs have come. */
export const listFeedSymbols =
  ({ views }: FeedPorts): FeedOperation =>
  async (request) => {
    const ref = feedOf(request);
    const { limit, cursor } = parseQuery(ListQuery, request.query);
    if (!(await views.get(feedRow(feedStream(ref))))) throw feedNotFound(ref.feedId);
    const listKey = feedSymbolList(ref);
    const page = await views.list({ listKey, limit, descending: false, ...positionOf(listKey, cursor) });
    return { status: 200, body: { symbols: page.rows.map(({ data }) => data), ...cursorOf(listKey, page) } };
  };
