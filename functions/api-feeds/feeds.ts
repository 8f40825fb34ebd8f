/** Creating and reading market feeds. */
import { feedWarnings, parseFeedConfig } from '#contracts/market/feed-config-rules.ts';
import { feedHealth, lifecycleState } from '#contracts/market/feed-health.ts';
import type { Actor } from '#contracts/event.ts';
import { FeedView, PlanFeedTicksRequest, ResumeFeedRequest } from '#contracts/market/feed-view.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import type { OperationId } from '#contracts/routes.ts';
import { ListQuery } from '#contracts/runs/read.ts';
import { engineRunList } from '#domain/market/feed-symbol/projection.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { isIngestionPaused, isSchedulingPaused } from '#domain/market/feed/flow-control.ts';
import { haltViews } from '#domain/market/feed/halts.ts';
import { feedList, feedRow } from '#domain/market/feed/projection.ts';
import type { ExistingFeed, Feed } from '#domain/market/feed/state.ts';
import { feedStream } from '#domain/market/streams.ts';
import type { FeedRef } from '#domain/market/streams.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { feedNotFound, feedOf } from '#functions/api-feeds/feed-path.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody, parseQuery } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { feedProgress } from '#functions/shared/feed-acknowledgement.ts';
import { loadStream } from '#functions/shared/load.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';
import { cursorOf, positionOf } from '#functions/shared/paging.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { callerOf } from '#functions/shared/request.ts';

export interface FeedPorts {
  readonly mailbox: Mailbox;
  readonly ledger: LedgerReader;
  readonly views: ViewReader;
  readonly nowMs: () => number;
}

type FeedOperation = (request: ApiRequest) => Promise<ApiReply>;

/**
 * Creates and starts a feed: 201; 200 when it exists with this configuration, or has it from now on because it was
 * drained.
 */
export const putFeed =
  ({ mailbox, ledger, views }: FeedPorts): FeedOperation =>
  async (request) => {
    const ref = feedOf(request);
    refuseSecrets(request.body);
    const parsed = parseFeedConfig(request.body);
    if (parsed.kind === 'invalid') throw new ApiError('invalid_feed_config', parsed.message);
    const stream = feedStream(ref);
    const identity = callerOf(request).commandIdentity('putFeed');
    const command = { type: 'CreateFeed', config: parsed.config, start: true } as const;
    let outcome = await mailbox.send(feedAggregate, { stream, command, ...identity });
    // Runs may be terminal and the feed not told yet: it is told, and asked once more.
    if (outcome.kind === 'rejected' && (await acknowledge({ mailbox, ledger }, outcome.state, identity)))
      outcome = await mailbox.send(feedAggregate, { stream, command, ...identity });
    if (outcome.kind === 'rejected') throw apiErrorOf(outcome.rejection);
    const body = await viewOf(views, outcome.state, ref);
    const isNew = outcome.kind === 'committed' && outcome.events[0]?.type === 'FeedCreated';
    return { status: isNew ? 201 : 200, body };
  };

const acknowledge = async (
  { mailbox, ledger }: Pick<FeedPorts, 'mailbox' | 'ledger'>,
  feed: Feed,
  { actor, correlationId }: { readonly actor: Actor; readonly correlationId: string },
): Promise<boolean> => {
  if (feed.status !== 'drained') return false;
  const progress = await feedProgress(ledger, feed);
  if (!progress) return false;
  const { stream, version } = feed;
  const commandId = `acknowledge:${stream}:${version}`;
  await mailbox.send(feedAggregate, { stream, command: progress.command, commandId, actor, correlationId });
  return true;
};

type Move = Extract<FeedCommand, { readonly type: 'StartFeed' | 'DrainFeed' | 'StopFeed' }>['type'];

/** Moves a feed in its life: 200, or 409 when it cannot be moved so from where it is. */
export const moveFeed =
  ({ mailbox, views }: FeedPorts, type: Move, operationId: OperationId): FeedOperation =>
  async (request) => {
    const ref = feedOf(request);
    const outcome = await mailbox.send(feedAggregate, {
      stream: feedStream(ref),
      command: { type },
      ...callerOf(request).commandIdentity(operationId),
    });
    if (outcome.kind === 'rejected') throw apiErrorOf(outcome.rejection);
    return { status: 200, body: await viewOf(views, outcome.state, ref) };
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

/** One feed as the ledger has it; its counts are as recent as the read model. */
export const getFeed =
  ({ ledger, views }: FeedPorts): FeedOperation =>
  async (request) => {
    const ref = feedOf(request);
    const { state } = await loadStream(ledger, feedAggregate, feedStream(ref));
    return { status: 200, body: await viewOf(views, state, ref) };
  };

/** How far ahead feed time may be set; it never runs back, so that a slip would silence the feed until then. */
const PASSED_AHEAD_MAX_MS = 86_400_000;

/** Commits one request makes at most; what is left follows with the next request. */
const ROUNDS_MAX = 50;

/**
 * Plans every tick up to an instant, for a feed whose time is its records' own: after the last record of a tape
 * nothing else tells it that time went on. Other feeds have their timers and answer unchanged.
 */
export const planFeedTicks =
  ({ mailbox, views, nowMs }: FeedPorts): FeedOperation =>
  async (request) => {
    const ref = feedOf(request);
    const { passedMs } = parseBody(PlanFeedTicksRequest, request.body);
    if (passedMs > nowMs() + PASSED_AHEAD_MAX_MS)
      throw new ApiError(
        'invalid_request',
        `passedMs ${passedMs} is more than a day ahead; send a time that passed`,
      );
    for (let round = 1; ; round++) {
      const outcome = await mailbox.send(feedAggregate, {
        stream: feedStream(ref),
        command: { type: 'PlanTicks', clock: 'record', beforeMs: passedMs + 1 },
        commandId: `ticks:${request.requestId}:${round}`,
        actor: { kind: 'user', id: callerOf(request).userId },
        correlationId: request.requestId,
      });
      if (outcome.kind === 'rejected') throw apiErrorOf(outcome.rejection);
      if (outcome.kind !== 'committed' || round === ROUNDS_MAX)
        return { status: 200, body: await viewOf(views, outcome.state, ref) };
    }
  };

/** Lets what is halted go on: 200, or 409 when nothing is halted any more. */
export const resumeFeed =
  ({ mailbox, views }: FeedPorts): FeedOperation =>
  async (request) => {
    const ref = feedOf(request);
    refuseSecrets(request.body);
    const { reason } = parseBody(ResumeFeedRequest, request.body);
    const outcome = await mailbox.send(feedAggregate, {
      stream: feedStream(ref),
      command: { type: 'ResumeFeed', reason },
      ...callerOf(request).commandIdentity('resumeFeed'),
    });
    if (outcome.kind === 'rejected') throw apiErrorOf(outcome.rejection);
    return { status: 200, body: await viewOf(views, outcome.state, ref) };
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

const viewOf = async (views: ViewReader, feed: Feed, ref: FeedRef): Promise<FeedView> => {
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
