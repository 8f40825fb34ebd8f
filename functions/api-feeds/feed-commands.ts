/** Creating market feeds and moving them on. */
import { parseFeedConfig } from '#contracts/market/feed-config-rules.ts';
import type { Actor } from '#contracts/event.ts';
import { PlanFeedTicksRequest, ResumeFeedRequest } from '#contracts/market/feed-view.ts';
import type { FeedCommand } from '#contracts/market/feed.ts';
import type { OperationId } from '#contracts/routes.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import type { Feed } from '#domain/market/feed/state.ts';
import { layersFault } from '#domain/market/layers/config.ts';
import { feedStream } from '#domain/market/streams.ts';
import { feedOf } from '#functions/api-feeds/feed-path.ts';
import { viewOf } from '#functions/api-feeds/feed-view.ts';
import type { FeedOperation, FeedPorts } from '#functions/api-feeds/feed-view.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import { feedProgress } from '#functions/shared/feed-acknowledgement.ts';
import { parseBody } from '#functions/shared/http.ts';
import { refuseSecrets } from '#functions/shared/refuse-secrets.ts';
import { callerOf } from '#functions/shared/request.ts';

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
    const fault = layersFault(parsed.config);
    if (fault !== undefined) throw new ApiError('invalid_feed_config', fault);
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
        actor: callerOf(request).actor,
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
