/** The feed of a request, and a feed as answers show it. */
import { feedWarnings } from '#contracts/market/feed-config-rules.ts';
import { FeedView } from '#contracts/market/feed-view.ts';
import { FeedId } from '#contracts/ids.ts';
import { isIngestionPaused, isSchedulingPaused } from '#domain/market/feed/flow-control.ts';
import { haltViews } from '#domain/market/feed/halts.ts';
import { feedRow } from '#domain/market/feed/projection.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import { feedStream, parseFeedStream } from '#domain/market/streams.ts';
import type { FeedRef } from '#domain/market/streams.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { callerOf } from '#functions/shared/request.ts';

export interface FeedPorts {
  readonly mailbox: Mailbox;
  readonly ledger: LedgerReader;
  readonly views: ViewReader;
  readonly nowMs: () => number;
}

/** What a route of feeds does. */
export type FeedOperation = (request: ApiRequest) => Promise<ApiReply>;

/** The refusal of a feed that does not exist. */
export const notFound = (feedId: string): ApiError =>
  new ApiError('feed_not_found', `there is no feed ${feedId} in this workspace`);

/** The feed a request is about; refuses what cannot be its name. */
export const feedOf = (request: ApiRequest): FeedRef => {
  const { tenantId, workspaceId } = callerOf(request);
  const feedId = FeedId.safeParse(request.path['feedId']);
  if (!feedId.success)
    throw new ApiError('invalid_request', 'a feed is named with 1 to 63 characters of a-z, 0-9 and -');
  return parseFeedStream(feedStream({ tenantId, workspaceId, feedId: feedId.data }));
};

/** A feed as its decision state has it, with the counts of its read-model row. */
export const viewOf = async (views: ViewReader, feed: Feed, ref: FeedRef): Promise<FeedView> => {
  if (feed.status === 'none') throw notFound(ref.feedId);
  // Read at once: the state is the mailbox's own and may be folded on while the row is fetched.
  const now = current(feed);
  const empty = emptyView(feed, ref);
  const row = await views.get(feedRow(feed.stream));
  const known = row && FeedView.safeParse(row.data);
  const { halts: _behind, ...counts } = known?.success ? known.data : empty;
  return { ...empty, ...counts, ...now };
};

/** What the decision state knows better than a row that may lag behind. */
const current = (feed: ExistingFeed) => ({
  state: feed.status,
  config: feed.config,
  lastIngestSeq: feed.lastSeq,
  lastIngestTsMs: feed.lastSeq === 0 ? null : feed.lastIngestTsMs,
  lastTickMs: feed.schedule?.lastTickMs ?? null,
  ingestionPaused: isIngestionPaused(feed),
  schedulingPaused: isSchedulingPaused(feed),
  ...(feedWarnings(feed.config).length === 0 ? {} : { warnings: [...feedWarnings(feed.config)] }),
  ...(haltViews(feed.halts).length === 0 ? {} : { halts: haltViews(feed.halts) }),
});

const emptyView = (feed: ExistingFeed, ref: FeedRef): FeedView => ({
  ...ref,
  ...current(feed),
  recordCount: 0,
  decodeFailureCount: 0,
  tickCount: 0,
  idleTickCount: 0,
  plannedRunCount: 0,
  lagMs: 0,
  updatedAtMs: 0,
});
