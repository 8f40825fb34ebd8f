/** A feed as answers show it, and what the routes of feeds work with. */
import { feedWarnings } from '#contracts/market/feed-config-rules.ts';
import { FeedView } from '#contracts/market/feed-view.ts';
import { isIngestionPaused, isSchedulingPaused } from '#domain/market/feed/flow-control.ts';
import { haltViews } from '#domain/market/feed/halts.ts';
import { feedRow } from '#domain/market/feed/projection.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import type { FeedRef } from '#domain/market/streams.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { feedNotFound } from '#functions/api-feeds/feed-path.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';

export interface FeedPorts {
  readonly mailbox: Mailbox;
  readonly ledger: LedgerReader;
  readonly views: ViewReader;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
}

/** What a route of feeds does. */
export type FeedOperation = (request: ApiRequest) => Promise<ApiReply>;

/** A feed as its decision state has it, with the counts of its read-model row. */
export const viewOf = async (views: ViewReader, feed: Feed, ref: FeedRef): Promise<FeedView> => {
  if (feed.status === 'none') throw feedNotFound(ref.feedId);
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
