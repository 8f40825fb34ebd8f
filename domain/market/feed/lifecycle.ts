/** Where a feed is in its life, and which commands move it (market reference, section 6.4). */
import type { DegradeFeed } from '#contracts/market/feed.ts';
import { lifecycleState } from '#contracts/market/feed-health.ts';
import type { FeedStatus } from '#contracts/market/feed-health.ts';
import type { ProposedEvent, Rejection } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import type * as z from 'zod';

type LifecycleDecision = Decision<ProposedEvent, Rejection>;
type Place = Pick<ExistingFeed, 'status' | 'stream' | 'version'>;

const event = (type: string, { stream, version }: Place, data: object = {}): ProposedEvent => ({
  type,
  // A feed may be started or drained more than once: the version tells the times apart.
  idempotencyKey: `${type}:${stream}:${version}`,
  data,
});

const cannot = (call: string, { status }: Place): LifecycleDecision =>
  reject({
    code: 'feed_state_conflict',
    message: `cannot ${call} from ${lifecycleState[status]}`,
    details: { state: lifecycleState[status] },
  });

/** Starts what was created or drained. */
export const startFeed = (feed: Place): LifecycleDecision =>
  feed.status === 'created' || feed.status === 'drained'
    ? accept(event('FeedStarted', feed))
    : cannot('start', feed);

/** Drains what runs. */
export const drainFeed = (feed: Place): LifecycleDecision =>
  feed.status === 'started' ? accept(event('FeedDrained', feed)) : cannot('drain', feed);

/** Stops in any state; a stopped feed stays stopped. */
export const stopFeed = (feed: Place): LifecycleDecision =>
  feed.status === 'stopped' ? accept() : accept(event('FeedStopped', feed));

/** Degrades in any state but two: a stopped feed has nothing to lose, and a degraded one has said so. */
export const degradeFeed = (
  feed: Place,
  { type: _type, ...data }: z.infer<typeof DegradeFeed>,
): LifecycleDecision =>
  feed.status === 'stopped' || feed.status === 'degraded'
    ? accept()
    : accept(event('FeedDegraded', feed, data));

/** Whether a feed takes records in: a degraded one tries, and recovers with the first that it can keep. */
export const takesRecords = ({ status }: { readonly status: FeedStatus }): boolean =>
  status === 'started' || status === 'degraded';
