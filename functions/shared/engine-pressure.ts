/**
 * How long the queue of engine runs is, and how old what a feed has in it, as its schedule sees it: asked for now and
 * then, not with each batch.
 */
import type { FeedCommand } from '#contracts/market/feed.ts';
import { oldestSentMs } from '#domain/market/feed/pressure-watch.ts';
import type { ExistingFeed } from '#domain/market/feed/state.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { QueueDepth, Telemetry } from '#domain/ports/outside.ts';
import { feedProgress } from '#functions/shared/feed-acknowledgement.ts';

export interface PressurePorts {
  readonly ledger: LedgerReader;
  readonly engineDepth: QueueDepth;
  readonly nowMs: () => number;
}

/** For how long an answer is good: a queue does not fill faster than a few batches. */
const FRESH_MS = 5_000;

/** The depth of the queue, at most five seconds old. A question that failed is asked again at once. */
export const watchedDepth = (depth: QueueDepth, nowMs: () => number): QueueDepth => {
  let known: { readonly atMs: number; readonly value: Promise<number> } | undefined;
  return async () => {
    const atMs = nowMs();
    if (!known || atMs - known.atMs >= FRESH_MS) known = { atMs, value: depth() };
    const asked = known;
    try {
      return await asked.value;
    } catch (error) {
      if (known === asked) known = undefined;
      throw error;
    }
  };
};

/** Milliseconds since the oldest run of a feed was sent that is not terminal; 0 when there is none. */
export const oldestRunMs = async (
  { ledger, nowMs }: Pick<PressurePorts, 'ledger' | 'nowMs'>,
  feed: ExistingFeed,
): Promise<number> => {
  const progress = await feedProgress(ledger, feed);
  const sentMs = progress && oldestSentMs(feed, progress.events, progress.terminal);
  return sentMs === undefined ? 0 : Math.max(0, nowMs() - sentMs);
};

type PressureCommand = Extract<FeedCommand, { readonly type: 'PauseScheduling' | 'ResumeScheduling' }>;

/**
 * What the queue means for a feed: it pauses above its bound and goes on when the depth, and where it is bounded the
 * age of its own runs, are at half of it, so that it does not flutter.
 */
export const pressureCommand = async (
  ports: PressurePorts,
  feed: ExistingFeed,
): Promise<PressureCommand | undefined> => {
  const { max_pending: limit, max_block_ms: ageLimitMs } = feed.config.output_publish;
  const depth = await ports.engineDepth();
  if (!feed.schedulingPaused)
    return depth > limit
      ? { type: 'PauseScheduling', reason: 'queue_depth', observed: depth, limit }
      : undefined;
  if (depth > limit / 2) return undefined;
  if (ageLimitMs !== null && (await oldestRunMs(ports, feed)) > ageLimitMs / 2) return undefined;
  return { type: 'ResumeScheduling' };
};

/** Whether a run of a feed is older than it allows, as a command. */
export const ageCommand = (
  { config, schedulingPaused }: Pick<ExistingFeed, 'config' | 'schedulingPaused'>,
  observed: number,
): PressureCommand | undefined => {
  const { max_block_ms: limit } = config.output_publish;
  return schedulingPaused || limit === null || observed <= limit
    ? undefined
    : { type: 'PauseScheduling', reason: 'queue_age', observed, limit };
};

/** Counts that a feed begins to hold back what it plans, or for how long it did: told before the command is sent. */
export const reportPressure = (
  { telemetry, nowMs }: { readonly telemetry: Telemetry; readonly nowMs: () => number },
  { schedulingPaused }: Pick<ExistingFeed, 'schedulingPaused'>,
): void =>
  schedulingPaused
    ? telemetry.count('orchestrator.backpressure.blocked_ms', nowMs() - schedulingPaused.sinceMs)
    : telemetry.count('orchestrator.backpressure.count');
